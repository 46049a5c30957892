"""Faults that operators meet, brought about on the real cloud, in the middle of a real upgrade."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from escalator_lab import bundles
from escalator_lab.progress import Progress
from operator_at_work import Operator, cloud

pytestmark = pytest.mark.lab

STOPPED = 4  # exit status of a run that did not end as wanted
KILLED = -9
INDEX = "ix_revocation_event_project_id_user_id"  # keystone 2026.1 makes an index of this name
CONFLICT = f"CREATE INDEX {INDEX} ON keystone.revocation_event (issued_before)"
UNHEALTHY = (
    "[Service]\\nExecStart=\\nExecStart=/bin/sh -c 'readlink /opt/openstack/active/keystone-api-b | grep -q 2025.1"
    " && exec /opt/openstack/active/keystone-api-b/bin/uwsgi --ini /etc/uwsgi/keystone-api-b.ini; exec sleep 9999'\\n"
)
MEANWHILE = (
    "net = cloud.network.create_network(name='meanwhile'); key = cloud.compute.create_keypair(name='meanwhile');"
    " cloud.image.create_image('meanwhile', container_format='bare', disk_format='raw', data=b'x')"
)
THERE = (
    "print(len(list(cloud.network.networks(name='meanwhile'))), bool(cloud.compute.find_keypair('meanwhile')),"
    " len(list(cloud.image.images(name='meanwhile', status='active'))))"
)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = cloud(tmp_path_factory.mktemp("faults"))
    yield made
    made.lab.down(Progress())


def rolled_back(operator: Operator, why: str) -> None:
    """Execute with the policy to roll back; it must, for that reason, and leave nothing but the schema changed."""
    columns = operator.columns()
    before, rows = operator.inventory(), operator.rows(columns)
    answer = operator.json("execute", "--campaign", operator.campaign("rollback", "manual"), status=STOPPED)
    assert answer["state"] == "ROLLBACK_COMPLETED"
    log = (operator.state / "runs" / answer["run"] / "log.jsonl").read_text().splitlines()
    assert [line for line in log if '"event": "error"' in line and why in line]
    report = operator.json("report", "--out", str(operator.folder / "back"))
    assert report["requests"]["failed"] == 0
    assert operator.inventory() == before
    assert operator.rows(columns) == rows


def test_a_migration_that_errors_is_rolled_back(operator: Operator) -> None:
    """First of all: behind any other the schema is expanded already, and stays so."""
    operator.sql(CONFLICT)
    try:
        rolled_back(operator, "expand/keystone")
    finally:
        operator.sql(f"DROP INDEX {INDEX} ON keystone.revocation_event")


def test_a_broken_package_is_rolled_back(operator: Operator) -> None:
    site, folder = operator.site.read_text(), operator.folder / "broken"
    broken_package(operator, folder)
    changed = yaml.safe_load(site)
    changed["artefacts"]["folder"] = str(folder)
    operator.site.write_text(yaml.safe_dump(changed))
    try:
        rolled_back(operator, "keystone-api-a")
    finally:
        operator.site.write_text(site)


def broken_package(operator: Operator, folder: Path) -> None:
    """A collection in which Keystone's new package can't be imported; its checksum is right."""
    wanted = bundles.lock("2026.1").id
    good, bad, tree = operator.lab.layout.bundle(wanted), folder / wanted, folder / "tree"
    tree.mkdir(parents=True)
    shutil.copytree(operator.lab.layout.bundle(bundles.lock("2025.1").id), folder / bundles.lock("2025.1").id)
    bad.mkdir()
    subprocess.run(["tar", "--zstd", "-xf", good / "bundle.tar.zst", "-C", tree], check=True)
    module = tree / wanted / "lib/python3.11/site-packages/keystone/wsgi/api.py"
    module.write_text("raise ImportError('this package is broken')\n")
    subprocess.run(["tar", "--zstd", "-cf", bad / "bundle.tar.zst", "-C", tree, wanted], check=True)
    shutil.rmtree(tree)
    manifest = json.loads((good / "manifest.json").read_text())
    with (bad / "bundle.tar.zst").open("rb") as file:
        manifest["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    (bad / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.full
def test_an_api_that_never_becomes_healthy_is_rolled_back(operator: Operator) -> None:
    folder = "/etc/systemd/system/keystone-api-b.service.d"
    operator.on_controller(f'mkdir -p {folder}; printf "{UNHEALTHY}" > {folder}/fault.conf; systemctl daemon-reload')
    try:
        rolled_back(operator, "keystone-api-b")
    finally:
        operator.on_controller(f"rm -r {folder}; systemctl daemon-reload")


def test_ssh_refused_haproxy_gone_and_a_kill_are_gone_on_from_and_rolled_back(operator: Operator) -> None:
    """One run meets all of them in turn; what a tenant writes meanwhile stays when it is rolled back at the end."""
    columns = operator.columns()
    before, rows = operator.inventory(), operator.rows(columns)
    campaign = operator.campaign("suspend", "manual")

    run = operator.begin("execute", "--campaign", campaign)
    operator.wait_for("roll/controller/keystone-api-a/unit.start", run)
    operator.on_controller(
        "systemd-run -q --on-active=90 systemctl start ssh;"
        " systemd-run -q --on-active=1 sh -c 'systemctl stop ssh.socket ssh.service; pkill -x sshd'"
    )
    assert run.wait(600) == STOPPED, operator.said()
    assert operator.json("status")["state"] == "SUSPENDED_BY_ERROR_DETECTED"
    operator.until_reachable()

    run = operator.begin("resume")
    operator.wait_for("roll/controller/glance-api-a/unit.start", run)
    operator.tenant(MEANWHILE)
    run.kill()
    assert run.wait(30) == KILLED

    run = operator.begin("resume")
    operator.wait_for("roll/controller/nova-conductor/unit.start:nova-conductor-b", run)
    operator.on_controller("systemctl stop haproxy")
    assert run.wait(600) == STOPPED, operator.said()
    assert operator.json("status")["state"] == "SUSPENDED_BY_ERROR_DETECTED"
    operator.on_controller("systemctl start haproxy")

    run = operator.begin("rollback")
    assert run.wait(900) == 0, operator.said()
    assert operator.json("status")["state"] == "ROLLBACK_COMPLETED"
    assert operator.inventory() == before
    assert rows <= operator.rows(columns)
    assert operator.tenant(THERE) == "1 True 1"
