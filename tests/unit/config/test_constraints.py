"""constraints.yaml: ETSI's names in, the model's nouns out; each fault says where it is and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from escalator.config.constraints import NO_FILE, ConstraintsFile, load_constraints
from escalator.config.document import parse
from escalator.errors import DocumentError
from escalator.inventory.groups import constrain
from escalator.model.compute import Mobility, Server, ServerGroup
from escalator.model.findings import Severity
from escalator.model.inventory import Inventory
from escalator.model.maintenance import BySize, Limits, MaintenanceInfo

HEAD = "schema: escalator/constraints/v1\n"
P = "aaaa"


def read(text: str) -> ConstraintsFile:
    return parse(ConstraintsFile, HEAD + text, "c.yaml")


def problems(text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        read(text)
    return "\n".join(caught.value.problems)


def server(name: str, group: str = "", project: str = P) -> Server:
    return Server(name, name, project, "h", "ACTIVE", group=group)


def inventory() -> Inventory:
    groups = (
        ServerGroup("g1", "web", "anti-affinity", ("s1", "s2"), P),
        ServerGroup("g2", "db", "soft-anti-affinity", ("s3",), P),
        ServerGroup("g3", "db", "anti-affinity", ("s4",), "other"),
    )
    servers = (server("s1", "g1"), server("s2", "g1"), server("s3", "g2"), server("s4", "g3", "other"), server("s5"))
    return Inventory("site", "2026-01-01T00:00:00+00:00", (), (), (), servers=servers, server_groups=groups)


def test_without_a_file_one_member_at_a_time_is_moved_live_and_recovers_a_minute() -> None:
    found = constrain(inventory(), NO_FILE)
    assert found.constraints.default == MaintenanceInfo("", recovery_s=60.0, max_impacted=(BySize(1, 1),))
    assert found.constraints.default.impacted_at_once(7) == 1
    assert found.constraints.limits == Limits()
    assert (found.findings, found.inventory) == ((), inventory())


def test_a_group_says_all_that_etsi_knows() -> None:
    text = """
groups:
  - server_group: g1
    impact_notification_lead_time: 2 min
    is_impact_mitigation_requested: true
    supported_migration_type: [own_action, LIVE_MIGRATION, offline_migration]
    max_undetectable_interruption_time: 500 ms
    min_recovery_time_between_impacts: 90
    max_number_of_impacted_instances:
      - {max_number_of_impacted_instances: 1}
      - {group_size: 5, max_number_of_impacted_instances: 2}
    min_number_of_preserved_instances: 3
