"""Commit: data migrations, contraction, cleaning up. From its first action on there is no undo."""

from __future__ import annotations

from escalator.execution import gates
from escalator.execution.driver import Driver, Halt
from escalator.execution.executor import walk
from escalator.journal.events import Kind
from escalator.journal.fold import Halted
from escalator.model.states import Event, State, move


async def commit(driver: Driver, engine_id: str = "") -> tuple[State, tuple[Halted, ...]]:
    """Commit, or go on with it; returns the state, and why it stopped where it did (then: call again)."""
    state = driver.view.state
    move(state, Event.COMMIT)  # IllegalMoveError before anything is done
    if state is State.ROLLBACK_COMPLETED:
        await driver.moved(Event.COMMIT)
        return driver.view.state, ()
    view = driver.view
    if not view.committing:
        try:
            await gates.insist(driver, None)
        except Halt as halt:
            return state, (Halted("", halt.why, halt.failed),)
    if not view.committing or view.halts or view.suspend_asked:  # else a crash interrupted it: it goes on
        await driver.write(Kind.NOTE, what="commit-begun")  # answers older requests to suspend, too
    halts = await walk(driver, "commit", engine_id or driver.plan.id)
    if not halts:
        await driver.moved(Event.COMMIT)
    return driver.view.state, halts
