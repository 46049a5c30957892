"""Commit: data migrations, contraction, cleaning up. From its first action on there is no undo."""

from __future__ import annotations

from escalator.execution.driver import Driver, Halt
from escalator.execution.executor import walk
from escalator.journal.events import Kind
from escalator.model.states import Event, State, move


async def commit(driver: Driver) -> tuple[State, list[Halt]]:
    """Commit, or go on with it; returns the state, and why it stopped where it did (then: call again)."""
    state = driver.sync().state
    move(state, Event.COMMIT)  # IllegalMoveError before anything is done
    if state is State.ROLLBACK_COMPLETED:
        driver.moved(Event.COMMIT)
        return driver.view.state, []
    driver.write(Kind.NOTE, what="commit-begun")  # answers older requests to suspend, too
    halts = await walk(driver, driver.plan.commit)
    if not halts:
        driver.moved(Event.COMMIT)
    return driver.view.state, halts