"""
    (info,) = constrain(inventory(), read(text)).constraints.groups
    assert info == MaintenanceInfo(
        "g1", 120.0, mitigation_requested=True,
        migration_types=(Mobility.OWN, Mobility.LIVE, Mobility.COLD), max_undetectable_ms=500, recovery_s=90.0,
        max_impacted=(BySize(1, 1), BySize(5, 2)), min_preserved=(BySize(1, 3),),
    )  # fmt: skip
    assert [info.impacted_at_once(size) for size in (3, 4, 5, 9)] == [0, 1, 2, 2]


def test_what_an_entry_does_not_say_is_as_the_default_says() -> None:
    text = "default: {min_recovery_time_between_impacts: 5}\ngroups:\n  - {server_group: g1, min_number_of_preserved_instances: 1}\n"  # noqa: E501
    found = constrain(inventory(), read(text)).constraints
    assert (found.default.recovery_s, found.default.min_preserved) == (5.0, ())
    assert found.groups == (MaintenanceInfo("g1", recovery_s=5.0, max_impacted=(BySize(1, 1),), min_preserved=(BySize(1, 1),)),)  # noqa: E501  # fmt: skip


def test_a_group_is_found_by_its_name_in_its_project_only() -> None:
    found = constrain(inventory(), read(f"groups:\n  - server_group: {{name: db, project: {P}}}\n"))
    assert [info.group for info in found.constraints.groups] == ["g2"]


def test_members_that_only_the_file_puts_together_become_a_group() -> None:
    found = constrain(inventory(), read("groups:\n  - {name: vnf, members: [s5, s1, gone]}\n"))
    made = found.inventory.server_groups[-1]
    assert made == ServerGroup("file:vnf", "vnf", "", ("s5", "s1"), P)
    assert [info.group for info in found.constraints.groups] == ["file:vnf"]
    (finding,) = found.findings
    assert (finding.severity, finding.rule) == (Severity.WARNING, "constraints.known")
    assert "there is no server gone" in finding.text


def test_a_group_that_is_not_there_is_a_warning_and_one_spoken_of_twice_a_refusal() -> None:
    text = f"groups:\n  - server_group: nowhere\n  - server_group: g2\n  - server_group: {{name: db, project: {P}}}\n"
    found = constrain(inventory(), read(text)).findings
    assert [(f.severity, f.rule, f.subject) for f in found] == [
        (Severity.WARNING, "constraints.known", "nowhere"),
        (Severity.REFUSED, "constraints.once", "g2"),
    ]


def test_limits() -> None:
    text = "limits:\n  migrations: 20\n  in_slots: 2\n  offline_per_set: {rack: 1}\n  set_mbit_s: {rack: 40000.0}\n"
    found = constrain(inventory(), read(text)).constraints.limits
    assert found == Limits(migrations=20, in_slots=2, offline_per_set=(("rack", 1),), set_mbit_s=(("rack", 40000.0),))


TWO_OF_A_SIZE = """\
default:
  max_number_of_impacted_instances:
    - {group_size: 3, max_number_of_impacted_instances: 1}
    - {group_size: 3, max_number_of_impacted_instances: 2}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("limits: {migrations: -1}\n", "c.yaml:2: limits.migrations: Input should be greater than or equal to 0"),
        ("limits:\n  in_slots: 0\n", "c.yaml:3: limits.in_slots: Input should be greater than or equal to 1"),
        ("limits:\n  offline_per_set: {Rack 1: 1}\n", "c.yaml:3: limits.offline_per_set.Rack 1.[key]: String should"),
        ("limits:\n  slots: 3\n", "c.yaml:3: limits.slots: unknown key"),
        (
            "default:\n  impact_notification_lead_time: 2 weeks\n",
            "c.yaml:3: default.impact_notification_lead_time: give seconds, or a number with one of d, h, min",
        ),
        ("default:\n  supported_migration_type: []\n", "c.yaml:3: default.supported_migration_type: List should have"),
        (
            "default:\n  supported_migration_type: [warm_migration]\n",
            "c.yaml:3: default.supported_migration_type.0: Input should be 'live_migration', 'offline_migration'",
        ),
        (
            TWO_OF_A_SIZE,
            "c.yaml:3: default.max_number_of_impacted_instances: two entries are for group_size 3",
        ),
        ("groups:\n  - {name: a}\n", "c.yaml:3: groups.0: give 'server_group', or 'name' and 'members'"),
        ("groups:\n  - {members: [s1]}\n", "c.yaml:3: groups.0: give 'server_group', or 'name' and 'members'"),
        ("groups:\n  - {server_group: g, name: a, members: [s1]}\n", "c.yaml:3: groups.0: give 'server_group', or"),
        (
            "groups:\n  - {name: a, members: [s1]}\n  - {name: a, members: [s2]}\n",
            "c.yaml:2: groups: two entries have name 'a'",
        ),
        ("groups:\n  - server_group: {name: db}\n", "groups.0.server_group.GroupName.project: is missing"),
    ],
)
def test_a_fault_says_where_it_is_and_what_is_allowed(text: str, expected: str) -> None:
    assert expected in problems(text)


def test_the_example_is_good() -> None:
    file = load_constraints(Path(__file__).parents[3] / "examples" / "constraints.yaml")
    assert file.limits.offline_per_set == {"rack": 1}


def test_the_schema_tells_of_the_short_forms() -> None:
    schema = json.dumps(ConstraintsFile.model_json_schema(by_alias=True)["$defs"]["InfoEntry"])
    assert '"min_recovery_time_between_impacts": {"anyOf": [{"type": "number"}, {"type": "string"}]' in schema
    assert '{"type": "integer"}' in schema
