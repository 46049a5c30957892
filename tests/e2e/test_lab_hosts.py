"""The lab's hosts are real machines: they boot, are logged in to by verified keys, reboot, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from escalator_lab import hosts
from escalator_lab.errors import CommandFailed, Refused
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout
from escalator_lab.progress import Progress

pytestmark = pytest.mark.lab


def on(lab: Lab, host: str, command: str) -> str:
    return hosts.ssh(lab.layout, lab.network, lab.shape.host(host), command)


def test_every_host_runs_its_own_systemd(lab: Lab) -> None:
    assert [(row["host"], row["state"]) for row in lab.status()] == [
        ("controller", "running"),
        ("compute1", "running"),
        ("compute2", "running"),
    ]
    assert len({on(lab, h.name, "cat /etc/machine-id") for h in lab.shape.hosts}) == 3
    assert on(lab, "compute1", "cat /proc/1/comm").strip() == "systemd"


def test_hosts_reach_each_other_and_nothing_else(lab: Lab) -> None:
    assert "1 received" in on(lab, "compute1", "ping -c1 -W2 controller")
    assert on(lab, "compute1", "ip route").split() == ["10.78.0.0/24", "dev", "eth0", "proto", "kernel", "scope",
                                                      "link", "src", "10.78.0.21"]  # fmt: skip


def test_no_service_runs_that_no_role_enabled(lab: Lab) -> None:
    for service in ("mariadb", "rabbitmq-server", "haproxy", "memcached"):
        assert on(lab, "controller", f"systemctl is-active {service} || true").strip() == "inactive"


def test_up_again_changes_nothing(lab: Lab) -> None:
    before = on(lab, "controller", "cat /proc/1/stat").split()[21]
    lab.up(Progress())
    assert on(lab, "controller", "cat /proc/1/stat").split()[21] == before


def test_a_host_reboots_and_keeps_its_files(lab: Lab) -> None:
    before = on(lab, "compute2", "touch /var/tmp/kept; cut -d' ' -f22 /proc/1/stat")
    on(lab, "compute2", "systemctl reboot")
    end = time.monotonic() + 60
    after = before
    while after == before and time.monotonic() < end:
        time.sleep(0.5)
        try:
            after = on(lab, "compute2", "cut -d' ' -f22 /proc/1/stat; test -e /var/tmp/kept")
        except CommandFailed:
            continue
    assert after != before


def test_a_host_with_another_key_is_not_logged_in_to(lab: Lab) -> None:
    known = lab.layout.operator / "known_hosts"
    good = known.read_text()
    lines = good.splitlines()
    known.write_text(f"{lines[0].split()[0]} {' '.join(lines[1].split()[1:])}\n")
    try:
        with pytest.raises(CommandFailed):
            on(lab, "controller", "true")
    finally:
        known.write_text(good)


def test_down_deletes_no_folder_that_is_not_a_labs(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Refused, match="no lab's folder"):
        Lab(Layout(tmp_path)).down(Progress(), purge=True)
    assert (tmp_path / "precious").exists()


def test_down_ends_a_machine_whose_keeper_was_killed(lab: Lab) -> None:
    keeper = hosts.pid(lab.layout, lab.shape.host("compute1"))
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    lab.down(Progress())
    assert not list(Path("/sys/fs/cgroup").glob("*/esc-t-*"))
    lab.up(Progress())
    assert all(row["state"] == "running" for row in lab.status())
