"""A bug-fix patch of one component on a real cloud: only that component is touched, and nobody notices (GR-3)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from escalator_lab.progress import Progress
from operator_at_work import Operator, cloud, fill, small_disk

pytestmark = pytest.mark.lab

REFUSED, OUR_STATE = 3, 5
WHEELS = {  # of the package index, over the lock of 2025.1
    "keystone 27.0.2": "f76f9af15de06a1b743e863d3c2164c4bacf4d4dec3b3c06423c0f257e461af0",
    "nova 31.1.0": "ba353f8f1b0615e8943c01685ce5014365724606f7b95cd9a8ad10fdc68e4e5b",
}
CAMPAIGN = """\
schema: escalator/campaign/v1
name: patch
target: {components: {COMPONENT: "VERSION"}}
soak_s: 5
"""


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = cloud(tmp_path_factory.mktemp("patch"), "2025.1")
    yield made
    made.lab.down(Progress())


def campaign(operator: Operator, component: str, version: str) -> str:
    path = operator.folder / f"{component}-{version}.yaml"
    path.write_text(CAMPAIGN.replace("COMPONENT", component).replace("VERSION", version))
    return str(path)


def collect(operator: Operator, component: str, version: str) -> str:
    """Have the lab make a bundle that differs from the release's in one component; returns its id."""
    command = Path(sys.executable).with_name("escalator-lab")
    given = ["bundle", "2025.1", component, version, "--hash", WHEELS[f"{component} {version}"]]
    folder = ["--dir", str(operator.lab.layout.root)]
    done = subprocess.run([command, *given, *folder], capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def switched(node: Any) -> set[str]:
    """``host/unit`` of all that a plan in JSON turns to other version files."""
    if isinstance(node, list):
        return {found for child in node for found in switched(child)}
    if node.get("kind") == "unit.switch":
        return {f"{node['host']}/{node['args']['unit']}"}
    return switched([*node.get("procedures", []), *node.get("children", []), *node.get("actions", [])])


def services(units: set[str]) -> set[str]:
    """``host/service`` of units, whatever their slot."""
    return {unit.removesuffix("-a").removesuffix("-b") for unit in units}


def patched(operator: Operator, component: str, version: str, size: str, units: set[str]) -> None:
    """Collect, plan, execute, commit; nothing but these units may have changed."""
    bundle, wanted = collect(operator, component, version), campaign(operator, component, version)
    before = operator.inventory()
    plan = operator.json("plan", "--campaign", wanted)
    assert [(c["component"], c["to_version"], c["size"]) for c in plan["changes"]] == [(component, version, size)]
    assert (plan["hop"], plan["bundle"]) == (["2025.1", "2025.1"], bundle)
    assert switched(plan) == units

    assert operator.json("execute", "--campaign", wanted)["state"] == "EXECUTION_COMPLETED"
    assert operator.json("commit")["state"] == "CAMPAIGN_COMMITTED"
    report = operator.json("report", "--out", str(operator.folder / component))
    assert report["requests"]["failed"] == 0
    assert report["requests"]["total"] > 1000
    assert {name: v["to"] for name, v in report["versions"].items()} == {component: version}

    after = operator.inventory()
    assert after["servers"] == before["servers"]
    assert after["configs"] == before["configs"]
    assert {u for u, v in after["versions"].items() if v[3] == bundle} == units
    assert {v[0] for u, v in after["versions"].items() if u in units and v[1]} == {version}
    changed = {u for u, v in after["versions"].items() if v != before["versions"][u]}
    assert services(changed) == services(units)  # of a worker's two slots both change: one is switched, the other stops
    assert "Nothing is left to do" in operator.run("plan", "--campaign", wanted)


def test_a_version_that_was_not_collected_is_refused_and_nothing_is_changed(operator: Operator) -> None:
    before = operator.inventory()
    wanted = campaign(operator, "keystone", "27.9.9")
    said = operator.run("plan", "--campaign", wanted, status=REFUSED)
    assert "no collected bundle of 2025.1 holds keystone 27.9.9" in said
    assert "there are: keystone 27.0.0" in said
    assert operator.json("execute", "--campaign", wanted, status=REFUSED)["error"] == "ESC-202"
    assert not (operator.state / "runs").exists()
    assert operator.inventory() == before


def test_a_disk_that_fills_up_in_the_middle_stops_the_run_and_nothing_is_lost(operator: Operator) -> None:
    collect(operator, "keystone", "27.0.2")
    other, wanted = Operator(operator.lab, operator.folder), campaign(operator, "keystone", "27.0.2")
    other.state = operator.folder / "small"
    before = operator.inventory()
    with small_disk(other.state, "400m"):
        run = other.begin("execute", "--campaign", wanted)
        other.wait_for("roll/controller/keystone-api-a/unit.stop", run)
        fill(other.state / "filler")
        assert run.wait(600) == OUR_STATE, other.said()
        said = other.said()
        assert "nothing more is done until it can" in said
        assert "Traceback" not in said
        (other.state / "filler").unlink()
        other.run("rollback")
        assert other.json("status")["state"] == "ROLLBACK_COMPLETED"
        assert other.json("report", "--out", str(operator.folder / "small-report"))["requests"]["failed"] == 0
    assert operator.inventory() == before


def test_a_patch_of_keystone_touches_keystone_only(operator: Operator) -> None:
    units = {"controller/keystone-api-a", "controller/keystone-api-b"}
    patched(operator, "keystone", "27.0.2", "patch", units)


@pytest.mark.full
def test_a_minor_upgrade_of_nova_touches_its_controller_services_and_its_computes(operator: Operator) -> None:
    units = {f"controller/nova-{name}" for name in ("api-a", "api-b", "conductor-b", "scheduler-b")}
    units |= {"compute1/nova-compute", "compute2/nova-compute"}
    patched(operator, "nova", "31.1.0", "minor", units)
