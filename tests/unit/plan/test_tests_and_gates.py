"""Where the planner puts prepared tests, approvals and pauses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from escalator.catalogue.components import load_catalogue
from escalator.checks import check
from escalator.errors import InputError
from escalator.model.gates import COMMIT, GateKind
from escalator.model.plan import Action, Mode, Plan, UndoClass
from escalator.serial import from_data, to_data
from small_site import bundle, campaign, inventory, plan

CALLS = {"name": "calls", "when": "after-component", "command": ["./calls", "--fast"], "timeout_s": 30}


def placed(made: Plan) -> dict[str, Action]:
    return {s.id: a for s in made.steps() for a in s.actions if "test" in a.args}


def ids(made: Plan, procedure: str) -> list[str]:
    found = next(p for p in made.procedures if p.id == procedure)
    return [s.id for s in found.steps()]


def test_tests_stand_at_the_end_of_preflight_and_of_verify() -> None:
    made = plan(
        campaign(
            tests=[
                {"name": "ahead", "when": "before", "probe": "nova-api", "timeout_s": 20},
                {"name": "portal", "when": "after", "http": {"url": "http://p.example.com/", "contains": "up"}},
            ]
        )
    )
    assert ids(made, "preflight")[-1] == "preflight/test/ahead"
    assert ids(made, "verify")[-1] == "verify/test/portal"
    ahead, portal = placed(made).values()
    assert (ahead.kind, ahead.args["service"], ahead.longest_s) == ("api.probe", "nova-api", 20)
    assert (portal.kind, portal.args["ok"], portal.args["contains"]) == ("test.http", [200, 299], "up")
    assert {a.undo for a in (ahead, portal)} == {UndoClass.NOTHING}


def test_a_test_of_components_stands_behind_the_roll_of_each() -> None:
    made = plan(campaign(tests=[CALLS]))
    control = next(p for p in made.procedures if p.id == "control")
    for component in control.children:
        *_, last = component.steps()
        assert last.id == f"roll/test/{last.component}/calls"
        assert last.actions[0].args["argv"] == ["./calls", "--fast"]
        assert last.actions[0].longest_s > 30
    assert len(placed(made)) == 5


def test_a_test_of_one_component_stands_behind_that_one_only() -> None:
    made = plan(campaign(tests=[{**CALLS, "component": "glance"}]))
    assert list(placed(made)) == ["roll/test/glance/calls"]


def test_where_only_hosts_are_rolled_the_test_stands_behind_them() -> None:
    new = bundle("2026.1")
    found = inventory()
    done = tuple(
        i if i.host != "controller" or not i.active
        else replace(i, running=new.id, installed=new.id, release="2026.1", version=new.components[i.component])
        for i in found.instances
    )  # fmt: skip
    made = plan(campaign(tests=[CALLS]), replace(found, instances=done))
    assert ids(made, "hosts/tests") == ["roll/test/nova/calls", "roll/test/neutron/calls"]
    names = [p.id for p in made.procedures]
    assert names.index("hosts/tests") == names.index("hosts") + 1


def test_a_plan_with_tests_and_gates_keeps_all_rules_and_survives_being_stored() -> None:
    made = plan(
        campaign(
            tests=[CALLS], approvals=[{"before": "roll"}], pauses=[{"after": "wave"}],
            windows=[{"from": "22:00", "to": "04:00"}],
        )
    )  # fmt: skip
    assert check(made, inventory(), load_catalogue()) == ()
    assert from_data(Plan, to_data(made)) == made
    assert made.windows[0].opens == "22:00"
    every = [a.id for s in made.steps() for a in s.actions]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"tests": [{"name": "t", "probe": "cinder-api"}]}, "no probe for 'cinder-api'"),
        ({"tests": [{**CALLS, "component": "cinder"}]}, "unknown component 'cinder'"),
        ({"approvals": [{"before": "rol"}]}, "'rol' is no phase and no procedure"),
        ({"approvals": [{"before": "control/cinder"}]}, "'control/cinder' is no phase"),
        ({"pauses": [{"after": "hosts/compute9"}]}, "'hosts/compute9' is no phase"),
        ({"pauses": [{"before": "commit"}]}, "a pause can't stand at the commit"),
        ({"pauses": [{"before": "migrate"}]}, "a pause before 'migrate' would stand at the commit"),
        ({"pauses": [{"after": "soak"}]}, "nothing comes behind 'soak'"),
        ({"approvals": [{"before": "wave"}]}, "'wave' goes with"),
    ],
)
def test_a_name_that_is_not_known_or_holds_nothing_is_an_error_when_the_plan_is_made(
    more: dict[str, object], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        plan(campaign(**more))


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("preflight", ["preflight/bundle"]),
        ("stage", ["stage/controller", "stage/compute1", "stage/compute2"]),
        ("expand", ["expand/keystone"]),
        ("roll", ["roll/controller/keystone-api-a"]),
        ("control/nova", ["expand/nova"]),
        ("hosts", ["roll/compute1/nova-compute", "roll/compute2/nova-compute"]),
        ("canary", ["roll/compute1/nova-compute"]),
        ("commit", [COMMIT]),
        ("migrate", [COMMIT, "migrate/keystone/0"]),
        ("contract", ["contract/keystone"]),
    ],
)
def test_an_approval_stands_before_the_first_steps_of_what_it_names(name: str, before: list[str]) -> None:
    (gate,) = plan(campaign(approvals=[{"before": name, "text": "look"}])).gates
    assert (gate.id, gate.kind, gate.text) == (name, GateKind.APPROVAL, "look")
    assert list(gate.before) == before


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("preflight", ["preflight/site/check.site"]),  # the procedure of this name, not the whole phase
        ("expand", ["expand/neutron/schema.expand"]),
        ("control/keystone", ["roll/controller/keystone-api-b/balancer.ready"]),
        ("stage", ["stage/compute2/bundle.stage", "stage/compute1/bundle.stage", "stage/controller/bundle.stage"]),
        ("migrate", ["migrate/nova/0/data.migrate"]),
    ],
)
def test_a_pause_behind_something_waits_for_its_last_actions(name: str, after: list[str]) -> None:
    (gate,) = plan(campaign(pauses=[{"after": name}])).gates
    assert list(gate.after) == after


def test_a_pause_behind_the_canary_makes_one_host_go_alone() -> None:
    made = plan(campaign(pauses=[{"after": "canary"}], parallel={"computes": 5}))
    canary, hosts = (next(p for p in made.procedures if p.id == i) for i in ("canary", "hosts"))
    assert [s.component for s in canary.steps()] == ["nova", "neutron"]
    assert {s.id.split("/")[1] for s in hosts.steps()} == {"compute2"}


def test_pauses_behind_waves_make_rows_of_hosts_that_follow_each_other() -> None:
    made = plan(campaign(pauses=[{"after": "wave"}], parallel={"computes": 1}))
    hosts = next(p for p in made.procedures if p.id == "hosts")
    assert hosts.mode is Mode.SEQUENCE
    assert [c.id for c in hosts.children] == ["wave/1", "wave/2"]
    assert [g.id for g in made.gates] == ["after wave/1", "after wave/2"]


def test_a_gate_that_this_hop_has_no_step_for_is_named() -> None:
    made = plan(campaign(approvals=[{"before": "hosts"}], scope={"roles": ["controller"]}))
    assert not made.gates
    assert [f.subject for f in made.findings if f.rule == "gate.nowhere"] == ["hosts"]


def test_the_catalogue_of_the_plan_does_not_change_where_no_gate_is_wanted() -> None:
    made = plan()
    assert (made.gates, made.windows) == ((), ())
    assert [p.id for p in made.procedures if p.id in ("canary", "hosts")] == ["hosts"]
