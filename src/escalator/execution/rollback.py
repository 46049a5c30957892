"""Roll back: the journal backwards. Only what was done is undone, in exact reverse."""

from __future__ import annotations

from escalator.errors import EscalatorError, RefusedError, StateError
from escalator.execution.deadlines import overdue_back
from escalator.execution.driver import Driver
from escalator.execution.wayback import can_undo, order, predicted_s
from escalator.journal.events import Kind, Verb
from escalator.journal.fold import ActionState
from escalator.model.plan import Action
from escalator.model.states import Event, State

_STOPPING = frozenset(
    {
        State.SUSPENDING_ROLLBACK,
        State.SUSPENDING_EXECUTION,
        State.ERROR_DETECTED,
        State.ERROR_DETECTED_IN_SUSPENDING,
    }
)


async def roll_back(driver: Driver) -> State:
    """Undo what was done; returns the state it ended in. Refused once a commit has begun."""
    if driver.view.committing:
        raise RefusedError(
            "a commit has begun: data migrations and contraction can't be undone",
            hint="go on with 'escalator commit', or bring the old state back with 'escalator restore'",
        )
    await driver.enter(Event.ROLLBACK, State.ROLLING_BACK, _STOPPING)
    acts, expected = order(driver.plan, driver.view), predicted_s(driver.plan, driver.view)
    await driver.write(
        Kind.NOTE, what="predicted", text=f"{len(acts)} actions to undo, about {expected:.0f} s", predicted_s=expected
    )
    for action in acts:
        why = driver.view.suspend_asked or overdue_back(driver.plan, driver.view, driver.engine.now())
        why = why or await undo(driver, action)
        if why:
            await driver.moved(Event.SUSPEND, why=why)
            await driver.moved(Event.QUIET, why=why)
            return driver.view.state
    await driver.moved(Event.UNDONE)
    return driver.view.state


async def undo(driver: Driver, action: Action) -> str:
    """Undo one action; returns why the roll-back must stop for a person, or nothing."""
    if not can_undo(action):
        return (
            f"{action.id}: '{action.title}' has no undo; take it back by hand, then"
            f" 'escalator resolve {action.id} --as not-done --why ...', or 'escalator restore'"
        )
    try:
        if driver.view.of(action.id).state in (ActionState.DOING, ActionState.UNDOING):
            await driver.settle(action)
        if driver.view.of(action.id).state in (ActionState.DONE, ActionState.FAILED, ActionState.UNDO_FAILED):
            await driver.attempt(action, Verb.UNDO)
    except StateError:
        raise
    except EscalatorError as error:
        return f"{action.id}: {error.text} [{error.code}]"
    return ""
