"""One campaign's driver: a plan, its journal, and the rule between them.

The rule: an intent is in the journal before a verb runs, its outcome after. An intent without outcome (a crash) is in
doubt: the world is looked at, and only then something is done. Nothing is ever silently done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from escalator.actions.verbs import Context, Done, Outcome, Probe, Verbs
from escalator.engine.port import Engine
from escalator.errors import EscalatorError, RefusedError, SiteTimeoutError, StateError
from escalator.journal.events import Kind, Record, Result, Verb
from escalator.journal.fold import ActionState, View, apply
from escalator.journal.journal import Journal
from escalator.model.plan import Action, Plan, UndoClass
from escalator.model.states import Event, State, move

LONGEST_LOOK_S = 120.0  # a probe only looks

Guard = Callable[[View], str]  # why the campaign must stop now, or ""


class Halt(Exception):  # noqa: N818 - not a failure: the way a walk through the plan ends early
    """The walk ends here. ``failed`` tells an error from a request to suspend."""

    def __init__(self, why: str, *, failed: bool) -> None:
        super().__init__(why)
        self.why = why
        self.failed = failed


def can_undo(action: Action) -> bool:
    """Whether the action's undo is more than a restore from backup."""
    return action.undo not in (UndoClass.RESTORE, UndoClass.NEVER)


@dataclass
class Driver:
    """What execute, roll-back and commit share."""

    plan: Plan
    journal: Journal
    engine: Engine
    verbs_of: Callable[[str], Verbs]
    context_of: Callable[[Action], Context]
    guard: Guard = lambda _: ""
    view: View = field(default_factory=View)

    def sync(self) -> View:
        """Carry records that others appended (a request to suspend) into the view."""
        for record in self.journal.read(self.view.seq):
            apply(self.view, record)
        return self.view

    def write(self, kind: Kind, subject: str = "", **data: Any) -> None:
        """Append a record and carry it into the view."""
        self.journal.append(Record(kind, subject, data, at=self.engine.now()))
        self.sync()

    def moved(self, event: Event, why: str = "") -> None:
        """Move the campaign; IllegalMoveError before anything is written where the table has no such row."""
        move(self.sync().state, event)
        self.write(Kind.MOVED, event=event.value, why=why)

    def enter(self, operation: Event, running: State, stopping: frozenset[State]) -> None:
        """Begin an operation, or go on with it where a crash left the campaign in the middle of it."""
        state = self.sync().state
        if state is running:
            return
        if state is State.EXECUTING:  # a crash left it so, and the operator wants to go back instead of on
            self.moved(Event.SUSPEND, why="found interrupted")
            self.moved(Event.QUIET, why="found interrupted")
        elif state in stopping:
            self.moved(Event.QUIET, why="found stopped")
        self.moved(operation)

    def pause_point(self) -> None:
        """Between two actions: raise Halt where somebody asked to suspend, or where the guard says stop."""
        asked = self.sync().suspend_asked
        if asked:
            raise Halt(asked, failed=False)
        stop = self.guard(self.view)
        if stop:
            raise Halt(stop, failed=True)

    async def attempt(self, action: Action, verb: Verb) -> Outcome:
        """Run one verb under the rule; raises the EscalatorError that it ended with, after journalling it."""
        self.write(Kind.INTENT, action.id, verb=verb.value, title=action.title)
        verbs = self.verbs_of(action.kind)
        context = self.context_of(action)
        began = self.engine.now()
        try:
            call = verbs.do if verb is Verb.DO else verbs.undo
            async with asyncio.timeout(action.longest_s) as limit:
                outcome = await call(context, action)
        except TimeoutError as error:
            if not limit.expired():
                bug = EscalatorError(f"{action.title}: {error or 'TimeoutError'}")
                self._failed(action, verb, bug, began)
                raise bug from error
            late = SiteTimeoutError(f"{action.title}: not done within {action.longest_s:g} s")
            self._failed(action, verb, late, began)
            raise late from None
        except StateError:
            raise  # our own folder is broken: nothing can be journalled, the intent stays in doubt
        except EscalatorError as error:
            self._failed(action, verb, error, began)
            raise
        except Exception as error:
            bug = EscalatorError(f"{action.title}: {type(error).__name__}: {error}")
            self._failed(action, verb, bug, began)
            raise bug from error
        took = round(self.engine.now() - began, 3)
        self.write(
            Kind.OUTCOME, action.id, verb=verb.value, result=Result.OK.value, text=outcome.text, facts=outcome.facts,
            took_s=took,
        )  # fmt: skip
        return outcome

    def _failed(self, action: Action, verb: Verb, error: EscalatorError, began: float) -> None:
        took = round(self.engine.now() - began, 3)
        self.write(
            Kind.OUTCOME, action.id, verb=verb.value, result=Result.FAILED.value, text=error.text, code=error.code,
            hint=error.hint, took_s=took,
        )  # fmt: skip

    async def settle(self, action: Action) -> None:
        """Leave no doubt about an action: what failed is taken back, what a crash left open is looked at.

        Half done is undone. What failed and has no undo is looked at too: it may have been done, its answer lost. What
        can't be told is asked: RefusedError names the action.
        """
        state = self.sync().of(action.id).state
        failed = state in (ActionState.FAILED, ActionState.UNDO_FAILED)
        if failed and can_undo(action):
            await self.attempt(action, Verb.UNDO)
            return
        if not failed and state not in (ActionState.DOING, ActionState.UNDOING):
            return
        seen = await self._look(action)
        if seen.done is Done.UNKNOWN:
            raise RefusedError(
                f"{action.id}: it can't be told whether '{action.title}' was done: {seen.seen}",
                hint="look at the site, then put it right by hand before you go on",
            )
        if seen.done is Done.HALF_DONE and can_undo(action):
            await self.attempt(action, Verb.UNDO)
            return
        verb = Verb.DO if state in (ActionState.DOING, ActionState.FAILED) else Verb.UNDO
        result = Result.FOUND_DONE if seen.done is Done.DONE else Result.FOUND_NOT_DONE
        self.write(Kind.OUTCOME, action.id, verb=verb.value, result=result.value, text=seen.seen)

    async def _look(self, action: Action) -> Probe:
        try:
            async with asyncio.timeout(LONGEST_LOOK_S):
                return await self.verbs_of(action.kind).probe(self.context_of(action), action)
        except TimeoutError:
            raise SiteTimeoutError(f"{action.id}: no answer on whether it was done") from None
        except EscalatorError:
            raise
        except Exception as error:
            raise EscalatorError(f"{action.id}: probe: {type(error).__name__}: {error}") from error
