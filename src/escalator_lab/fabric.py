"""The lab's network: one bridge in a namespace of its own, one namespace per host and one for the operator."""

from __future__ import annotations

from escalator_lab.commands import run
from escalator_lab.shape import GUESTS_SUBNET, Network, Shape

BRIDGE = "br0"
GUESTS_BRIDGE = "br-vnf"  # in the fabric, and on each compute: what guests are plugged into
GUESTS_LINK = "data0"
QUIET = ("forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")


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
        if shape.guests:
            _bridge(fabric)
    for name, address in [("op", network.operator_address), *((h.name, network.address(h)) for h in shape.hosts)]:
        if network.namespace(name) not in there:
            _plug(network, name, address)
            if shape.guests:
                _plug_guests(network, name, {host.name for host in shape.computes})


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


def _bridge(space: str) -> None:
    """A bridge for guests' packets. It never speaks itself."""
    run("ip", "-n", space, "link", "add", GUESTS_BRIDGE, "type", "bridge", *QUIET)
    run("ip", "netns", "exec", space, "sysctl", "-qw", f"net.ipv6.conf.{GUESTS_BRIDGE}.disable_ipv6=1")
    run("ip", "-n", space, "link", "set", GUESTS_BRIDGE, "up")


def _plug_guests(network: Network, name: str, computes: set[str]) -> None:
    """The guests' network: a link of its own for a compute, bridged there; an address for the operator."""
    if name != "op" and name not in computes:
        return
    space, port, fabric = network.namespace(name), f"g-{name}"[:15], network.fabric_namespace
    run("ip", "-n", fabric, "link", "add", port, "type", "veth", "peer", "name", GUESTS_LINK, "netns", space)
    for where, link in ((fabric, port), (space, GUESTS_LINK)):
        run("ip", "netns", "exec", where, "sysctl", "-qw", f"net.ipv6.conf.{link}.disable_ipv6=1")
    run("ip", "-n", fabric, "link", "set", port, "master", GUESTS_BRIDGE, "up")
    if name == "op":
        address = f"{network.guests_gateway}/{GUESTS_SUBNET.prefixlen}"
        run("ip", "-n", space, "addr", "add", address, "dev", GUESTS_LINK)
        run("ip", "-n", space, "link", "set", GUESTS_LINK, "up")
    else:
        _bridge(space)
        run("ip", "-n", space, "link", "set", GUESTS_LINK, "master", GUESTS_BRIDGE, "up")


def down(network: Network, shape: Shape) -> None:
    """Delete the lab's namespaces, and with them all its links."""
    there = existing()
    for name in namespaces(network, shape):
        if name in there:
            run("ip", "netns", "delete", name)
