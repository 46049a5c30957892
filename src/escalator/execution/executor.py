"""Execute: walk a plan's procedures forwards, in sequence and in parallel."""

from __future__ import annotations

from typing import Any

from escalator.engine.port import Call
from escalator.errors import EscalatorError, StateError
from escalator.execution.driver import Driver, Halt
from escalator.journal.events import Kind, Verb
from escalator.journal.fold import ActionState
from escalator.model.plan import Action, Mode, Procedure, Step
from escalator.model.states import Event, State

_STOPPING = frozenset({State.SUSPENDING_EXECUTION, State.ERROR_DETECTED, State.ERROR_DETECTED_IN_SUSPENDING})


async def execute(driver: Driver) -> State:
    """Carry the plan out, or go on with it; returns the state it ended in.

    A failure that retries do not mend suspends (SUSPENDED_BY_ERROR_DETECTED); rolling back by policy is the caller's
    next call.
    """
    driver.enter(Event.EXECUTE, State.EXECUTING, _STOPPING)
    halts = await walk(driver, driver.plan.procedures)
    failures = [h for h in halts if h.failed]
    if failures:
        driver.moved(Event.ERROR, why="; ".join(h.why for h in failures))
        driver.moved(Event.QUIET)
    elif halts:
        driver.moved(Event.SUSPEND, why=halts[0].why)
        driver.moved(Event.QUIET)
    else:
        driver.moved(Event.ALL_DONE)
    return driver.view.state


async def walk(driver: Driver, procedures: tuple[Procedure, ...]) -> list[Halt]:
    """Run procedures in sequence; returns why the walk ended early (nothing when all is done)."""
    nodes: dict[str, Procedure | Step] = {}
    for procedure in procedures:
        _learn(procedure, nodes)
    halts: list[Halt] = []

    async def node(payload: dict[str, Any]) -> None:
        this = nodes[payload["id"]]
        if halts:
            return
        if isinstance(this, Procedure):
            await _children(driver, this)
            return
        try:
            await _step(driver, this, halts)
        except Halt as halt:
            halts.append(halt)

    driver.engine.register("node", node)
    for procedure in procedures:
        await driver.engine.run([_call(driver, procedure)])
    return halts


def _learn(node: Procedure | Step, nodes: dict[str, Procedure | Step]) -> None:
    nodes[node.id] = node
    if isinstance(node, Procedure):
        for child in node.children:
            _learn(child, nodes)


def _call(driver: Driver, node: Procedure | Step) -> Call:
    return Call("node", f"{driver.plan.id}/{node.id}", {"id": node.id})


async def _children(driver: Driver, procedure: Procedure) -> None:
    calls = [_call(driver, child) for child in procedure.children]
    if procedure.mode is Mode.PARALLEL:
        await driver.engine.run(calls, limit=procedure.limit)
        return
    for call in calls:
        await driver.engine.run([call])


async def _step(driver: Driver, step: Step, halts: list[Halt]) -> None:
    for action in step.actions:
        if halts:
            return  # a sibling stopped the walk; what runs ends, nothing new begins
        if driver.sync().of(action.id).state is ActionState.DONE:
            continue
        driver.pause_point()
        await _action(driver, action)


async def _action(driver: Driver, action: Action) -> None:
    try:
        await driver.settle(action)
    except StateError:
        raise
    except EscalatorError as error:
        raise Halt(f"{action.id}: {error.text}", failed=True) from error
    if driver.view.of(action.id).state is ActionState.DONE:
        return
    for left in reversed(range(driver.plan.policy.retries + 1)):
        try:
            await driver.attempt(action, Verb.DO)
        except StateError:
            raise  # nothing can be journalled any more: stop where we are
        except EscalatorError as error:
            if left == 0:
                raise Halt(f"{action.id}: {error.text} [{error.code}]", failed=True) from error
            driver.write(Kind.NOTE, action.id, text=f"tried again, {left} left")
            await _clear(driver, action)
            if driver.view.of(action.id).state is ActionState.DONE:
                return
        else:
            return


async def _clear(driver: Driver, action: Action) -> None:
    """Settle a failed attempt before the next one: take it back, or find that it was done after all."""
    try:
        await driver.settle(action)
    except StateError:
        raise
    except EscalatorError as error:
        raise Halt(
            f"{action.id}: failed, and could not be settled: {error.text} [{error.code}]", failed=True
        ) from error
