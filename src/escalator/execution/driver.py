"""One campaign's driver: a plan, its journal, and the rule between them.

The rule: an intent is in the journal before a verb runs, its outcome after. An intent without outcome (a crash) is in
doubt: the world is looked at, and only then something is done. Nothing is ever silently done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from escalator.actions.verbs import Context, Done, Outcome, Probe, Verbs
from escalator.engine.port import Engine
from escalator.errors import EscalatorError, RefusedError, SiteTimeoutError, StateError
from escalator.execution.wayback import can_undo
from escalator.journal.events import Kind, Record, Result, Verb
from escalator.journal.fold import AGAIN, ActionState, View, apply
from escalator.journal.journal import Journal
from escalator.model.plan import Action, Plan
from escalator.model.states import Event, State, move

LONGEST_LOOK_S = 120.0  # a probe only looks

Guard = Callable[[View], str]  # why the campaign must stop now, or ""


class Halt(Exception):  # noqa: N818 - not a failure: the way a walk through the plan ends early
    """The walk ends here. ``failed`` tells an error from a request to suspend; ``cause``: what it is due to."""

    def __init__(self, why: str, *, failed: bool, cause: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.failed = failed
        self.cause = cause


def _none(_: View) -> str:
    return ""


async def _sure() -> None:
    """A driver that nobody can take over."""


@dataclass
class Driver:
    """What execute, roll-back and commit share. ``context_of`` is given an action and the number of the try."""

    plan: Plan
    journal: Journal
    engine: Engine
    verbs_of: Callable[[str], Verbs]
    context_of: Callable[[Action, int], Context]
    guard: Guard = _none
    confirm: Callable[[], Awaitable[None]] = _sure  # raises FencedError where another one drives now
    view: View = field(default_factory=View)
    launched: bool = False  # whether the engine knows this driver's workflows, and has begun
    _words: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """From now on each record of the journal is carried into the view, before its writer goes on."""
        self.journal.follow(lambda record: apply(self.view, record))

    async def write(self, kind: Kind, subject: str = "", **data: Any) -> None:
        """Append a record; it is in the view when this returns."""
        await self.journal.append(Record(kind, subject, data, at=self.engine.now()))

    def progress(self, action: str, text: str) -> None:
        """Note how far an action is, without waiting for the disk; a note that is lost does no harm."""
        task = asyncio.ensure_future(self._say(action, text))
        self._words.add(task)
        task.add_done_callback(self._words.discard)

    async def _say(self, action: str, text: str) -> None:
        try:
            await self.write(Kind.PROGRESS, action, text=text)
        except StateError:
            return  # the next intent or outcome meets the same, and stops us

    async def moved(self, event: Event, why: str = "", **more: Any) -> None:
        """Move the campaign; IllegalMoveError before anything is written where the table has no such row."""
        move(self.view.state, event)
        await self.write(Kind.MOVED, event=event.value, why=why, **more)

    async def enter(self, operation: Event, running: State, stopping: frozenset[State]) -> None:
        """Begin an operation, or go on with it where a crash left the campaign in the middle of it.

        Where the crash came while a walk was ending, it begins another leg: what held it is asked again, so a word that
        was given meanwhile counts, and a pause that nobody saw is not passed.
        """
        state = self.view.state
        if state is running:
            if self.view.halts:
                await self.write(Kind.NOTE, what=AGAIN)
            return
        if state is State.EXECUTING:  # a crash left it so, and the operator wants to go back instead of on
            await self.moved(Event.SUSPEND, why="found interrupted")
            await self.moved(Event.QUIET, why="found interrupted")
        elif state in stopping:
            await self.moved(Event.QUIET, why="found stopped", found=True)
        await self.moved(operation)

    def pause_point(self) -> None:
        """Between two actions: raise Halt where somebody asked to suspend, or where the guard says stop."""
        asked = self.view.suspend_asked
        if asked:
            raise Halt(asked, failed=False)
        stop = self.guard(self.view)
        if stop:
            raise Halt(stop, failed=True)

    async def attempt(self, action: Action, verb: Verb) -> Outcome:
        """Run one verb under the rule; raises the EscalatorError that it ended with, after journalling it."""
        await self.write(Kind.INTENT, action.id, verb=verb.value, title=action.title, number=self._tries(action) + 1)
        return await self._act(action, verb)

    def _tries(self, action: Action) -> int:
        return self.view.of(action.id).tries

    async def _act(self, action: Action, verb: Verb) -> Outcome:
        """Run a verb whose intent is in the journal, and journal what came of it."""
        verbs = self.verbs_of(action.kind)
        context = self.context_of(action, self._tries(action))
        began = self.engine.now()
        try:
            call = verbs.do if verb is Verb.DO else verbs.undo
            await self.confirm()  # we may have been held up since the intent was written
            async with asyncio.timeout(action.longest_s) as limit:
                outcome = await call(context, action)
        except StateError:
            raise  # nothing can be journalled any more, by us: stop where we are, the intent stays in doubt
        except TimeoutError as error:
            if limit.expired():
                late = SiteTimeoutError(f"{action.title}: not done within {action.longest_s:g} s")
                await self._failed(action, verb, late, began)
                raise late from None
            bug = EscalatorError(f"{action.title}: {error or 'TimeoutError'}")
            await self._failed(action, verb, bug, began)
            raise bug from error
        except EscalatorError as error:
            await self._failed(action, verb, error, began)
            raise
        except Exception as error:
            bug = EscalatorError(f"{action.title}: {type(error).__name__}: {error}")
            await self._failed(action, verb, bug, began)
            raise bug from error
        took = round(self.engine.now() - began, 3)
        await self.write(
            Kind.OUTCOME, action.id, verb=verb.value, result=Result.OK.value, text=outcome.text, facts=outcome.facts,
            took_s=took,
        )  # fmt: skip
        return outcome

    async def _failed(self, action: Action, verb: Verb, error: EscalatorError, began: float) -> None:
        took = round(self.engine.now() - began, 3)
        await self.write(
            Kind.OUTCOME, action.id, verb=verb.value, result=Result.FAILED.value, text=error.text, code=error.code,
            hint=error.hint, took_s=took,
        )  # fmt: skip

    async def settle(self, action: Action) -> None:
        """Leave no doubt about an action: what failed is taken back, what a crash left open is looked at.

        What still runs on its host is waited for. Half done is undone. What failed and has no undo is looked at too: it
        may have been done, its answer lost. What can't be told is asked: RefusedError names the action.
        """
        state = self.view.of(action.id).state
        failed = state in (ActionState.FAILED, ActionState.UNDO_FAILED)
        if failed and can_undo(action):
            await self.attempt(action, Verb.UNDO)
            return
        if not failed and state not in (ActionState.DOING, ActionState.UNDOING):
            return
        verb = Verb.DO if state in (ActionState.DOING, ActionState.FAILED) else Verb.UNDO
        seen = await self._look(action)
        if seen.done is Done.UNKNOWN:
            raise RefusedError(
                f"{action.id}: it can't be told whether '{action.title}' was done: {seen.seen}",
                hint=f"look at the site, then: escalator resolve {action.id} --as done|not-done --why ...",
            )
        if seen.done is Done.RUNNING:
            await self._act(action, verb)
            return
        if seen.done is Done.HALF_DONE and can_undo(action):
            await self.attempt(action, Verb.UNDO)
            return
        result = Result.FOUND_DONE if seen.done is Done.DONE else Result.FOUND_NOT_DONE
        await self.write(Kind.OUTCOME, action.id, verb=verb.value, result=result.value, text=seen.seen)

    async def _look(self, action: Action) -> Probe:
        context = self.context_of(action, self._tries(action))
        try:
            async with asyncio.timeout(LONGEST_LOOK_S):
                return await self.verbs_of(action.kind).probe(context, action)
        except TimeoutError:
            raise SiteTimeoutError(f"{action.id}: no answer on whether it was done") from None
        except EscalatorError:
            raise
        except Exception as error:
            raise EscalatorError(f"{action.id}: probe: {type(error).__name__}: {error}") from error
