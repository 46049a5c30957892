"""Hypervisors, servers and groups as the APIs tell them, read through the real SDK from recorded answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from escalator.errors import SiteError, UnreachableError
from escalator.model.compute import Hypervisor, Mobility, Server, ServerGroup, Stock
from escalator.serial import from_data
from escalator.sites.openstack import OpenStackCloud, lists
from recorded_cloud import RecordedCloud, played, recorded


def ask(cloud: RecordedCloud, folder: Path, verb: str, **args: Any) -> Any:
    with played(cloud, folder) as clouds:
        return asyncio.run(OpenStackCloud(clouds, "admin", "RegionOne").call(verb, **args))


@pytest.fixture(scope="module")
def cloud() -> RecordedCloud:
    return RecordedCloud(recorded("fleet"))


@pytest.fixture(scope="module")
def fleet(cloud: RecordedCloud, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return ask(cloud, tmp_path_factory.mktemp("clouds"), "fleet")


@pytest.fixture
def hosts(fleet: Any) -> dict[str, Hypervisor]:
    return {row["host"]: from_data(Hypervisor, row) for row in fleet["hypervisors"]}


@pytest.fixture
def servers(fleet: Any) -> dict[str, Server]:
    return {(row["name"] or "lost"): from_data(Server, row) for row in fleet["servers"]}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAUSE_S", 0.0)


def test_a_hypervisor_has_what_placement_says_and_stands_where_nova_says(hosts: dict[str, Hypervisor]) -> None:
    first = hosts["cmp1"]
    assert (first.kind, first.version, first.state, first.status) == ("QEMU", "7002000", "up", "enabled")
    assert (first.zone, first.aggregates) == ("az1", ("pinned", "zone-1"))
    assert first.stock["MEMORY_MB"] == Stock(65536, 512 + 2048)  # what a migration under way takes is reserved
    assert first.stock["VCPU"] == Stock(16, 1, 4.0)
    assert first.stock["VCPU"].capacity == 60
    assert first.stock["DISK_GB"].capacity == 200
    assert "HW_CPU_X86_AVX2" in first.traits
    assert len(first.cells) == 1
    assert hosts["cmp3"].status == "disabled"


def test_providers_nested_in_a_hypervisor_count_as_part_of_it(hosts: dict[str, Hypervisor]) -> None:
    second = hosts["cmp2"]
    assert second.stock["NET_BW_EGR_KILOBIT_PER_SEC"] == Stock(20_000_000)
    assert {"CUSTOM_PHYSNET_A", "CUSTOM_PHYSNET_B", "COMPUTE_NODE"} <= second.traits
    assert "DISK_GB" not in second.stock  # it lies on a pool that is shared
    assert second.cells == ({"PCPU": 6, "VCPU": 2, "MEMORY_MB": 32512},) * 2


def test_bare_metal_is_left_out(hosts: dict[str, Hypervisor], servers: dict[str, Server]) -> None:
    assert set(hosts) == {"cmp1", "cmp2", "cmp3"}
    assert "bare" not in servers


def test_what_a_server_takes_is_what_was_allocated_to_it(servers: dict[str, Server]) -> None:
    assert servers["web1"].resources == {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 31}
    assert servers["web2"].resources == {"VCPU": 2, "MEMORY_MB": 4096}
    assert servers["db1"].resources == {"PCPU": 9, "MEMORY_MB": 16384, "NET_BW_EGR_KILOBIT_PER_SEC": 1_000_000}


def test_where_placement_knows_nothing_the_flavour_speaks(servers: dict[str, Server]) -> None:
    assert servers["accel"].resources == {"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 10, "CUSTOM_FPGA": 1}


def test_wishes_of_flavour_and_image_bind_a_server(servers: dict[str, Server]) -> None:
    pinned = servers["db1"]
    assert pinned.traits == {"HW_CPU_X86_AVX2"}
    assert pinned.forbidden == {"CUSTOM_OLD", "CUSTOM_LICENSED"}
    assert (pinned.numa_nodes, pinned.aggregates) == (2, ("pinned",))
    licensed = servers["accel"]  # its image, a hidden one, asks for the trait of the isolated aggregate
    assert (licensed.traits, licensed.forbidden, licensed.numa_nodes) == ({"CUSTOM_LICENSED"}, frozenset(), 1)
    assert servers["web1"].aggregates == ()


def test_the_zone_is_the_one_that_was_asked_for(servers: dict[str, Server]) -> None:
    assert (servers["web1"].zone, servers["web2"].zone) == ("az1", "")


def test_an_older_nova_does_not_tell_it_so_the_zone_it_runs_in_binds(tmp_path: Path) -> None:
    answers = recorded("fleet")
    for path, page in answers.items():
        if path.startswith("/compute/v2.1/servers"):
            for row in page["servers"]:
                row.pop("pinned_availability_zone", None)
    cloud = RecordedCloud(answers, compute="2.95")
    found = {row["name"]: row for row in ask(cloud, tmp_path, "fleet")["servers"]}
    assert found["web2"]["zone"] == "az1"
    assert cloud.versions["/compute/v2.1/servers/detail"] == "2.95"


@pytest.mark.parametrize(
    ("name", "mobility", "why"),
    [
        ("web1", Mobility.LIVE, ""),
        ("web2", Mobility.LIVE, ""),  # its macvtap port moves with it
        ("db1", Mobility.COLD, "it has a network card passed through (direct) that leaves it while it moves"),
        ("vol \x1b[2J", Mobility.COLD, "it is shut off"),
        ("tpm", Mobility.COLD, "it has a TPM whose secret its host may not hand on"),
        ("busy", Mobility.NONE, "it is being worked on (resize_prep)"),
        ("accel", Mobility.NONE, "it has an accelerator of Cyborg"),
        ("broken", Mobility.NONE, "it is in ERROR"),
        ("lost", Mobility.NONE, "its cell does not answer"),
    ],
)
def test_a_server_says_how_it_can_leave_and_why_not_live(
    servers: dict[str, Server], name: str, mobility: Mobility, why: str
) -> None:
    assert servers[name].mobility is mobility
    assert servers[name].hindrance.startswith(why)


def test_where_disks_are_not_copied_only_servers_without_one_move_live(tmp_path: Path) -> None:
    rows = ask(RecordedCloud(recorded("fleet")), tmp_path, "fleet", block_migration=False)["servers"]
    found = {row["name"]: row["mobility"] for row in rows}
    assert (found["web1"], found["web2"]) == ("cold", "live")  # web2's disk is not its host's


def test_groups_come_with_their_rule_and_their_project(fleet: Any, servers: dict[str, Server]) -> None:
    web, db = (from_data(ServerGroup, row) for row in fleet["server_groups"])
    assert (web.policy, web.max_per_host, len(web.members)) == ("anti-affinity", 2, 2)
    assert web.project == servers["web1"].project
    assert (db.policy, db.max_per_host) == ("soft-affinity", 1)
    assert servers["web1"].group == web.id


def test_what_the_rows_cannot_say_is_told_beside_them(fleet: Any) -> None:
    problems = {(severity, subject): text for severity, subject, text in fleet["problems"]}
    assert set(problems) == {
        ("refused", "servers"), ("warning", "cmp3"), ("info", "aggregate acme-only"), ("info", "cmp1"),
    }  # fmt: skip
    assert "Placement knows no such hypervisor" in problems["warning", "cmp3"]


def test_lists_are_read_once_and_nothing_is_asked_per_server(cloud: RecordedCloud, fleet: Any) -> None:
    del fleet
    providers = 5  # of two hypervisors; the bare metal's and the shared pool are not looked at
    per_provider = {path: n for path, n in cloud.asked.items() if path.count("/") == 4 and "/resource_prov" in path}
    assert len(per_provider) == 3 * providers
    assert set(per_provider.values()) == {1}
    others = sum(cloud.asked.values()) - 3 * providers
    assert others == 2 + 2 + 2 + 1 + 1 + 1 + 2 + 2  # pages of hypervisors, servers, groups; services ... images, ports


def test_an_answer_of_another_shape_is_the_sites_failure_not_ours(tmp_path: Path) -> None:
    answers = recorded("fleet")
    del answers["/compute/v2.1/os-aggregates"]["aggregates"][0]["hosts"]
    with pytest.raises(SiteError, match="another shape than expected: KeyError"):
        ask(RecordedCloud(answers), tmp_path, "fleet")


def test_what_a_server_takes_where_it_is_not_yet_is_reserved_there(tmp_path: Path) -> None:
    answers = recorded("fleet")
    for path, page in answers.items():
        for row in page["servers"] if path.startswith("/compute/v2.1/servers") else ():
            if row.get("name") == "web1":
                row["OS-EXT-SRV-ATTR:host"], row["OS-EXT-SRV-ATTR:hypervisor_hostname"] = "cmp2", "cmp2.example.net"
    rows = {row["host"]: row for row in ask(RecordedCloud(answers), tmp_path, "fleet")["hypervisors"]}
    assert rows["cmp1"]["stock"]["MEMORY_MB"]["reserved"] == 512 + 2048 + 4096


def test_hypervisors_are_asked_in_the_version_that_asks_no_compute_by_rpc(cloud: RecordedCloud, fleet: Any) -> None:
    del fleet
    assert cloud.versions["/compute/v2.1/os-hypervisors/detail"] == "2.87"
    assert cloud.versions["/placement/resource_providers"] == "1.29"


def test_one_busy_answer_among_many_does_not_end_the_reading(tmp_path: Path) -> None:
    cloud = RecordedCloud(recorded("fleet"))
    inventories = next(path for path in recorded("fleet") if path.endswith("/inventories"))
    cloud.ill.update({inventories: 2, "/compute/v2.1/servers/detail": 1})
    assert len(ask(cloud, tmp_path, "fleet")["servers"]) == 9
    assert cloud.asked[inventories] == 3


def test_a_service_that_stays_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("escalator.sites.openstack.calls.PAUSE_S", 0.0)
    cloud = RecordedCloud(recorded("fleet"))
    cloud.ill["/placement/resource_providers"] = 1000
    with pytest.raises(UnreachableError, match="503"):
        ask(cloud, tmp_path, "fleet")
