"""A real control plane, upgraded under load by the command line: once into a fault and back, then all the way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from escalator_lab import hosts
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder
from escalator_lab.progress import Progress
from escalator_lab.shape import Network

pytestmark = pytest.mark.lab

CAMPAIGN = """\
schema: escalator/campaign/v1
name: e2e
target: {release: "2026.1"}
soak_s: 5
policy: {on_failure: POLICY, commit: COMMIT}
"""
FAULT = "/etc/systemd/system/glance-api-b.service.d/fault.conf"


class Operator:
    """Somebody at the command line."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.state = folder / "state"

    def on_controller(self, command: str) -> str:
        return hosts.ssh(self.lab.layout, self.lab.network, self.lab.shape.controller, command)

    def run(self, verb: str, *words: str, status: int = 0) -> str:
        site = ["--site", str(self.lab.layout.operator / "site.yaml"), "--state", str(self.state)]
        done = subprocess.run(
            [sys.executable, "-m", "escalator.cli.main", *verb.split(), *site, *words],
            capture_output=True, text=True, check=False, timeout=1500,
        )  # fmt: skip
        assert done.returncode == status, f"{verb}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def json(self, verb: str, *words: str, status: int = 0) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.run(verb, "--json", *words, status=status))
        return answer

    def json_list(self, verb: str) -> list[dict[str, object]]:
        answer: list[dict[str, object]] = json.loads(self.run(verb, "--json"))
        return answer

    def campaign(self, policy: str, commit: str) -> str:
        path = self.folder / f"{policy}.yaml"
        path.write_text(CAMPAIGN.replace("POLICY", policy).replace("COMMIT", commit))
        return str(path)

    def inventory(self) -> dict[str, object]:
        found = self.json("inventory")
        servers = [s for s in found["servers"] if s["name"][:5] in ("alpha", "beta-")]
        return {
            "versions": {
                f"{i['host']}/{i['unit']}": (i["version"], i["active"], i["enabled"], i["installed"])
                for i in found["instances"]
            },
            "configs": found["configs"],
            "servers": sorted((s["id"], s["host"], s["status"]) for s in servers),
        }


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("upgrade")
    root = folder / "lab"
    root.mkdir()
    default_folder().mkdir(parents=True, exist_ok=True)
    made = Lab(Layout(root), Network("u", "10.79.0.0/24"))
    made.layout.marker.touch()
    cache = default_folder() / "cache"
    cache.mkdir(exist_ok=True)
    Layout(default_folder()).marker.touch()
    made.layout.cache.symlink_to(cache)
    made.up(Progress(), "2025.1", ("2026.1",))
    yield Operator(made, folder)
    made.down(Progress())


def test_a_release_that_does_not_start_is_rolled_back_without_a_failed_request(operator: Operator) -> None:
    before = operator.inventory()
    check = "readlink /opt/openstack/active/glance-api-b | grep -q 2025.1"
    unit = f'[Service]\\nExecStartPre=/bin/sh -c "{check}"\\n'
    operator.on_controller(f"mkdir -p $(dirname {FAULT}); printf '{unit}' > {FAULT}; systemctl daemon-reload")
    operator.run("execute", "--campaign", operator.campaign("rollback", "manual"), status=4)
    assert operator.json("status")["state"] == "ROLLBACK_COMPLETED"
    report = operator.json("report", "--out", str(operator.folder / "back"))
    assert report["requests"]["failed"] == 0
    assert report["requests"]["total"] > 1000
    after = operator.inventory()
    assert after == before
    operator.on_controller(f"rm {FAULT}; systemctl daemon-reload")


def test_all_five_components_are_upgraded_without_a_failed_request(operator: Operator) -> None:
    before = operator.inventory()
    campaign = operator.campaign("suspend", "manual")
    assert operator.json("execute", "--campaign", campaign)["state"] == "EXECUTION_COMPLETED"
    operator.run("commit")
    report = operator.json("report", "--out", str(operator.folder / "report"))
    assert report["state"] == "CAMPAIGN_COMMITTED"
    assert report["requests"]["failed"] == 0
    assert {name: v["to"].split(".")[0] for name, v in report["versions"].items()} == {
        "keystone": "29", "placement": "15", "glance": "32", "nova": "33", "neutron": "28",
    }  # fmt: skip
    assert {kind for api in report["apis"].values() for kind in api["kinds"]} >= {"server", "port", "image", "project"}
    assert (operator.folder / "report/report.html").stat().st_size > 10_000
    after = operator.inventory()
    assert after["servers"] == before["servers"]
    assert after["configs"] == before["configs"]
    assert "Nothing is left to do" in operator.run("plan", "--campaign", campaign)


def test_backups_are_proved_by_restoring_them(operator: Operator) -> None:
    assert "tables were restored" in operator.run("backup verify")


def test_a_restore_behind_the_commit_brings_the_old_state_back_and_says_what_is_lost(operator: Operator) -> None:
    old = operator.json_list("backup list")[-1]
    now = operator.inventory()
    answer = operator.json("restore", str(old["id"]), "--yes")
    assert answer["lost"] == {"server": [], "image": []}
    assert {b["id"] for b in operator.json_list("backup list")} >= {old["id"], answer["present"]}
    after = operator.inventory()
    assert after["servers"] == now["servers"]
    assert after["configs"] == now["configs"]
    assert {v[0].split(".")[0] for u, v in after["versions"].items() if u.startswith("controller/keystone")} == {"27"}


def test_no_secret_is_in_what_was_written(operator: Operator) -> None:
    secrets = json.loads(operator.lab.layout.secrets.read_text()).values()
    for path in (operator.state / "runs").rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode(errors="replace")
            assert not [s for s in secrets if s in text], path
