"""What the journal means: the campaign's state and that of each action, folded from the records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from escalator.errors import JournalError
from escalator.journal.events import Kind, Record, Result, Verb
from escalator.model.states import COUNTING, COUNTING_BACK, Event, State, move


class ActionState(StrEnum):
    """What the journal knows of an action."""

    PENDING = "pending"
    DOING = "doing"  # an intent without outcome: running now, or in doubt after a crash
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"


@dataclass
class ActionView:
    """One action as the journal shows it. Times are seconds since the epoch."""

    state: ActionState = ActionState.PENDING
    started: float = 0.0
    ended: float = 0.0
    attempts: int = 0
    text: str = ""
    code: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    order: int = 0  # seq of the intent of the last do: roll-back goes by it, backwards


@dataclass
class View:
    """A whole campaign as the journal shows it."""

    state: State = State.INITIAL
    since: float = 0.0
    started: float = 0.0
    last: float = 0.0
    seq: int = 0
    committing: bool = False  # a commit has begun: there is no undo any more
    executing_s: float = 0.0  # time in executing states, as far as it is closed
    rolling_back_s: float = 0.0
    actions: dict[str, ActionView] = field(default_factory=dict)
    suspend_asked: str = ""  # why, while a request to suspend is open
    problems: tuple[str, ...] = ()

    def of(self, action: str) -> ActionView:
        """The view of one action, PENDING where the journal says nothing of it."""
        return self.actions.get(action) or ActionView()

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Actions with an intent and no outcome."""
        waiting = (ActionState.DOING, ActionState.UNDOING)
        return tuple(name for name, view in self.actions.items() if view.state in waiting)


_ENDS = {
    (Verb.DO, Result.OK): ActionState.DONE,
    (Verb.DO, Result.FOUND_DONE): ActionState.DONE,
    (Verb.DO, Result.FAILED): ActionState.FAILED,
    (Verb.DO, Result.FOUND_NOT_DONE): ActionState.PENDING,
    (Verb.UNDO, Result.OK): ActionState.UNDONE,
    (Verb.UNDO, Result.FOUND_NOT_DONE): ActionState.UNDONE,
    (Verb.UNDO, Result.FAILED): ActionState.UNDO_FAILED,
    (Verb.UNDO, Result.FOUND_DONE): ActionState.DONE,
}


def fold(records: Iterable[Record]) -> View:
    """The view after all records. Raises IllegalMoveError or JournalError where a record does not fit."""
    view = View()
    for record in records:
        apply(view, record)
    return view


def apply(view: View, record: Record) -> None:
    """Carry one more record into a view."""
    view.last, view.seq = record.at, record.seq
    if record.kind is Kind.MOVED:
        _move(view, record)
    elif record.kind is Kind.INTENT:
        action = view.actions.setdefault(record.subject, ActionView())
        doing = Verb(record.data["verb"]) is Verb.DO
        action.state = ActionState.DOING if doing else ActionState.UNDOING
        action.started, action.ended, action.text, action.code = record.at, 0.0, "", ""
        if doing:
            action.attempts += 1
            action.order = record.seq
    elif record.kind is Kind.OUTCOME:
        _end(view, record)
    elif record.kind is Kind.PROGRESS and record.subject in view.actions:
        view.actions[record.subject].text = str(record.data.get("text", ""))
    elif record.kind is Kind.NOTE and record.data.get("what") == "commit-begun":
        view.committing, view.suspend_asked = True, ""
    elif record.kind is Kind.ASKED and record.data.get("what") == "suspend":
        view.suspend_asked = str(record.data.get("why") or "asked by the operator")


def _move(view: View, record: Record) -> None:
    event = Event(record.data["event"])
    spent = record.at - view.since if view.since else 0.0
    if view.state in COUNTING:
        view.executing_s += spent
    elif view.state in COUNTING_BACK:
        view.rolling_back_s += spent
    view.state = move(view.state, event)
    view.since = record.at
    view.started = view.started or record.at
    if event in (Event.EXECUTE, Event.ROLLBACK, Event.QUIET, Event.ALL_DONE):
        view.suspend_asked = ""
    why = str(record.data.get("why", ""))
    if event is Event.ERROR or event is Event.UNDO_FAILED:
        view.problems = (*view.problems, why)
    elif event in (Event.EXECUTE, Event.ROLLBACK):
        view.problems = ()


def _end(view: View, record: Record) -> None:
    action = view.actions.get(record.subject)
    if action is None:
        raise JournalError(f"record {record.seq}: an outcome of '{record.subject}' without its intent")
    action.state = _ENDS[Verb(record.data["verb"]), Result(record.data["result"])]
    action.ended = record.at
    action.text = str(record.data.get("text", ""))
    action.code = str(record.data.get("code", ""))
    if record.data.get("facts"):
        action.facts = dict(record.data["facts"])
