"""Gives the lab's cloud its service users, endpoints, and tenants that use it. Runs in the operator's namespace.

``python -m escalator_lab.populate services|tenants|ready FOLDER``; FOLDER holds clouds.yaml and populate.json. Safe to
repeat.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openstack

TENANTS = ("alpha", "beta")
IMAGE, FLAVOR = "tiny", "m1.nano"
LONGEST_S = 300.0


def connect(folder: Path, entry: str) -> Any:
    """A connection by an entry of the folder's clouds.yaml."""
    config = openstack.config.OpenStackConfig(config_files=[str(folder / "clouds.yaml")])
    return openstack.connection.Connection(config=config.get_one(cloud=entry))


def services(folder: Path) -> None:
    """Service users, services and endpoints."""
    given = json.loads((folder / "populate.json").read_text())
    identity = connect(folder, "lab-admin").identity
    project = identity.find_project("service") or identity.create_project(name="service", domain_id="default")
    roles = [identity.find_role("admin"), identity.find_role("service") or identity.create_role(name="service")]
    for name in ("placement", "glance", "nova", "neutron"):
        user = identity.find_user(name) or identity.create_user(
            name=name, password=given["service_password"], domain_id="default", default_project_id=project.id
        )
        for role in roles:
            identity.assign_project_role_to_user(project, user, role)
    for name, kind, url in given["endpoints"]:
        service = identity.find_service(name) or identity.create_service(name=name, type=kind)
        there = {e.interface for e in identity.endpoints(service_id=service.id)}
        for interface in ("public", "internal", "admin"):
            if interface not in there:
                identity.create_endpoint(service_id=service.id, interface=interface, url=url, region_id="RegionOne")


def tenants(folder: Path) -> None:
    """Flavors, an image, and two tenants with networks, ports, server groups and servers as users have them."""
    given = json.loads((folder / "populate.json").read_text())
    admin = connect(folder, "lab-admin")
    wait_ready(admin, given["computes"])
    for name, ram in ((FLAVOR, 64), ("m1.micro", 128)):
        if not admin.compute.find_flavor(name):
            admin.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=1)
    if not admin.image.find_image(IMAGE):
        admin.create_image(
            IMAGE, data=b"x" * 2**20, container_format="bare", disk_format="raw", visibility="public", wait=True,
            allow_duplicates=False,
        )  # fmt: skip
    projects(admin, [*TENANTS, "probe"], given)
    _network(connect(folder, "lab-probe"), "probe", "10.99.9.0/24")
    for number, name in enumerate(TENANTS):
        _tenant(connect(folder, f"lab-{name}"), name, number)


def projects(admin: Any, names: list[str], given: dict[str, Any]) -> None:
    """A project for each name, and a user of the same name in it."""
    role = admin.identity.find_role("member")
    for name in names:
        project = admin.identity.find_project(name) or admin.identity.create_project(name=name, domain_id="default")
        user = admin.identity.find_user(name) or admin.identity.create_user(
            name=name, password=given["tenant_password"], domain_id="default", default_project_id=project.id
        )
        admin.identity.assign_project_role_to_user(project, user, role)


def wait_ready(admin: Any, computes: list[str]) -> None:
    """Wait until all were heard of since now: conductor, scheduler, and each compute with its agent and inventory.

    What was said before the hosts' last start proves nothing: a request sent before the conductor listens is lost.
    """
    since = datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
    wanted = {("nova-conductor", ""), ("nova-scheduler", "")}
    wanted |= {(kind, name) for name in computes for kind in ("nova-compute", "agent", "inventory")}
    end = time.monotonic() + LONGEST_S
    while True:
        services = [s for s in admin.compute.services() if str(s.updated_at).replace("T", " ") > since]
        seen = {(s.binary, s.host if s.binary == "nova-compute" else "") for s in services}
        seen |= {("agent", a.host) for a in admin.network.agents() if str(a.last_heartbeat_at) > since}
        seen |= {("inventory", p.name) for p in admin.placement.resource_providers()}
        if wanted <= seen:
            return
        if time.monotonic() > end:
            raise SystemExit(f"not ready: {sorted(wanted - seen)}")
        time.sleep(0.5)


def ready(folder: Path) -> None:
    """Wait until the cloud serves: every compute can be scheduled to, and a tenant's server comes up on each."""
    given = json.loads((folder / "populate.json").read_text())
    wait_ready(connect(folder, "lab-admin"), given["computes"])
    cloud = connect(folder, "lab-probe")
    image, flavor = cloud.image.find_image(IMAGE), cloud.compute.find_flavor(FLAVOR)
    net = cloud.network.find_network("probe-net")
    group = cloud.compute.create_server_group(name="lab-ready", policy="anti-affinity")
    end, good = time.monotonic() + LONGEST_S, 0
    made: list[str] = []
    while good < len(given["computes"]):
        server = cloud.compute.create_server(
            name="lab-ready", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": net.id}],
            scheduler_hints={"group": group.id},
        )  # fmt: skip
        made.append(server.id)
        while (now := cloud.compute.get_server(server.id)).status == "BUILD" and time.monotonic() < end:
            time.sleep(0.3)
        if now.status == "ACTIVE":
            good += 1
        elif time.monotonic() > end:
            raise SystemExit(f"no server comes up: {now.fault}")
        else:
            cloud.compute.delete_server(made.pop())
            time.sleep(1)
    for name in made:
        cloud.compute.delete_server(name)
    while any(cloud.compute.find_server(name) for name in made) and time.monotonic() < end:
        time.sleep(0.3)
    cloud.compute.delete_server_group(group)


def active(cloud: Any, server: str) -> None:
    """Wait until a server is ACTIVE; ends the program where it fails."""
    end = time.monotonic() + LONGEST_S
    while (now := cloud.compute.get_server(server)).status != "ACTIVE":
        if now.status == "ERROR" or time.monotonic() > end:
            raise SystemExit(f"server {now.name} is {now.status}: {now.fault}")
        time.sleep(0.3)


def _network(cloud: Any, name: str, cidr: str) -> Any:
    net = cloud.network.find_network(f"{name}-net", ignore_missing=True) or cloud.network.create_network(
        name=f"{name}-net"
    )
    if not cloud.network.find_subnet(f"{name}-subnet"):
        cloud.network.create_subnet(
            network_id=net.id, name=f"{name}-subnet", ip_version=4, cidr=cidr, enable_dhcp=False
        )
    return net


def _tenant(cloud: Any, name: str, number: int) -> None:
    net = _network(cloud, name, f"10.99.{number}.0/24")
    if not cloud.network.find_port(f"{name}-spare"):
        cloud.network.create_port(network_id=net.id, name=f"{name}-spare")
    image, flavor = cloud.image.find_image(IMAGE), cloud.compute.find_flavor(FLAVOR)
    groups = list(cloud.compute.server_groups())
    group = groups[0] if groups else cloud.compute.create_server_group(name=f"{name}-pair", policy="anti-affinity")
    for server, hints in (("a0", {"group": group.id}), ("a1", {"group": group.id}), ("f0", {}), ("f1", {})):
        full = f"{name}-{server}"
        there = cloud.compute.find_server(full) or cloud.compute.create_server(
            name=full, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": net.id}], scheduler_hints=hints
        )
        active(cloud, there.id)  # members of a group one after the other: nova decides on them too early else


if __name__ == "__main__":
    {"services": services, "tenants": tenants, "ready": ready}[sys.argv[1]](Path(sys.argv[2]))
