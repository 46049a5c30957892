"""Execute, commit, roll back, restore, take over: what drives a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from escalator.config.campaign import load_campaign
from escalator.errors import LockedError, RefusedError
from escalator.execution import commit as committing
from escalator.execution import rollback, runs
from escalator.execution.executor import execute as carry_out
from escalator.execution.lease import driving, is_silent, seize
from escalator.execution.restore import Restored
from escalator.execution.restore import restore as bring_back
from escalator.journal.events import Kind, Record
from escalator.model.states import State
from escalator.service.design import design, insist
from escalator.service.driving import OVER, Listen, driver_of
from escalator.service.place import Place, connected, prepare_state
from escalator.service.words import append, person

METER_AHEAD_S = 5.0  # measured before the first action, so that a run has something to be compared with


async def execute(place: Place, campaign_path: Path, listen: Listen, folder: str = "") -> runs.Run | None:
    """Carry a campaign out, hop by hop; None where nothing was left to do. Goes on with an interrupted run.

    ``folder``: where the campaign's file stood, where ``campaign_path`` is a run's copy of it.
    """
    campaign, text = load_campaign(campaign_path, folder), campaign_path.read_text(encoding="utf-8")  # noqa: ASYNC240
    prepare_state(place.state)
    last: runs.Run | None = None
    with driving(place.state) as epoch:
        while True:
            run = _unfinished(place.state)
            if run is None:
                plan = await design(place, campaign)
                insist(plan)
                if plan.empty:
                    return last
                run = runs.create(place.state, plan, text)
            last = run
            state = await _drive(place, run, listen, epoch)
            if state is not State.CAMPAIGN_COMMITTED or run.plan.hop[1] == (run.plan.chain or run.plan.hop)[-1]:
                return run


def _unfinished(state: Path) -> runs.Run | None:
    """The current run where it is not over, or None."""
    if not (state / "current").exists():
        return None
    run = runs.load(state)
    return None if run.view().state in OVER else run


async def _drive(place: Place, run: runs.Run, listen: Listen, epoch: int) -> State:
    """Execute; on a failure roll back where the policy says so; commit where it says automatic."""
    if run.view().state is State.EXECUTION_COMPLETED and run.plan.policy.commit != "automatic":
        raise RefusedError(
            f"run {run.folder.name} is done and waits for a decision",
            hint="'escalator commit' makes it final, 'escalator rollback' takes it back",
        )
    async with driver_of(place, run, listen, epoch) as driver:
        await asyncio.sleep(METER_AHEAD_S)
        state = driver.view.state
        if state is not State.EXECUTION_COMPLETED:
            state = await carry_out(driver, run.folder.name)
        if state is State.SUSPENDED_BY_ERROR_DETECTED and run.plan.policy.on_failure == "rollback":
            await driver.write(Kind.NOTE, text="rolling back, as the policy says")
            return await rollback.roll_back(driver)
        if state is State.EXECUTION_COMPLETED and run.plan.policy.commit == "automatic":
            state, _ = await committing.commit(driver, run.folder.name)
        return state


async def commit(place: Place, listen: Listen) -> State:
    """Data migrations and contraction of the current run. RefusedError with what stopped it."""
    with driving(place.state) as epoch:
        run = runs.load(place.state)
        async with driver_of(place, run, listen, epoch) as driver:
            state, halts = await committing.commit(driver, run.folder.name)
        if halts:
            raise RefusedError(f"the commit stopped: {halts[0].why}", hint="mend that, then 'escalator commit' again")
        return state


async def roll_back(place: Place, listen: Listen) -> State:
    """Take the current run back."""
    with driving(place.state) as epoch:
        run = runs.load(place.state)
        async with driver_of(place, run, listen, epoch) as driver:
            return await rollback.roll_back(driver)


async def restore(place: Place, backup: str, say: Callable[[str], None]) -> Restored:
    """Bring a backup's state back; what users did since is lost, and named."""
    prepare_state(place.state)
    with driving(place.state):
        async with connected(place) as site:
            return await bring_back(place.state, site, backup, say)


async def takeover(place: Place, why: str, listen: Listen) -> runs.Run:
    """Drive the current run from here on; LockedError where its driver still shows that it lives."""
    run = runs.load(place.state)
    store = run.store()
    try:
        if not await asyncio.to_thread(is_silent, store):
            raise LockedError(
                f"{store.holder()[1]} drives run {run.folder.name} and lives", hint="escalator suspend, then resume"
            )
    finally:
        store.close()
    append(run, Record(Kind.NOTE, "", {"text": f"taken over: {why}", "who": person()}, at=time.time()))
    seize(place.state)
    with driving(place.state) as epoch:
        if _unfinished(place.state) is None:
            raise RefusedError(f"run {run.folder.name} is over")
        await _drive(place, run, listen, epoch)
    return run
