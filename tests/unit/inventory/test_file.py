"""Inventory files: there and back, and errors that say where and what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from escalator.config.json_document import Lines
from escalator.errors import DocumentError, NotFoundError, StorageError
from escalator.inventory.file import InventoryFile, load_inventory, write_inventory
from escalator.model.compute import Mobility
from escalator.model.findings import Finding, Severity
from escalator.model.maintenance import BySize, Constraints, Limits, MaintenanceInfo
from small_fleet import fleet, host, server

CONSTRAINTS = Constraints(
    Limits(migrations=20, offline_per_set=(("rack", 1),)),
    (MaintenanceInfo("g1", 120.0, migration_types=(Mobility.OWN, Mobility.COLD), max_impacted=(BySize(5, 2),)),),
)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    rich = host(5, cells=({"VCPU": 8, "MEMORY_MB": 1000},), link_mbit_s=10000.0, status="disabled")
    cold = server("s6", "h5", mobility=Mobility.COLD, hindrance='a "quoted" reason\n', numa_nodes=2,
                  traits=frozenset({"B", "A"}), zone="az1", dirty_mbit_s=12.5)  # fmt: skip
    whole = fleet()
    inventory = replace(
        whole, hypervisors=(*whole.hypervisors, rich), servers=(*whole.servers, cold),
        findings=(Finding(Severity.WARNING, "site.fleet", "small/h5", "odd", "EN-1"),),
    )  # fmt: skip
    write_inventory(tmp_path / "i.json", inventory, CONSTRAINTS)
    found = load_inventory(tmp_path / "i.json")
    assert found.inventory == inventory
    assert found.constraints == CONSTRAINTS
    write_inventory(tmp_path / "again.json", found.inventory, found.constraints)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "i.json").read_bytes()


def test_a_line_per_host_and_server_and_what_is_as_its_default_left_out(tmp_path: Path) -> None:
    write_inventory(tmp_path / "i.json", fleet())
    lines = (tmp_path / "i.json").read_text().splitlines()
    (line,) = [line for line in lines if '"id":"s5"' in line]
    assert json.loads(line.rstrip(",")) == {
        "id": "s5", "name": "name of s5", "project": "p1", "host": "h3", "status": "ACTIVE",
        "resources": {"VCPU": 2, "MEMORY_MB": 4096},
    }  # fmt: skip


def test_other_users_of_the_machine_do_not_read_what_tenants_run(tmp_path: Path) -> None:
    write_inventory(tmp_path / "i.json", fleet())
    assert (tmp_path / "i.json").stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "i.json").mkdir()
    with pytest.raises(StorageError, match=r"i\.json can't be written"):
        write_inventory(tmp_path / "i.json", fleet())
    assert [path.name for path in tmp_path.iterdir()] == ["i.json"]


def problems(folder: Path, change: Any) -> str:
    """What is said of the small fleet's file once ``change`` had its way with it."""
    write_inventory(folder / "i.json", fleet())
    data = json.loads((folder / "i.json").read_text())
    data = change(data) or data
    (folder / "i.json").write_text(json.dumps(data, indent=1))
    with pytest.raises(DocumentError) as caught:
        load_inventory(folder / "i.json")
    return "\n".join(caught.value.problems).replace(f"{folder}/", "")


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "i.json").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)


def test_a_wrong_value_is_named_with_its_place(tmp_path: Path) -> None:
    def change(data: Any) -> None:
        data["inventory"]["servers"][3]["resources"]["VCPU"] = "many"

    text = problems(tmp_path, change)
    at = line_of(tmp_path, '"many"')
    assert text.startswith(f"i.json:{at}: inventory.servers.3.resources.VCPU: Input should be a valid integer")
    assert "(given: 'many')" in text


def test_a_misspelt_key_is_named(tmp_path: Path) -> None:
    def change(data: Any) -> None:
        data["inventory"]["hypervisors"][1]["zones"] = "az1"

    text = problems(tmp_path, change)
    assert text == f"i.json:{line_of(tmp_path, 'zones')}: inventory.hypervisors.1.zones: unknown key"


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    def change(data: Any) -> None:
        del data["inventory"]["servers"][0]["host"]

    assert "inventory.servers.0.host: is missing" in problems(tmp_path, change)


def test_a_newer_format_is_not_guessed_at(tmp_path: Path) -> None:
    text = problems(tmp_path, lambda data: {**data, "schema": "escalator/inventory/v2"})
    assert "i.json:2: schema: Input should be 'escalator/inventory/v1'" in text


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("hypervisors", {"host": "h1", "kind": "QEMU", "version": "1", "state": "up"}, "hypervisors have host 'h1'"),
        ("servers", {"id": "s1", "name": "", "project": "", "host": "", "status": ""}, "servers have id 's1'"),
        ("server_groups", {"id": "g1", "name": "", "policy": "", "members": []}, "server groups have id 'g1'"),
    ],
)
def test_two_of_one_name_are_refused(tmp_path: Path, kind: str, row: Any, said: str) -> None:
    assert f"two {said}" in problems(tmp_path, lambda data: data["inventory"][kind].append(row))


def test_amounts_that_cannot_be_are_refused(tmp_path: Path) -> None:
    def change(data: Any) -> None:
        data["inventory"]["hypervisors"][0]["stock"]["VCPU"]["ratio"] = 0

    assert "hypervisor h1 has VCPU of an amount that can't be" in problems(tmp_path, change)
    with pytest.raises(ValueError, match="server s takes less than nothing"):
        InventoryFile(
            schema="escalator/inventory/v1",  # type: ignore[call-arg]
            inventory=fleet(servers=(server("s", "h1", resources={"VCPU": -1}),)),
        )


def test_the_same_mistake_in_every_row_is_told_a_few_times(tmp_path: Path) -> None:
    def change(data: Any) -> None:
        row = data["inventory"]["servers"][0]
        data["inventory"]["servers"] = [{**row, "id": str(n), "status": 3} for n in range(50)]

    lines = problems(tmp_path, change).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "i.json: and 30 more"


def test_what_is_not_json_says_where_it_stops_being_so(tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text('{"schema": "escalator/inventory/v1",\n "inventory": ]}\n')
    with pytest.raises(DocumentError) as caught:
        load_inventory(tmp_path / "i.json")
    assert "is not JSON: expected value at line 2 column 15" in caught.value.problems[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        load_inventory(tmp_path / "none.json")


def test_lines_of_a_json_text() -> None:
    text = '{\n "a b": [1, {"x": "\\"}]"},\n  {"y": {\n   "z": 3}}],\n "c": null\n}'
    lines = Lines(text)
    assert [lines.of(path) for path in ((), ("a b",), ("a b", 1, "x"), ("a b", 2, "y", "z"), ("c",))] == [1, 2, 2, 4, 5]
    assert lines.of(("a b", 2, "nothing", "below")) == 3
