"""The VNFs of shape ``compute``: tenants, networks, images, and guests booted through Nova where they are missing.

``python -m escalator_lab.vnfs tenants|servers|ask FOLDER``, in the operator's namespace; FOLDER holds clouds.yaml and
populate.json. Safe to repeat.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from escalator_lab import populate
from escalator_lab.guest import COMMAND_LINE, INITRAMFS, KERNEL, MEMORY_MB
from escalator_lab.shape import GUESTS_SUBNET

IMAGE, FLAVOR, NETWORK = "vnf", "vnf.small", "vnf-net"
ECHO_PORT, PAGE_PORT = 7, 80
LONGEST_S = 300.0
ANSWER_S = 1.0
HOST_VERSION = "2.74"  # of Nova's API: since it, a server can be asked for on a host without pinning it there
UPTIME = re.compile(r"uptime=(\d+\.\d+)")


def tenants(folder: Path) -> None:
    """Availability zones, flavor, images, the guests' network, and the tenants."""
    given = json.loads((folder / "populate.json").read_text())
    admin = populate.connect(folder, "lab-admin")
    populate.wait_ready(admin, given["computes"])
    _zones(admin, given["zones"])
    if not admin.compute.find_flavor(FLAVOR):
        admin.compute.create_flavor(name=FLAVOR, ram=MEMORY_MB, vcpus=1, disk=1)
    _images(admin, Path(given["guest"]))
    populate.projects(admin, sorted({guest["tenant"] for guest in given["guests"]} | {"probe"}), given)
    role = admin.identity.find_role("admin")
    for name in {guest["tenant"] for guest in given["guests"]}:  # to say on which host a tenant's server begins
        admin.identity.assign_project_role_to_user(
            admin.identity.find_project(name), admin.identity.find_user("admin"), role
        )
    _network(admin)


def _zones(admin: Any, zones: dict[str, list[str]]) -> None:
    there = {aggregate.name: aggregate for aggregate in admin.compute.aggregates()}
    for zone, names in zones.items():
        aggregate = there.get(zone) or admin.compute.create_aggregate(name=zone, availability_zone=zone)
        for name in set(names) - set(aggregate.hosts or ()):
            admin.compute.add_host_to_aggregate(aggregate, name)


def _images(admin: Any, guest: Path) -> None:
    """Kernel, initramfs, and the image of a root disk that names them (and that no guest looks at)."""
    if admin.image.find_image(IMAGE):
        return
    parts = {}
    for name, file, kind in (("kernel", KERNEL, "aki"), ("ramdisk", INITRAMFS, "ari")):
        image = admin.create_image(
            f"{IMAGE}-{name}", filename=str(guest / file), container_format=kind, disk_format=kind,
            visibility="public", wait=True, allow_duplicates=False,
        )  # fmt: skip
        parts[f"{name}_id"] = image.id
    admin.create_image(
        IMAGE, data=b"\0" * 2**20, container_format="bare", disk_format="raw", visibility="public", wait=True,
        allow_duplicates=False, meta={
            **parts, "os_command_line": COMMAND_LINE, "hw_cdrom_bus": "scsi", "hw_scsi_model": "virtio-scsi",
            "hw_video_model": "none",
        },
    )  # fmt: skip


def _network(admin: Any) -> None:
    """The network that the computes' bridges carry. Nothing filters on it, and Neutron is told so."""
    net = admin.network.find_network(NETWORK, ignore_missing=True) or admin.network.create_network(
        name=NETWORK, is_shared=True, is_port_security_enabled=False, provider_network_type="flat",
        provider_physical_network="physnet1",
    )  # fmt: skip
    if not admin.network.find_subnet(f"{NETWORK}-subnet"):
        base = GUESTS_SUBNET.network_address
        admin.network.create_subnet(
            network_id=net.id, name=f"{NETWORK}-subnet", ip_version=4, cidr=str(GUESTS_SUBNET), enable_dhcp=False,
            gateway_ip=str(base + 1), allocation_pools=[{"start": str(base + 100), "end": str(base + 250)}],
        )  # fmt: skip


def servers(folder: Path) -> None:
    """Boot each guest that is missing on the host that it is to begin on; wait until all of them answer."""
    given = json.loads((folder / "populate.json").read_text())
    populate.wait_ready(populate.connect(folder, "lab-admin"), given["computes"])
    names = sorted({guest["tenant"] for guest in given["guests"]})
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: _boot(folder, name, [g for g in given["guests"] if g["tenant"] == name]), names))
    end = time.monotonic() + LONGEST_S
    while silent := [row["name"] for row in answers(given["guests"]) if row["uptime"] is None]:
        if time.monotonic() > end:
            raise SystemExit(f"no answer from {', '.join(silent)}")
        time.sleep(0.5)


def _boot(folder: Path, tenant: str, guests: list[dict[str, Any]]) -> None:
    """One tenant's guests: members of a group one after the other, since Nova decides on them too early else."""
    cloud = populate.connect(folder, "lab-admin").connect_as_project(tenant)
    cloud.compute.default_microversion = HOST_VERSION
    image, flavor = cloud.image.find_image(IMAGE), cloud.compute.find_flavor(FLAVOR)
    net = cloud.network.find_network(NETWORK)
    there = {server.name: server for server in cloud.compute.servers()}
    groups = {group.name: group.id for group in cloud.compute.server_groups()}
    for guest in guests:
        if guest["name"] in there:
            populate.active(cloud, there[guest["name"]].id)
            continue
        group = guest["group"]
        if group and group not in groups:
            groups[group] = cloud.compute.create_server_group(name=group, policy="anti-affinity").id
        port = next(cloud.network.ports(name=guest["name"]), None) or cloud.network.create_port(
            network_id=net.id, name=guest["name"], fixed_ips=[{"ip_address": guest["address"]}]
        )
        wanted = {"scheduler_hints": {"group": groups[group]}} if group else {}
        if guest["zone"]:
            wanted["availability_zone"] = guest["zone"]
        made = cloud.compute.create_server(
            name=guest["name"], image_id=image.id, flavor_id=flavor.id, networks=[{"port": port.id}],
            host=guest["home"], **wanted,
        )  # fmt: skip
        populate.active(cloud, made.id)


def answers(guests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each guest: name, address, and its uptime in seconds, None where it does not answer."""
    asked = []
    for guest in guests:
        ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ask.settimeout(ANSWER_S)
        ask.connect((guest["address"], ECHO_PORT))
        asked.append((guest, ask))
    for _, ask in asked:
        _send(ask)
    return [{"name": g["name"], "address": g["address"], "uptime": _uptime(ask)} for g, ask in asked]


def _send(ask: socket.socket) -> None:
    try:
        ask.send(b"escalator-lab")
    except OSError:
        return  # the answer will be missed


def _uptime(ask: socket.socket) -> float | None:
    with ask:
        try:
            told = UPTIME.search(ask.recv(2048).decode(errors="replace"))
        except OSError:
            return None
    return float(told[1]) if told else None


def ask(folder: Path) -> None:
    """Print what the guests answer, as JSON."""
    print(json.dumps(answers(json.loads((folder / "populate.json").read_text())["guests"])))


if __name__ == "__main__":
    {"tenants": tenants, "servers": servers, "ask": ask}[sys.argv[1]](Path(sys.argv[2]))
