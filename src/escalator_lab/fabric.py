"""The lab's network: one bridge in a namespace of its own, one namespace per host and one for the operator."""

from __future__ import annotations

from escalator_lab.commands import run
from escalator_lab.shape import Network, Shape

BRIDGE = "br0"


def namespaces(network: Network, shape: Shape) -> list[str]:
    """All namespaces of a lab, the fabric's last (its bridge goes when the others are gone)."""
    names = [network.namespace(host.name) for host in shape.hosts]
    return [*names, network.operator_namespace, network.fabric_namespace]


def existing() -> set[str]:
    """Names of this machine's network namespaces."""
    return {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()}


def up(network: Network, shape: Shape) -> None:
    """Make what is missing; safe to repeat."""
    there = existing()
    fabric = network.fabric_namespace
    if fabric not in there:
        run("ip", "netns", "add", fabric)
        run("ip", "-n", fabric, "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "stp_state", "0")
        run("ip", "-n", fabric, "link", "set", BRIDGE, "up")
    for name, address in [("op", network.operator_address), *((h.name, network.address(h)) for h in shape.hosts)]:
        if network.namespace(name) not in there:
            _plug(network, name, address)


def _plug(network: Network, name: str, address: str) -> None:
    space, port = network.namespace(name), f"p-{name}"[:15]
    run("ip", "netns", "add", space)
    run("ip", "-n", space, "link", "set", "lo", "up")
    run(
        "ip",
        "-n",
        network.fabric_namespace,
        "link",
        "add",
        port,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        space,
    )
    run("ip", "-n", network.fabric_namespace, "link", "set", port, "master", BRIDGE, "up")
    run("ip", "-n", space, "addr", "add", f"{address}/{network.prefix_length}", "dev", "eth0")
    run("ip", "-n", space, "link", "set", "eth0", "up")


def down(network: Network, shape: Shape) -> None:
    """Delete the lab's namespaces, and with them all its links."""
    there = existing()
    for name in namespaces(network, shape):
        if name in there:
            run("ip", "netns", "delete", name)
