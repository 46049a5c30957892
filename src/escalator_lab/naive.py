"""The upgrade as it is done without care: each service stopped, its schema changed, started. For comparison only.

``python -m escalator_lab.naive TARGET-BUNDLE [--dir DIR]``; every API is down while its service is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from escalator_lab import bundles
from escalator_lab.commands import run
from escalator_lab.errors import CommandFailed, TookTooLong
from escalator_lab.layout import Layout, default_folder
from escalator_lab.openstack import Cloud
from escalator_lab.progress import Progress
from escalator_lab.services import running, units
from escalator_lab.shape import MINIMAL, Network, Shape

COMMANDS = {
    "keystone": ("keystone-manage db_sync",),
    "placement": ("placement-manage db sync",),
    "glance": ("glance-manage db_sync",),
    "nova": ("nova-manage api_db sync", "nova-manage db sync"),
    "neutron": ("neutron-db-manage --config-file /etc/neutron/neutron.conf upgrade heads",),
}


def upgrade(layout: Layout, network: Network, shape: Shape, bundle_id: str, progress: Progress) -> None:
    """Stop, migrate, start: component by component, then the computes. The bundle must be on no host yet."""
    cloud = Cloud(layout, network, shape)
    archive = layout.bundle(bundle_id) / "bundle.tar.zst"
    for host in shape.hosts:
        with progress.step(f"unpacking on {host.name}"):
            _copy(cloud, host.name, archive)
    binaries = f"{bundles.ROOT}/{bundle_id}/bin"
    for component, commands in COMMANDS.items():
        with progress.step(f"naive: {component}"):
            mine = [u for u in units("controller") if u.startswith(f"{component}-")]
            cloud.on("controller", "systemctl stop " + " ".join(mine))
            _switch(cloud, "controller", mine, bundle_id)
            for command in commands:
                cloud.on("controller", f"{binaries}/{command}", 900)
            cloud.on("controller", "systemctl start " + " ".join(u for u in mine if u in running("controller")))
            cloud.wait()
    for host in shape.computes:
        with progress.step(f"naive: {host.name}"):
            mine = list(units("compute"))
            cloud.on(host.name, "systemctl stop " + " ".join(mine))
            _switch(cloud, host.name, mine, bundle_id)
            cloud.on(host.name, "systemctl start " + " ".join(mine))


def _copy(cloud: Cloud, host: str, archive: Path) -> None:
    """Send the bundle through SSH and unpack it."""
    key, known = cloud.layout.operator / "id_ed25519", cloud.layout.operator / "known_hosts"
    address = cloud.network.address(cloud.shape.host(host))
    run(
        "ip", "netns", "exec", cloud.network.operator_namespace, "sh", "-c",
        f"ssh -q -i {key} -o UserKnownHostsFile={known} -o BatchMode=yes root@{address}"
        f" 'tar --zstd -xf - -C {bundles.ROOT}' < {archive}",
        timeout_s=600,
    )  # fmt: skip


def _switch(cloud: Cloud, host: str, names: list[str], bundle_id: str) -> None:
    links = "; ".join(f"ln -sfn ../{bundle_id} {bundles.ROOT}/active/{name}" for name in names)
    try:
        cloud.on(host, links)
    except (CommandFailed, TookTooLong) as error:
        raise CommandFailed(f"{host}: the links could not be turned: {error.text}") from error


def main() -> None:
    """Upgrade the lab that is up."""
    parser = argparse.ArgumentParser(description="Upgrade the lab's cloud naively: stop, migrate, start.")
    parser.add_argument("bundle")
    parser.add_argument("--dir", type=Path, default=default_folder())
    given = parser.parse_args()
    upgrade(Layout(given.dir.resolve()), Network(), MINIMAL, given.bundle, Progress())


if __name__ == "__main__":
    main()
