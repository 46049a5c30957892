"""What came of the campaign's prepared tests (TE-1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from escalator.journal.events import Kind, Record, Result, Verb
from escalator.model.plan import Plan

_WORDS = {Result.OK.value: "passed", Result.FAILED.value: "failed"}


def results_of(plan: Plan, records: Iterable[Record]) -> list[dict[str, Any]]:
    """One entry per test and place, in plan order, with the result of its last run, whatever followed (a roll-back).

    ``result``: passed, failed, running (or in doubt), not-run. ``took_s``: seconds, None where it has not ended.
    """
    found: dict[str, dict[str, Any]] = {
        a.id: {
            "name": a.args["test"], "when": a.args["when"], "component": a.args["component"], "result": "not-run",
            "took_s": None, "text": "",
        }
        for s in plan.steps() for a in s.actions if "test" in a.args
    }  # fmt: skip
    for record in records:
        test = found.get(record.subject)
        if test is None or record.data.get("verb") != Verb.DO.value:
            continue
        if record.kind is Kind.INTENT:
            test.update(result="running", took_s=None, text="")
        elif record.kind is Kind.OUTCOME:
            result = _WORDS.get(str(record.data["result"]), "not-run")  # a crash: looked at, and to be run again
            test.update(result=result, took_s=record.data.get("took_s"), text=str(record.data.get("text", "")))
    return list(found.values())
