"""One life of Escalator: the real driver, journal, engine, lease and verbs, put together as its service does."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chaos.adapters import SandboxBalancer, SandboxCloud, SandboxOperator, SandboxShell
from chaos.campaigns import SITE
from chaos.points import KillableJournal, Points, at_action
from escalator.actions.registry import verbs_of
from escalator.actions.verbs import Context
from escalator.engine.durable import DurableEngine
from escalator.errors import EscalatorError
from escalator.execution import commit, rollback, runs
from escalator.execution.aside import remaining
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.lease import Lease, driving, owner
from escalator.journal.events import Kind, Record
from escalator.journal.group import GroupJournal
from escalator.journal.store import Store
from escalator.model.plan import Action
from escalator.model.states import State
from escalator.plan.restore import make_restore_plan
from escalator.service.driving import ENGINE_VERSION, EXECUTOR, steady_clock
from escalator.sites.backups import Backups
from escalator.sites.fence import Fence
from escalator.sites.orders import HostOrders
from escalator.sites.protocol import Site

HURRY = 50.0  # waits of actions are shorter by so much; the sandbox is that much smaller than a cloud
POLL_S = 0.05  # so soon the engine takes up what a life before left
BUG = 99  # exit status of a life that ended by something else than an error of ours


@dataclass(frozen=True)
class Life:
    """What a life is to do. ``database``: URL of PostgreSQL, or "" for the run's own SQLite files."""

    top: Path
    verb: str  # nothing | execute | rollback | commit | restore
    database: str = ""
    names: frozenset[str] = frozenset()
    at: int = 0
    seen: bool = False
    commits: bool = False
    freeze: str = ""  # a point at which it stops until it is continued
    write_of: str = ""  # that a record of this action is written and not committed is a point
    clock_at: int = 0  # at this point the clock is set ...
    clock_by: float = 0.0  # ... by so many seconds

    def store(self, run: runs.Run) -> Store:
        return Store(self.database, run.folder.name) if self.database else run.store()

    def engine_url(self, run: runs.Run) -> str:
        return self.database or f"sqlite:///{run.folder / 'engine.sqlite'}"


def live(life: Life) -> int:
    """Live until the verb has ended; the exit status of our errors else. Called in a process made for it."""
    points = Points(
        names=life.names, at=life.at, seen=life.top / "seen" if life.seen else None, killed=life.top / "killed",
        freeze=life.freeze,
    )  # fmt: skip
    if life.write_of:
        points.watch_write(life.write_of)
    points.watch_files("/backups/", "/keys/")
    if life.commits:
        points.watch_commits()
    try:
        state = asyncio.run(_drive(life, points))
    except EscalatorError as error:
        _say(life, f"{error.code} {error.text} ({error.hint})")
        return error.exit_status
    except BaseException:  # noqa: BLE001 - told to who waits for us
        _say(life, traceback.format_exc())
        return BUG
    _say(life, state.value)
    return 0


def _say(life: Life, text: str) -> None:
    with (life.top / "answers").open("a") as file:
        file.write(f"{os.getpid()}\t{text}\0")


async def _drive(life: Life, points: Points) -> State:
    state_dir = life.top / "state"
    with driving(state_dir) as epoch:
        run = _run(life, state_dir)
        store = life.store(run)
        taken = store.take(owner(), least=epoch)
        clock = _clock(life, points)
        inner = GroupJournal(store, epoch=taken, clock=clock)
        kept = runs.LoggedJournal(inner, run.folder / "log.jsonl", (), lambda _: None)
        journal = KillableJournal(kept, points)
        lease = Lease(store, taken)
        await journal.append(Record(Kind.TAKEN, "", {"epoch": taken, "owner": owner()}))
        site = _site(life.top, points, Fence(taken, f"run/{run.folder.name}"))
        engine = DurableEngine(
            life.engine_url(run), executor_id=EXECUTOR, application_version=ENGINE_VERSION, clock=clock,
            poll_s=POLL_S,
        )  # fmt: skip

        def context_of(action: Action, attempt: int) -> Context:
            at_action(action.id)
            return Context(
                site=site, state_dir=state_dir, run_dir=run.folder, run=run.folder.name, attempt=attempt,
                output=run.output(action.id), progress=lambda text: driver.progress(action.id, text),
                aside=frozenset(remaining(run.plan, driver.view)), sleep=_hurried, now=time.monotonic,
                facts=lambda name: driver.view.of(name).facts,
            )  # fmt: skip

        driver = Driver(run.plan, journal, engine, verbs_of, context_of, confirm=lease.confirm)
        beside = [asyncio.create_task(inner.watch(0.5)), asyncio.create_task(lease.keep())]
        try:
            return await _carry_out(life.verb, driver, run.folder.name)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await engine.close()
            await inner.close()


def _run(life: Life, state_dir: Path) -> runs.Run:
    run = runs.load(state_dir)
    if life.verb != "restore" or run.plan.campaign.startswith("restore"):
        return run
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return runs.create(state_dir, make_restore_plan(SITE.name, Backups(state_dir, None).get("latest"), now=now), "")


async def _carry_out(verb: str, driver: Driver, run: str) -> State:
    """One of the operator's verbs, or go on with it: what is over already stays so."""
    state = driver.view.state
    if verb == "nothing":
        await driver.engine.launch()  # its tables are there from now on
        return state
    if verb == "rollback":
        return state if state is State.ROLLBACK_COMPLETED else await rollback.roll_back(driver)
    if verb == "commit":
        return state if state is State.CAMPAIGN_COMMITTED else (await commit.commit(driver, run))[0]
    return state if state is State.EXECUTION_COMPLETED else await execute(driver, run)


def _site(top: Path, points: Points, fence: Fence) -> Site:
    shell = SandboxShell(top, points, fence)
    return Site(
        name=SITE.name, shell=shell, orders=HostOrders(shell), balancer=SandboxBalancer(top, points),
        cloud=SandboxCloud(top, points), operator=SandboxOperator(points), config=SITE,
    )  # fmt: skip


async def _hurried(seconds: float) -> None:
    await asyncio.sleep(seconds / HURRY)


def _clock(life: Life, points: Points) -> Callable[[], float]:
    """The service's own clock, or one that is set while the life goes on."""
    if not life.clock_at:
        return steady_clock()
    return lambda: time.time() + (life.clock_by if points.count >= life.clock_at else 0.0)


def born(life: Life) -> int:
    """A process for a life, forked from one that has imported everything and runs no thread; returns its pid."""
    child = os.fork()
    if child:
        return child
    status = BUG
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        errors = os.open(life.top / "stderr", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        os.setsid()
        status = live(life)
    finally:
        sys.stderr.flush()
        os._exit(status)
