"""Which acts of a journal were measured: those that went from intent to outcome in one go, and ended well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from escalator.execution.measured import measured
from escalator.journal.events import Kind, Record
from escalator.model.plan import Plan
from small_site import campaign, plan

STOP = "roll/controller/nova-api-a/unit.stop"
STAGE = "stage/compute1/bundle.stage"
CHECK = "verify/site/check.site"


def intent(action: str, verb: str = "do") -> Record:
    return Record(Kind.INTENT, action, {"verb": verb})


def outcome(action: str, took_s: float, verb: str = "do", result: str = "ok", **more: Any) -> Record:
    return Record(Kind.OUTCOME, action, {"verb": verb, "result": result, "took_s": took_s, **more})


def told(*records: Record, of: Plan | None = None) -> list[tuple[str, str, float]]:
    found = measured(of or plan(), [replace(r, seq=n) for n, r in enumerate(records, 1)])
    return [(m.action.id, m.verb, m.took_s) for m in found]


def test_doing_and_undoing_are_measured_apart_with_their_component() -> None:
    records = intent(STOP), outcome(STOP, 2.5), intent(STOP, "undo"), outcome(STOP, 9.0, "undo")
    assert told(*records) == [(STOP, "do", 2.5), (STOP, "undo", 9.0)]
    assert {m.component for m in measured(plan(), records)} == {"nova"}


def test_what_failed_is_not_and_what_ended_well_at_last_is() -> None:
    failed = outcome(STOP, 30.0, result="failed")
    undone = intent(STOP, "undo"), outcome(STOP, 8.0, "undo")
    assert told(intent(STOP), failed, *undone, intent(STOP), outcome(STOP, 2.0)) == [
        (STOP, "undo", 8.0), (STOP, "do", 2.0),
    ]  # fmt: skip


def test_what_another_escalator_had_begun_is_not() -> None:
    taken = Record(Kind.TAKEN, "", {"epoch": 2})
    found = Record(Kind.OUTCOME, STAGE, {"verb": "do", "result": "found-done", "text": ""})
    assert not told(intent(STOP), taken, outcome(STOP, 0.4))
    assert not told(intent(STAGE), taken, found)


def test_an_outcome_without_an_intent_of_its_own_is_not() -> None:
    assert told(intent(STOP), outcome(STOP, 2.0), outcome(STOP, 0.1)) == [(STOP, "do", 2.0)]


def test_what_was_there_already_and_what_takes_what_it_takes_is_not() -> None:
    soaked = plan(campaign(soak_s=30))
    soak = "soak/soak/soak"
    assert any(a.id == soak for s in soaked.steps() for a in s.actions)
    assert not told(intent(STAGE), outcome(STAGE, 0.2, facts={"found": True}))
    assert not told(intent(soak), outcome(soak, 30.0), of=soaked)


def test_taking_back_what_left_nothing_is_not() -> None:
    records = intent(CHECK), outcome(CHECK, 1.0), intent(CHECK, "undo"), outcome(CHECK, 0.0, "undo")
    assert told(*records) == [(CHECK, "do", 1.0)]


def test_records_of_actions_that_the_plan_does_not_have_are_passed_over() -> None:
    assert not told(intent("roll/nothing"), outcome("roll/nothing", 1.0))
