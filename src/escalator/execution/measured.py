"""What a run's journal says of how long its acts took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from escalator.actions.verbs import FOUND
from escalator.journal.events import Kind, Record, Result, Verb
from escalator.model.plan import Action, Plan, UndoClass

_NOT_TAUGHT = ("soak",)  # takes what the campaign says


@dataclass(frozen=True)
class Measured:
    """One act that ended well, and the component of its step."""

    action: Action
    component: str
    verb: Literal["do", "undo"]
    took_s: float


def measured(plan: Plan, records: Iterable[Record]) -> tuple[Measured, ...]:
    """The acts of a run that went from intent to outcome in one go, in the journal's order.

    Left out: what failed or was found done, and what another Escalator had begun: of that only the end was measured.
    """
    known = {a.id: (a, s.component) for s in (*plan.steps(), *plan.commit_steps()) for a in s.actions}
    open_: dict[str, str] = {}
    found: list[Measured] = []
    for record in records:
        if record.kind is Kind.TAKEN:
            open_.clear()
        elif record.kind is Kind.INTENT:
            open_[record.subject] = str(record.data["verb"])
        elif record.kind is Kind.OUTCOME and record.subject in known:
            action, component = known[record.subject]
            verb = open_.pop(record.subject, "")
            if verb == record.data["verb"] and _counts(action, verb, record):
                word: Literal["do", "undo"] = "do" if verb == Verb.DO else "undo"
                found.append(Measured(action, component, word, float(record.data["took_s"])))
    return tuple(found)


def _counts(action: Action, verb: str, record: Record) -> bool:
    if action.kind in _NOT_TAUGHT or (verb == Verb.UNDO and action.undo is UndoClass.NOTHING):
        return False
    ended_well = record.data["result"] == Result.OK.value and "took_s" in record.data
    return ended_well and not record.data.get("facts", {}).get(FOUND)
