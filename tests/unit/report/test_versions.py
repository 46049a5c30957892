"""Which versions a report names."""

from __future__ import annotations

from escalator.journal.events import Kind, Record, Result, Verb
from escalator.journal.fold import fold
from escalator.model.states import Event
from escalator.report.versions import versions_now, versions_then
from small_site import inventory, plan

EXECUTED = (Event.EXECUTE, Event.ALL_DONE)
TAKEN_BACK = (*EXECUTED, Event.ROLLBACK, Event.UNDONE)


def carried_out(*events: Event, said: str) -> list[Record]:
    """The journal of a run in which keystone's processes said what they run."""
    records = [Record(Kind.MOVED, "", {"event": events[0].value, "why": ""})]
    for step in plan().steps():
        for action in step.actions:
            if action.kind == "unit.verify" and action.args["component"] == "keystone":
                records.append(Record(Kind.INTENT, action.id, {"verb": Verb.DO.value, "title": ""}))
                facts = {"version": said}
                outcome = {"verb": Verb.DO.value, "result": Result.OK.value, "text": "", "facts": facts}
                records.append(Record(Kind.OUTCOME, action.id, outcome))
    records += [Record(Kind.MOVED, "", {"event": e.value, "why": ""}) for e in events[1:]]
    return [Record(r.kind, r.subject, r.data, seq=n, at=float(n)) for n, r in enumerate(records, 1)]


def test_of_an_earlier_run_it_is_what_the_processes_said_then() -> None:
    found = versions_then(plan(), fold(carried_out(*EXECUTED, said="29.0.7")))
    assert found["keystone"] == {"from": "27.0.0", "to": "29.0.7"}
    assert found["nova"]["to"] == found["nova"]["from"]


def test_what_was_taken_back_runs_what_it_ran() -> None:
    found = versions_then(plan(), fold(carried_out(*TAKEN_BACK, said="29.0.7")))
    assert found["keystone"] == {"from": "27.0.0", "to": "27.0.0"}


def test_of_the_current_run_it_is_what_runs_now() -> None:
    assert versions_now(plan(), inventory("2026.1"))["keystone"] == {"from": "27.0.0", "to": "29.0.0"}
