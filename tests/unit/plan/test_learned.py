"""Measured times in a plan: what is expected, and with how much care a limit becomes shorter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from escalator.catalogue.components import Catalogue, load_catalogue
from escalator.catalogue.releases import load_releases
from escalator.catalogue.times import Learned, LearnedTime
from escalator.config.campaign import CampaignFile
from escalator.model.inventory import DatabaseRevision, Inventory
from escalator.model.plan import Action, Plan, UndoClass
from escalator.plan.learned import ENOUGH_RUNS, LEAST_S
from escalator.plan.planner import make_plan
from escalator.plan.report import tree
from small_site import SITE, campaign, inventory, plan

START = "roll/controller/nova-api-a/unit.start"


def entry(act: str, expected_s: float = 7.0, longest_s: float = 70.0, runs: int = 7, **more: object) -> LearnedTime:
    given = {"act": act, "expected_s": expected_s, "longest_s": longest_s, "runs": runs, "measured": runs}
    return LearnedTime.model_validate({**given, **more})


def made(*entries: LearnedTime, wanted: CampaignFile | None = None, found: Inventory | None = None) -> Plan:
    known = Catalogue(load_catalogue().components, Learned({e.key: e for e in entries}))
    return make_plan(
        wanted or campaign(), SITE, found or inventory(), known, load_releases(), now="2026-01-01T00:00:00+00:00"
    )


def action(of: Plan, name: str) -> Action:
    return next(a for s in (*of.steps(), *of.commit_steps()) for a in s.actions if a.id == name)


def test_without_measurements_a_plan_is_the_catalogues() -> None:
    assert made() == plan()
    assert all(a.basis.runs == 0 for s in plan().steps() for a in s.actions)


def test_what_was_measured_is_expected_and_the_plan_says_from_how_many_runs() -> None:
    found = made(entry("unit.start", 6.4, runs=7, of="nova-api"), entry("unit.start", 5.0, runs=1))
    nova, glance = action(found, START), action(found, "roll/controller/glance-api-a/unit.start")
    assert (nova.expected_s, nova.basis.runs) == (6.4, 7)
    assert (glance.expected_s, glance.basis.runs) == (5.0, 1)
    text = tree(found)
    assert "start nova-api-a  (6.4 s from 7 runs, at most " in text
    assert "start glance-api-a  (5 s from 1 run, at most 240; undo" in text
    assert "Measured on this site: " in text
    assert "Measured" not in tree(plan())


def test_both_slots_of_a_service_are_one_service() -> None:
    found = made(entry("unit.start", 9.0, of="nova-conductor"))
    starts = [a for s in found.steps() for a in s.actions if a.kind == "unit.start" and "conductor" in a.args["unit"]]
    assert {a.expected_s for a in starts} == {9.0}
    assert {a.args["unit"] for a in starts} == {"nova-conductor-a", "nova-conductor-b"}


def limit(runs: int, longest_s: float, act: str = "unit.start", name: str = START) -> float:
    return action(made(entry(act, runs=runs, longest_s=longest_s)), name).longest_s


def test_a_few_measurements_make_no_limit_shorter_many_do_with_care() -> None:
    catalogue = action(plan(), START).longest_s
    assert limit(ENOUGH_RUNS - 1, 70) == catalogue
    assert limit(ENOUGH_RUNS - 1, 500) == 500  # slower than the catalogue knows: longer at once
    stop_s = action(plan(), START).args["stop_s"]
    assert limit(ENOUGH_RUNS, 1) == max(LEAST_S, catalogue / 4, stop_s + 30)
    assert limit(50, 500) == 500


def test_a_limit_never_falls_below_what_the_act_itself_waits_for() -> None:
    name = "roll/controller/nova-api-a/balancer.drain"
    assert limit(50, 1, "balancer.drain", name) >= action(plan(), name).args["wait_s"] + 30


@pytest.mark.parametrize("name", ["expand/nova/schema.expand", "contract/glance/schema.contract"])
def test_what_a_next_release_brings_to_a_schema_is_in_no_measurement(name: str) -> None:
    act = name.rsplit("/", 1)[1]
    assert limit(50, 1, act, name) == action(plan(), name).longest_s
    assert limit(50, 9000, act, name) == 9000


def test_the_limit_of_a_prepared_test_is_its_owners() -> None:
    wanted = campaign(tests=[{"name": "call flow", "command": ["true"], "timeout_s": 20}])
    before = action(made(wanted=wanted), "verify/test/call flow/test.command")
    found = made(entry("test.command", 3.0, 9000, of="call flow"), wanted=wanted)
    after = action(found, before.id)
    assert (after.expected_s, after.longest_s) == (3.0, before.longest_s)


def test_what_an_operator_fixed_is_taken_as_it_is() -> None:
    found = made(entry("unit.start", 12, 15, runs=0, fixed=True))
    assert (action(found, START).expected_s, action(found, START).longest_s) == (12, 15)
    assert "(12 s, as times.yaml says, at most 15;" in tree(found)


def test_times_grow_with_the_size_that_they_were_measured_with() -> None:
    rows = (DatabaseRevision("nova", "nova", ("1",), rows=3_000_000),)
    grown = entry("schema.expand", 4, 60, of="nova", unit="million rows", expected_per_unit_s=10)
    found = made(grown, found=replace(inventory(), databases=rows))
    assert action(found, "expand/nova/schema.expand").expected_s == 34
    unknown = made(grown)  # nobody counted rows: a time that grows with them says nothing
    assert action(unknown, "expand/nova/schema.expand").basis.runs == 0


def test_the_size_of_what_is_unpacked_and_saved_is_in_the_plan() -> None:
    rows = tuple(DatabaseRevision(c, c, ("1",), rows=500_000) for c in ("nova", "glance"))
    found = made(found=replace(inventory(), databases=rows))
    stage = action(found, "stage/compute1/bundle.stage")
    assert (stage.basis.unit, stage.basis.size) == ("MB", 0.001)
    save = action(found, "backup/all/backup.take")
    assert (save.basis.unit, save.basis.size, save.basis.per_unit_s) == ("million rows", 1.0, 28.0)


def test_a_measured_undo_is_what_a_roll_back_is_expected_to_take() -> None:
    found = made(entry("unit.stop", 2.0), entry("unit.stop", 11.0, verb="undo"))
    stop = action(found, "roll/controller/nova-api-a/unit.stop")
    assert (stop.expected_s, stop.back_s) == (2.0, 11.0)
    assert action(found, START).back_s == action(found, START).expected_s  # nothing measured: as doing it
    assert all(a.back_s == 0 for s in found.steps() for a in s.actions if a.undo is UndoClass.NOTHING)
