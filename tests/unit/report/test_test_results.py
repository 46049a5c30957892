"""What a report says of the prepared tests: the last run of each, whatever followed."""

from __future__ import annotations

from typing import Any

from escalator.journal.events import Kind, Record
from escalator.report.tests import results_of as results
from small_site import campaign, plan

TESTS = [
    {"name": "ahead", "when": "before", "probe": "nova-api"},
    {"name": "calls", "when": "after-component", "component": "glance", "command": ["true"]},
    {"name": "portal", "http": {"url": "http://portal.example.com"}},
]


def intent(action: str, verb: str = "do") -> Record:
    return Record(Kind.INTENT, action, {"verb": verb})


def outcome(action: str, result: str, verb: str = "do", **more: Any) -> Record:
    return Record(Kind.OUTCOME, action, {"verb": verb, "result": result, **more})


def test_each_test_stands_there_with_its_last_result() -> None:
    made = plan(campaign(tests=TESTS))
    ahead, calls, _ = (a.id for s in made.steps() for a in s.actions if "test" in a.args)
    records = [
        intent(ahead), outcome(ahead, "ok", text="token 0.1 s", took_s=1.2),
        intent(calls), outcome(calls, "failed", text="ended with 1", took_s=0.3),
        intent(calls, "undo"), outcome(calls, "ok", "undo", text="nothing to undo"),
    ]  # fmt: skip
    assert results(made, records) == [
        {
            "name": "ahead", "when": "before", "component": "", "result": "passed", "took_s": 1.2,
            "text": "token 0.1 s",
        },
        {
            "name": "calls", "when": "after-component", "component": "glance", "result": "failed", "took_s": 0.3,
            "text": "ended with 1",
        },
        {"name": "portal", "when": "after", "component": "", "result": "not-run", "took_s": None, "text": ""},
    ]  # fmt: skip
    again = [*records, intent(calls), outcome(calls, "ok", text="passed", took_s=0.2)]
    assert [t["result"] for t in results(made, again)] == ["passed", "passed", "not-run"]
    assert [t["result"] for t in results(made, records[:3])] == ["passed", "running", "not-run"]


def test_what_the_plan_proves_by_itself_is_no_prepared_test() -> None:
    assert results(plan(), []) == []
