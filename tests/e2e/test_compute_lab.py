"""The lab of shape compute: VNFs that answer packets, on hosts that are moved away from and whose software changes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from escalator.config.site import load_site
from escalator_lab import fabric, hosts
from escalator_lab.errors import CommandFailed, Refused, TookTooLong
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder
from escalator_lab.progress import Progress
from escalator_lab.shape import MINIMAL, Network, compute

pytestmark = [pytest.mark.lab, pytest.mark.full]  # minutes of booting and moving guests

RELEASE = "2025.1"
LONGEST_UP_S = 600  # from a kept cloud, on a machine that does other things too
LONGEST_MOVE_S = 120


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(Layout(tmp_path_factory.mktemp("compute") / "v"), Network("v", "10.79.0.0/24"), compute())
    cache = Layout(default_folder()).cache
    cache.mkdir(parents=True, exist_ok=True)
    made.layout.root.mkdir()
    made.layout.marker.touch()
    made.layout.cache.symlink_to(cache)
    made.up(Progress(), RELEASE)
    yield made
    made.down(Progress())
    assert not [name for name in fabric.existing() if name.startswith("esc-v-")]
    assert str(made.layout.root) not in Path("/proc/self/mounts").read_text()
    assert not list(Path("/sys/fs/cgroup").glob("*/esc-v-*"))
    assert not list(Path("/sys/fs/cgroup").glob("esc-v-*"))
    assert {path.name for path in made.layout.root.iterdir()} == {".escalator-lab", ".lock", "cache"}


def on(lab: Lab, host: str, command: str) -> str:
    return hosts.ssh(lab.layout, lab.network, lab.shape.host(host), command, timeout_s=300)


def as_admin(lab: Lab, act: str) -> str:
    """Python that finds ``cloud`` (the administrator's connection); what it prints."""
    folder = str(lab.layout.operator)
    text = f"from escalator_lab import populate, vnfs; from pathlib import Path; folder = Path({folder!r})\n"
    text += f"cloud = populate.connect(folder, 'lab-admin')\n{act}"
    done = subprocess.run(
        ["ip", "netns", "exec", lab.network.operator_namespace, sys.executable, "-c", text],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def places(lab: Lab) -> dict[str, str]:
    act = "import json; print(json.dumps({s.name: s.compute_host for s in cloud.compute.servers(all_projects=True)}))"
    found: dict[str, str] = json.loads(as_admin(lab, act))
    return found


def uptimes(lab: Lab) -> dict[str, float]:
    return {row["name"]: row["uptime"] for row in lab.guests()}


def move(lab: Lab, name: str, to: str) -> None:
    as_admin(
        lab,
        f"server = next(s for s in cloud.compute.servers(all_projects=True) if s.name == {name!r})\n"
        f"cloud.compute.live_migrate_server(server.id, host={to!r}, block_migration='auto')\n",
    )
    end = time.monotonic() + LONGEST_MOVE_S
    while places(lab)[name] != to:
        assert time.monotonic() < end, f"{name} is not on {to}"
        time.sleep(0.5)


def test_every_guest_answers_udp_and_http_and_tells_its_uptime(lab: Lab) -> None:
    said = {row["name"]: row for row in lab.guests()}
    assert set(said) == {guest.name for guest in lab.shape.guests}
    assert all(row["uptime"] > 0 for row in said.values())
    for guest in lab.shape.guests:
        url = f"http://{lab.network.guest_address(guest)}/"
        page = subprocess.run(
            ["ip", "netns", "exec", lab.network.operator_namespace, "curl", "-sf", "-m", "5", url],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert page.startswith(f"{guest.name} count=")
        assert " uptime=" in page


def test_guests_begin_where_they_can_be_drained_from_by_one_move_each(lab: Lab) -> None:
    assert places(lab) == {guest.name: guest.home for guest in lab.shape.guests}
    assert "c1" not in places(lab).values()


def test_zones_groups_and_ports_are_there_for_nova_and_neutron(lab: Lab) -> None:
    zones = as_admin(lab, "print(sorted((a.availability_zone, *a.hosts) for a in cloud.compute.aggregates()))")
    assert zones == "[('az1', 'c1', 'c2'), ('az2', 'c3', 'c4')]"
    groups = as_admin(
        lab,
        "print(sorted((g.name, g.policy, len(g.member_ids)) for g in cloud.compute.server_groups(all_projects=True)))",
    )
    assert groups == "[('alpha-gw', 'anti-affinity', 2), ('beta-dns', 'anti-affinity', 3)]"
    ports = as_admin(lab, "print({(p.binding_vif_type, p.status) for p in cloud.network.ports()})")
    assert ports == "{('bridge', 'ACTIVE')}"


def test_the_meter_is_told_of_every_guest(lab: Lab) -> None:
    vnfs = load_site(lab.layout.operator / "site.yaml").vnfs
    assert {(v.name, v.protocol) for v in vnfs} == {(g.name, p) for g in lab.shape.guests for p in ("udp", "http")}
    site = yaml.safe_load((lab.layout.operator / "site.yaml").read_text())
    assert {name: entry.get("zone") for name, entry in site["hosts"].items()} == {
        "controller": None, "c1": "az1", "c2": "az1", "c3": "az2", "c4": "az2",
    }  # fmt: skip


def test_a_guest_is_moved_there_and_back_without_a_reset(lab: Lab) -> None:
    before = uptimes(lab)
    began = time.monotonic()
    for to in ("c1", "c2"):
        move(lab, "alpha-gw-0", to)
        assert "running" in on(lab, to, "virsh -q list")
    after = uptimes(lab)
    passed = time.monotonic() - began
    assert before["alpha-gw-0"] < after["alpha-gw-0"] <= before["alpha-gw-0"] + passed + 5
    assert all(after[name] > before[name] for name in before)


def test_the_status_shows_hosts_and_guests(lab: Lab) -> None:
    command = [sys.executable, "-m", "escalator_lab.cli", "status", "--dir", str(lab.layout.root), "--json"]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert [row["host"] for row in shown["hosts"]] == ["controller", "c1", "c2", "c3", "c4"]
    assert {row["name"] for row in shown["guests"]} == {guest.name for guest in lab.shape.guests}


def test_another_shape_is_refused_while_this_one_is_up(lab: Lab) -> None:
    with pytest.raises(Refused, match="the lab is up as v, shape compute with 4 computes"):
        Lab(lab.layout, lab.network, MINIMAL).up(Progress(), RELEASE)


def test_an_empty_hosts_software_is_upgraded_with_apt_and_the_host_rebooted(lab: Lab) -> None:
    before = uptimes(lab)
    on(lab, "c1", "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y -q")
    told = json.loads((lab.layout.compute / "versions.json").read_text())["packages"]
    for name in ("qemu-system-x86", "qemu-system-common", "escalator-lab-agent"):
        assert on(lab, "c1", f"dpkg-query -W -f '${{Version}}' {name}") == told[name]["new"]
        assert on(lab, "c2", f"dpkg-query -W -f '${{Version}}' {name}") == told[name]["old"]
        assert told[name]["old"] != told[name]["new"]
    boot = "cut -d' ' -f22 /proc/1/stat"
    first = on(lab, "c1", f"{boot}; (sleep 0.5; systemctl reboot) >/dev/null 2>&1 &")
    end = time.monotonic() + 90
    now = first
    while now == first:
        assert time.monotonic() < end
        time.sleep(1)
        with contextlib.suppress(CommandFailed, TookTooLong):  # it is on its way down or up
            now = on(lab, "c1", boot)
    hosts.wait_ready(lab.layout, lab.network, lab.shape.host("c1"))
    move(lab, "beta-dns-0", "c1")
    after = uptimes(lab)
    assert all(after[name] > before[name] for name in before)


@pytest.mark.full
def test_it_comes_up_from_what_is_kept_in_bounded_time(lab: Lab) -> None:
    lab.down(Progress())
    began = time.monotonic()
    lab.up(Progress(), RELEASE)
    assert time.monotonic() - began < LONGEST_UP_S
    assert all(uptimes(lab).values())


@pytest.mark.full
def test_reset_brings_guests_and_software_back(lab: Lab) -> None:
    lab.reset(Progress())
    told = json.loads((lab.layout.compute / "versions.json").read_text())["packages"]
    assert on(lab, "c1", "dpkg-query -W -f '${Version}' qemu-system-x86") == told["qemu-system-x86"]["old"]
    assert places(lab) == {guest.name: guest.home for guest in lab.shape.guests}
    assert all(uptimes(lab).values())
