"""A run's driver, put together: plan, journal, engine, site, meter, guard."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import yaml

from escalator.actions.registry import verbs_of
from escalator.actions.verbs import Context
from escalator.config.site import SiteFile
from escalator.engine.durable import DurableEngine
from escalator.errors import InputError
from escalator.execution import runs
from escalator.execution.aside import remaining
from escalator.execution.driver import Driver
from escalator.execution.lease import Lease, owner
from escalator.journal.events import Kind, Record
from escalator.journal.fold import View
from escalator.journal.group import GroupJournal
from escalator.metering.config import meter_config
from escalator.metering.process import is_alive, start_meter, stop_meter
from escalator.metering.summary import failed_requests
from escalator.model.plan import Action
from escalator.model.states import State
from escalator.service.learning import learn_behind
from escalator.service.place import Place, connected
from escalator.service.words import person
from escalator.sites.fence import Fence
from escalator.sites.protocol import Site

WATCH_S = 0.5  # how soon a request to suspend, made by another process, is heard of
EXECUTOR = "escalator"  # a run's SQLite file has one user at a time: the state folder's lock sees to it
ENGINE_VERSION = "1"  # changes only where the workflows of an older Escalator can't be gone on with
OVER = (State.CAMPAIGN_COMMITTED, State.ROLLBACK_COMPLETED, State.ROLLBACK_COMMITTED)
KEPT_DAYS = 30.0  # so long hosts keep what commands of runs wrote
CLOCK_JUMP_S = 60.0  # what time synchronisation may correct in one go
Listen = Callable[[Record], None]


@asynccontextmanager
async def driver_of(place: Place, run: runs.Run, listen: Listen, least: int) -> AsyncIterator[Driver]:
    """The run's driver under the meter's eyes; Ctrl-C suspends, twice leaves at once."""
    config = place.site()
    run.records()  # proves the journal whole
    async with (
        _journal(place, run, listen, least) as (journal, lease),
        connected(place, Fence(lease.epoch, f"run/{run.folder.name}")) as site,
    ):

        def context_of(action: Action, attempt: int) -> Context:
            return Context(
                site=site, state_dir=place.state, run_dir=run.folder, run=run.folder.name, attempt=attempt,
                output=run.output(action.id), progress=lambda text: driver.progress(action.id, text),
                aside=frozenset(remaining(run.plan, driver.view)), sleep=asyncio.sleep, now=time.monotonic,
                facts=lambda name: driver.view.of(name).facts,
            )  # fmt: skip

        guard = _guard(run, failed_requests(run.meter))
        engine = DurableEngine(
            f"sqlite:///{run.folder / 'engine.sqlite'}", executor_id=EXECUTOR, application_version=ENGINE_VERSION,
            clock=steady_clock(),
        )  # fmt: skip
        driver = Driver(run.plan, journal, engine, verbs_of, context_of, guard, lease.confirm)
        if run.plan.changes:  # a restore's outage is no news, and the meter's own resources would be among its losses
            start_meter(meter_config(config, run.meter), run.meter)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, _interrupted(driver))
        try:
            yield driver
            await asyncio.to_thread(learn_behind, place, driver.view, listen)
            if driver.view.state in OVER:
                await _tidy(site)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            await engine.close()
            await asyncio.to_thread(stop_meter, run.meter)


async def _tidy(site: Site) -> None:
    """Let the hosts forget old runs; one that does not answer forgets behind a later run."""
    await asyncio.gather(
        *(site.orders.forget(host, kept_days=KEPT_DAYS) for host in site.config.hosts), return_exceptions=True
    )


@asynccontextmanager
async def _journal(
    place: Place, run: runs.Run, listen: Listen, least: int
) -> AsyncIterator[tuple[runs.LoggedJournal, Lease]]:
    """The run's journal, ours to write from now on: what others append is carried in, and a beat shows that we live."""
    store = run.store()
    epoch = store.take(owner(), least=least)
    inner = GroupJournal(store, epoch=epoch)
    journal = runs.LoggedJournal(inner, run.folder / "log.jsonl", _secrets(place.site()), listen)
    lease = Lease(store, epoch)
    await journal.append(Record(Kind.TAKEN, "", {"epoch": epoch, "owner": owner(), "who": person()}))
    beside = [asyncio.create_task(inner.watch(WATCH_S)), asyncio.create_task(lease.keep())]
    try:
        yield journal, lease
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await inner.close()


def steady_clock() -> Callable[[], float]:
    """Seconds since the epoch that only go forwards, however this machine's clock is set meanwhile."""
    wall, steady = time.time(), time.monotonic()
    return lambda: wall + time.monotonic() - steady


def _interrupted(driver: Driver) -> Callable[[], None]:
    """What Ctrl-C does: ask to suspend; the second time leave and say what is in doubt."""
    asked = False
    asking: list[asyncio.Future[None]] = []  # held until it is done

    def act() -> None:
        nonlocal asked
        if asked:
            doubt = ", ".join(driver.view.in_doubt) or "nothing"
            print(f"\nescalator: left at once; in doubt: {doubt}; 'escalator resume' looks first", file=sys.stderr)  # noqa: T201
            os._exit(130)
        asked = True
        asking.append(asyncio.ensure_future(driver.write(Kind.ASKED, what="suspend", why="Ctrl-C")))
        print("\nescalator: suspending behind what is under way; Ctrl-C again leaves at once", file=sys.stderr)  # noqa: T201

    return act


def _guard(run: runs.Run, before: int) -> Callable[[View], str]:
    """Budgets: more failed requests than the campaign may cost. Also a clock that was set, a meter that ended."""
    allowed = run.plan.budgets.get("failed_requests", 0)
    now = steady_clock()
    apart = time.time() - now()

    def guard(_: View) -> str:
        jump = time.time() - now() - apart
        if abs(jump) > CLOCK_JUMP_S:
            return f"this machine's clock was set by {jump:+.0f} s; set it right, then 'escalator resume'"
        if run.plan.changes and not is_alive(run.meter):
            return "the meter has ended: what users notice is not measured any more"
        failed = failed_requests(run.meter) - before
        if run.plan.smooth and failed > allowed:
            return f"{failed} requests failed, {allowed:g} are allowed"
        return ""

    return guard


def _secrets(config: SiteFile) -> tuple[str, ...]:
    """Passwords that the site's clouds.yaml holds."""
    path = config.path(config.cloud.clouds_yaml)
    try:
        clouds = yaml.safe_load(path.read_text(encoding="utf-8"))["clouds"]
        return tuple({str(c["auth"]["password"]) for c in clouds.values() if "password" in c.get("auth", {})})
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"{path} can't be read: {error}", hint="see cloud: in site.yaml") from error
