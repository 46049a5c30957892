"""Execute, commit, roll back, restore, take over: what drives a run."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from escalator.config.campaign import load_campaign
from escalator.errors import LockedError, RefusedError
from escalator.execution import commit as committing
from escalator.execution import rollback, runs
from escalator.execution.consequences import goes_back, rolls_back
from escalator.execution.executor import execute as carry_out
from escalator.execution.lease import driving, is_silent, seize
from escalator.journal.events import Kind, Record
from escalator.model.states import State
from escalator.plan.learned import learned
from escalator.plan.restore import RECONCILE, make_restore_plan
from escalator.service.design import design, insist
from escalator.service.driving import OVER, Listen, driver_of
from escalator.service.place import Place, prepare_state
from escalator.service.words import append, person
from escalator.sites.backups import Backups

METER_AHEAD_S = 5.0  # measured before the first action, so that a run has something to be compared with


async def resume(place: Place, listen: Listen) -> runs.Run:
    """Go on with the current run, and with the campaign that it was made from; RefusedError where it is over."""
    run = runs.load(place.state)
    if _unfinished(place.state) is None:
        raise RefusedError(f"run {run.folder.name} is over: {run.view().state}")
    campaign = run.folder / "campaign.yaml"
    if run.plan.changes:
        return await execute(place, campaign, listen, run.plan.folder) or run
    with driving(place.state) as epoch:  # a restore
        await _drive(place, run, listen, epoch)
    return run


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
    """Execute; behind a failure or a deadline roll back where the policy says so; commit where it says automatic."""
    if run.view().state is State.EXECUTION_COMPLETED and run.plan.policy.commit != "automatic":
        raise RefusedError(
            f"run {run.folder.name} is done and waits for a decision",
            hint="'escalator commit' makes it final, 'escalator rollback' takes it back",
        )
    async with driver_of(place, run, listen, epoch) as driver:
        if run.plan.changes:
            await asyncio.sleep(METER_AHEAD_S)
        if goes_back(driver.view):
            return await rollback.roll_back(driver)
        state = driver.view.state
        if state is not State.EXECUTION_COMPLETED:
            state = await carry_out(driver, run.folder.name)
        if why := rolls_back(run.plan, driver.view):
            await driver.write(Kind.NOTE, text=why)
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


async def restore(place: Place, backup: str, listen: Listen) -> tuple[runs.Run, dict[str, Any]]:
    """Bring a backup's state back: a run of its own, with what came of it.

    What users did since the backup is lost, and named: ``lost`` (kind -> ids); empty where the run did not end.
    """
    prepare_state(place.state)
    with driving(place.state) as epoch:
        found = Backups(place.state, None).get(backup)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        made = make_restore_plan(place.site().name, found, now=now)
        made = replace(made, procedures=learned(made.procedures, place.catalogue()))
        run = runs.create(place.state, made, "")
        await _drive(place, run, listen, epoch)
        return run, run.view().of(RECONCILE).facts


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
