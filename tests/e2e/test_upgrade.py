"""A real control plane, upgraded under load by the command line: once into a fault and back, then all the way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from escalator_lab.progress import Progress
from operator_at_work import Operator, cloud

pytestmark = pytest.mark.lab

FAULT = "/etc/systemd/system/glance-api-b.service.d/fault.conf"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = cloud(tmp_path_factory.mktemp("upgrade"))
    yield made
    made.lab.down(Progress())


def test_the_site_names_the_bundles_of_this_lab_not_of_the_one_that_was_kept(operator: Operator) -> None:
    named = yaml.safe_load(operator.site.read_text())["artefacts"]["folder"]
    assert named == str(operator.lab.layout.releases)


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
    assert {t["name"]: t["result"] for t in report["tests"]} == {
        "images are listed": "passed", "keystone validates": "passed", "the run is known to a command": "passed",
    }  # fmt: skip
    after = operator.inventory()
    assert after["servers"] == before["servers"]
    assert after["configs"] == before["configs"]
    assert "Nothing is left to do" in operator.run("plan", "--campaign", campaign)


def test_backups_are_proved_by_restoring_them(operator: Operator) -> None:
    assert "tables were restored" in operator.run("backup verify")


def test_a_restore_behind_the_commit_brings_the_old_state_back_and_says_what_is_lost(operator: Operator) -> None:
    old = operator.json_list("backup list")[-1]
    operator.tenant("cloud.image.create_image('since', container_format='bare', disk_format='raw', data=b'x')")
    now = operator.inventory()
    answer = operator.json("restore", str(old["id"]), "--yes")
    assert answer["lost"] == {"server": [], "image": ["since"]}
    assert operator.tenant("print(len(list(cloud.image.images(name='since'))))") == "0"
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
