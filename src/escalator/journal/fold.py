"""What the journal means: the campaign's state and that of each action, folded from the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from escalator.errors import JournalError
from escalator.journal.events import Kind, Record, Result, Verb
from escalator.model.states import COUNTING, COUNTING_BACK, Event, State, move

#: data["what"] of the note that a walk which a crash cut off at its end begins again
AGAIN = "again"


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
    attempts: int = 0  # how often it was begun to be done
    tries: int = 0  # how often any verb of it was begun: the number of the last one names what runs on a host
    text: str = ""
    code: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    order: int = 0  # seq of the intent of the last do: roll-back goes by it, backwards


@dataclass(frozen=True)
class Halted:
    """Why a step stopped the walk. ``failed`` tells an error from a request to suspend; ``cause``: "" or deadline."""

    step: str
    why: str
    failed: bool
    cause: str = ""


@dataclass
class View:
    """A whole campaign as the journal shows it."""

    state: State = State.INITIAL
    since: float = 0.0
    started: float = 0.0
    driven: float = 0.0  # when whoever drives wrote last
    seq: int = 0
    committing: bool = False  # a commit has begun: there is no undo any more
    executing_s: float = 0.0  # time in executing states, as far as it is closed
    rolling_back_s: float = 0.0
    actions: dict[str, ActionView] = field(default_factory=dict)
    suspend_asked: str = ""  # why, while a request to suspend is open
    problems: tuple[str, ...] = ()
    halts: tuple[Halted, ...] = ()  # of the present leg
    aside: dict[str, str] = field(default_factory=dict)  # branch that was set aside -> why
    leg: int = 0  # how often execute, roll-back or commit was begun: what ran in an earlier leg is over
    epoch: int = 0  # of the Escalator that drives, or drove last
    owner: str = ""
    extended_s: float = 0.0  # what people added to the time that executing may take
    approved: dict[str, str] = field(default_factory=dict)  # approval -> who gave it
    held: set[str] = field(default_factory=set)  # pauses that hold; the next resume passes them
    passed: set[str] = field(default_factory=set)
    why: str = ""  # the reason of the last move that had one, since the operation began

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
    carry = _CARRY.get(record.kind)
    if carry is not None:
        carry(view, record)
    view.seq = record.seq
    if record.kind not in _BY_PEOPLE and "who" not in record.data:
        view.driven = record.at


def _intent(view: View, record: Record) -> None:
    action = view.actions.setdefault(record.subject, ActionView())
    doing = Verb(record.data["verb"]) is Verb.DO
    action.state = ActionState.DOING if doing else ActionState.UNDOING
    action.started, action.ended, action.text, action.code = record.at, 0.0, "", ""
    action.tries += 1
    if doing:
        action.attempts += 1
        action.order = record.seq


def _progress(view: View, record: Record) -> None:
    if record.subject in view.actions:
        view.actions[record.subject].text = str(record.data.get("text", ""))


def _halted(view: View, record: Record) -> None:
    said = record.data
    halted = Halted(
        record.subject, str(said.get("why", "")), bool(said.get("failed")), str(said.get("cause", ""))
    )  # fmt: skip
    view.halts = (*view.halts, halted)


def _aside(view: View, record: Record) -> None:
    view.aside[record.subject] = str(record.data.get("why", ""))


def _taken(view: View, record: Record) -> None:
    view.epoch, view.owner = int(record.data["epoch"]), str(record.data.get("owner", ""))
    if view.state in COUNTING | COUNTING_BACK and view.since:
        _close(view, view.driven)  # nobody drove it since then
        view.since = record.at


def _note(view: View, record: Record) -> None:
    if record.data.get("what") == "commit-begun":
        view.committing, view.suspend_asked = True, ""
        view.halts, view.leg = (), view.leg + 1
        view.passed |= view.held
    elif record.data.get("what") == AGAIN:
        view.halts, view.leg = (), view.leg + 1
    elif record.data.get("what") == "held":
        view.held.add(str(record.data["gate"]))


def _asked(view: View, record: Record) -> None:
    if record.data.get("what") == "suspend":
        view.suspend_asked = str(record.data.get("why") or "asked by the operator")
    elif record.data.get("what") == "approve":
        view.approved[str(record.data["gate"])] = str(record.data.get("who", ""))
    elif record.data.get("what") == "extend":
        view.extended_s += float(record.data["by_s"])


def _move(view: View, record: Record) -> None:
    event = Event(record.data["event"])
    _close(view, record.at)
    view.state = move(view.state, event)
    view.since = record.at
    view.started = view.started or record.at
    if event in (Event.EXECUTE, Event.ROLLBACK, Event.QUIET, Event.ALL_DONE):
        view.suspend_asked = ""
    if record.data.get("found"):  # the suspension was cut off by a crash: nobody has seen what held the run
        view.held &= view.passed
    if event is Event.EXECUTE:
        view.passed |= view.held
    why = str(record.data.get("why", ""))
    view.why = why if why or event in (Event.EXECUTE, Event.ROLLBACK) else view.why
    if event is Event.ERROR or event is Event.UNDO_FAILED:
        view.problems = (*view.problems, why)
    elif event in (Event.EXECUTE, Event.ROLLBACK):
        view.problems, view.halts, view.leg = (), (), view.leg + 1


_BY_PEOPLE = (Kind.ASKED, Kind.RESOLVED)  # written beside whoever drives


def _close(view: View, at: float) -> None:
    """Count the time of the present state, which lasted until ``at``."""
    spent = at - view.since if view.since else 0.0
    if view.state in COUNTING:
        view.executing_s += spent
    elif view.state in COUNTING_BACK:
        view.rolling_back_s += spent


def _resolve(view: View, record: Record) -> None:
    """A person looked, and says how an action stands; what is to be undone counts as undone then."""
    action = view.actions.get(record.subject)
    if action is None:
        raise JournalError(f"record {record.seq}: '{record.subject}' was never begun, so there is nothing to resolve")
    going_back = view.state in COUNTING_BACK or view.state is State.ROLLBACK_SUSPENDED
    not_done = ActionState.UNDONE if going_back else ActionState.PENDING
    action.state = ActionState.DONE if record.data["as"] == "done" else not_done
    action.ended, action.text, action.code = record.at, str(record.data.get("why", "")), ""


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


_CARRY: dict[Kind, Callable[[View, Record], None]] = {
    Kind.MOVED: _move,
    Kind.INTENT: _intent,
    Kind.OUTCOME: _end,
    Kind.RESOLVED: _resolve,
    Kind.HALTED: _halted,
    Kind.ASIDE: _aside,
    Kind.TAKEN: _taken,
    Kind.PROGRESS: _progress,
    Kind.NOTE: _note,
    Kind.ASKED: _asked,
}
