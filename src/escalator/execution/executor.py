"""Execute: walk a plan's procedures forwards, in sequence and in parallel.

The walk is an interpreter of plan data over the engine's port: one workflow for the whole, one for each step and for
each branch of a parallel procedure. An engine that survives a crash runs the same calls, with the same ids, again: so a
walk always issues its calls in the plan's order, and never decides by what is done already. That the journal knows, and
each step asks it.
"""

from __future__ import annotations

from typing import Any

from escalator.engine.port import Call
from escalator.errors import EscalatorError, StateError
from escalator.execution import aside, gates
from escalator.execution.deadlines import DEADLINE, overdue
from escalator.execution.driver import Driver, Halt
from escalator.journal.events import Kind, Verb
from escalator.journal.fold import ActionState, Halted
from escalator.model.plan import Action, Mode, Procedure, Step
from escalator.model.states import Event, State

_STOPPING = frozenset({State.SUSPENDING_EXECUTION, State.ERROR_DETECTED, State.ERROR_DETECTED_IN_SUSPENDING})
Part = str  # "execute" or "commit": which of the plan's two walks


async def execute(driver: Driver, engine_id: str = "") -> State:
    """Carry the plan out, or go on with it; returns the state it ended in.

    A failure that retries do not mend suspends (SUSPENDED_BY_ERROR_DETECTED); rolling back by policy is the caller's
    next call. ``engine_id`` tells this run from others of the same plan in the engine's store.
    """
    await driver.enter(Event.EXECUTE, State.EXECUTING, _STOPPING)
    halts = await walk(driver, "execute", engine_id or driver.plan.id)
    failures = [h for h in halts if h.failed]
    if failures:
        await driver.moved(Event.ERROR, why="; ".join(h.why for h in failures))
        await driver.moved(Event.QUIET)
    elif halts:
        await driver.moved(Event.SUSPEND, why=halts[0].why)
        await driver.moved(Event.QUIET)
    else:
        await driver.moved(Event.ALL_DONE)
    return driver.view.state


class Walker:
    """The workflows of one driver; registered before its engine is launched."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._nodes: dict[str, Procedure | Step] = {}
        for procedure in (*driver.plan.procedures, *driver.plan.commit):
            self._learn(procedure)
        driver.engine.register("campaign", self.campaign)
        driver.engine.register("node", self.node)

    async def campaign(self, payload: dict[str, Any]) -> None:
        """Carry out all procedures of one part of the plan, in sequence."""
        plan = self._driver.plan
        for procedure in plan.procedures if payload["part"] == "execute" else plan.commit:
            await self._procedure(procedure, payload)

    async def node(self, payload: dict[str, Any]) -> None:
        """Carry out a step, or a branch of a parallel procedure."""
        node = self._nodes[payload["node"]]
        if isinstance(node, Procedure):
            await self._procedure(node, payload)
        elif not self._over(payload):
            await _step(self._driver, node)

    def _over(self, payload: dict[str, Any]) -> bool:
        """A sibling stopped the walk, or a crash left this call behind: what runs ends, nothing new begins."""
        view = self._driver.view
        return bool(view.halts) or payload["leg"] != view.leg

    async def _procedure(self, procedure: Procedure, payload: dict[str, Any]) -> None:
        engine = self._driver.engine
        if procedure.mode is Mode.PARALLEL:
            await engine.run([_call(child, payload) for child in procedure.children], limit=procedure.limit)
            return
        for child in procedure.children:
            if self._over(payload):
                return
            if isinstance(child, Procedure):
                await self._procedure(child, payload)
            else:
                await engine.run([_call(child, payload)])

    def _learn(self, node: Procedure | Step) -> None:
        self._nodes[node.id] = node
        if isinstance(node, Procedure):
            for child in node.children:
                self._learn(child)


def _call(node: Procedure | Step, payload: dict[str, Any]) -> Call:
    """A child's call; its id is the same again after a crash, and another one in each leg. Steps are the leaves."""
    run, leg = payload["run"], payload["leg"]
    gates = node.gates if isinstance(node, Step) else ()
    return Call("node", f"{run}/{leg}/{node.id}", {"node": node.id, "run": run, "leg": leg}, gates=gates)


async def walk(driver: Driver, part: Part, run: str) -> tuple[Halted, ...]:
    """Carry one part of the plan out; returns why the walk ended early (nothing when all is done)."""
    if not driver.launched:
        Walker(driver)
        driver.launched = True
        await driver.engine.launch()  # not before: what it finds unfinished goes on at once, unless its leg is over
    leg = driver.view.leg
    await driver.engine.run([Call("campaign", f"{run}/{leg}", {"part": part, "run": run, "leg": leg})])
    return driver.view.halts


async def _step(driver: Driver, step: Step) -> None:
    if aside.is_aside(driver.plan, driver.view, step):
        return
    try:
        await gates.insist(driver, step)
        _insist_on_time(driver, step)
        await _actions(driver, step)
    except Halt as halt:
        await driver.write(Kind.HALTED, step.id, why=halt.why, failed=halt.failed, cause=halt.cause)


def _insist_on_time(driver: Driver, step: Step) -> None:
    """Raise Halt where the campaign's time is over and the step has not begun."""
    late = overdue(driver.plan, driver.view, driver.engine.now())
    if late and not gates.has_begun(step, driver.view):
        raise Halt(late, failed=False, cause=DEADLINE)


async def _actions(driver: Driver, step: Step) -> None:
    for action in step.actions:
        if driver.view.halts:
            return
        if driver.view.of(action.id).state is ActionState.DONE:
            continue
        driver.pause_point()  # what it raises is the campaign's business, not the step's
        try:
            await _action(driver, action)
        except Halt as halt:
            await aside.set_aside(driver, step, halt)
            return


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
            raise
        except EscalatorError as error:
            if left == 0:
                raise Halt(f"{action.id}: {error.text} [{error.code}]", failed=True) from error
            await driver.write(Kind.NOTE, action.id, text=f"tried again, {left} left")
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
