"""The operator's verbs. The command line calls these; an API will call the same."""

from __future__ import annotations

import asyncio
import getpass
import os
import platform
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from escalator.actions.registry import verbs_of
from escalator.actions.verbs import Context
from escalator.catalogue.components import Catalogue, load_catalogue
from escalator.catalogue.releases import load_releases
from escalator.catalogue.risks import accepted, hop_risks
from escalator.checks import check as check_plan
from escalator.config.campaign import CampaignFile, load_campaign
from escalator.config.site import SiteFile, load_site
from escalator.engine.memory import MemoryEngine
from escalator.errors import InputError, LockedError, NotFoundError, PlanRefusedError, RefusedError, StorageError
from escalator.execution import commit as committing
from escalator.execution import rollback, runs
from escalator.execution.driver import Driver
from escalator.execution.executor import execute as carry_out
from escalator.execution.lease import Lease, driving, is_silent, owner, seize
from escalator.execution.restore import Restored
from escalator.execution.restore import restore as bring_back
from escalator.execution.status import Status, status_of
from escalator.inventory.collect import collect
from escalator.journal.events import Kind, Record
from escalator.journal.fold import ActionState, View
from escalator.journal.group import GroupJournal
from escalator.metering.config import meter_config
from escalator.metering.process import is_alive, start_meter, stop_meter
from escalator.metering.summary import failed_requests, summarise, totals
from escalator.model.findings import refused
from escalator.model.gates import GateKind
from escalator.model.inventory import Inventory
from escalator.model.plan import Action, Plan
from escalator.model.states import COUNTING, FINAL, State
from escalator.plan.planner import make_plan
from escalator.redaction import redact
from escalator.report.build import build
from escalator.report.tests import results_of
from escalator.report.versions import versions_now, versions_then
from escalator.sites.connect import connect
from escalator.sites.protocol import Site

LEAST_FREE = 200 * 1024 * 1024  # bytes: journal, outputs, one backup of a small site
WATCH_S = 0.5  # how soon a request to suspend, made by another process, is heard of
CLOCK_JUMP_S = 60.0  # what time synchronisation may correct in one go
METER_AHEAD_S = 5.0  # measured before the first action, so that a run has something to be compared with
Listen = Callable[[Record], None]


@dataclass(frozen=True)
class Place:
    """Where the operator works: one site.yaml and one state folder."""

    site_path: Path
    state: Path

    def site(self) -> SiteFile:
        """The site's file, read and checked."""
        return load_site(self.site_path)

    def catalogue(self) -> Catalogue:
        """The catalogue, with the operator's own files from ``catalogue/`` in the state folder."""
        return load_catalogue(self.state / "catalogue")


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Site]:
    """The site with its adapters; connections are ended behind."""
    site = connect(place.site())
    try:
        yield site
    finally:
        await site.close()


async def take_inventory(place: Place) -> Inventory:
    """What is there now."""
    async with connected(place) as site:
        return await collect(site, place.catalogue())


async def design(place: Place, campaign: CampaignFile) -> Plan:
    """The plan of the next hop."""
    inventory = await take_inventory(place)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = make_plan(campaign, place.site(), inventory, place.catalogue(), load_releases(), now=now)
    risks = () if made.empty else await asyncio.to_thread(hop_risks, made, inventory, place.state)
    risks = accepted(risks, campaign.accept_risks)
    return replace(made, findings=(*made.findings, *risks, *check_plan(made, inventory, place.catalogue())))


def insist(plan: Plan) -> None:
    """Raise PlanRefusedError where a finding stops the plan."""
    stops = refused(plan.findings)
    if stops:
        raise PlanRefusedError(f"the plan is refused: {len(stops)} finding{'s' * (len(stops) != 1)}", findings=stops)


def prepare_state(state: Path) -> None:
    """Make the state folder (mode 0700), and prove that it can be written and has room; StorageError else."""
    hint = "nothing was changed; free space or give another folder with --state"
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = state / f".write-test-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = os.statvfs(state)
    except OSError as error:
        raise StorageError(f"the state folder {state} can't be written: {error.strerror or error}", hint=hint) from None
    room = free.f_bavail * free.f_frsize
    if room < LEAST_FREE:
        raise StorageError(f"the state folder {state} has {room >> 20} MiB free, needs {LEAST_FREE >> 20}", hint=hint)


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
    over = (State.CAMPAIGN_COMMITTED, State.ROLLBACK_COMPLETED, State.ROLLBACK_COMMITTED)
    return None if run.view().state in over else run


async def _drive(place: Place, run: runs.Run, listen: Listen, epoch: int) -> State:
    """Execute; on a failure roll back where the policy says so; commit where it says automatic."""
    if run.view().state is State.EXECUTION_COMPLETED and run.plan.policy.commit != "automatic":
        raise RefusedError(
            f"run {run.folder.name} is done and waits for a decision",
            hint="'escalator commit' makes it final, 'escalator rollback' takes it back",
        )
    async with _driver(place, run, listen, epoch) as driver:
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
        async with _driver(place, run, listen, epoch) as driver:
            state, halts = await committing.commit(driver, run.folder.name)
        if halts:
            raise RefusedError(f"the commit stopped: {halts[0].why}", hint="mend that, then 'escalator commit' again")
        return state


async def roll_back(place: Place, listen: Listen) -> State:
    """Take the current run back."""
    with driving(place.state) as epoch:
        run = runs.load(place.state)
        async with _driver(place, run, listen, epoch) as driver:
            return await rollback.roll_back(driver)


async def restore(place: Place, backup: str, say: Callable[[str], None]) -> Restored:
    """Bring a backup's state back; what users did since is lost, and named."""
    prepare_state(place.state)
    with driving(place.state):
        async with connected(place) as site:
            return await bring_back(place.state, site, backup, say)


def suspend(place: Place, why: str) -> None:
    """Ask the current run to stop behind the actions under way."""
    run = runs.load(place.state)
    if run.view().state not in COUNTING | {State.ROLLING_BACK}:
        raise RefusedError(f"run {run.folder.name} does not run: it is {run.view().state}")
    _append(run, Record(Kind.ASKED, "", {"what": "suspend", "why": why}, at=time.time()))


def resolve(place: Place, action: str, outcome: str, why: str) -> None:
    """A person's word on how an action in doubt stands: ``done`` or ``not-done``; RefusedError where none is asked."""
    with driving(place.state):
        run = runs.load(place.state)
        view = run.view()
        known = {a.id for s in (*run.plan.steps(), *run.plan.commit_steps()) for a in s.actions}
        if action not in known:
            raise NotFoundError(f"run {run.folder.name} has no action '{action}'", hint=f"in doubt: {_doubts(view)}")
        if view.of(action).state is ActionState.PENDING:
            raise RefusedError(f"'{action}' was never begun: there is nothing to resolve", hint=_doubts(view))
        said = {"as": outcome, "why": why, "who": person()}
        _append(run, Record(Kind.RESOLVED, action, said, at=time.time()))


def _doubts(view: View) -> str:
    return ", ".join(view.in_doubt) or "nothing"


def _append(run: runs.Run, record: Record) -> None:
    """Append what a person says, beside whoever drives."""
    store = run.store()
    try:
        store.write([record])
    finally:
        store.close()


def person() -> str:
    """Who is at the keyboard, as the machine knows it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


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
    _append(run, Record(Kind.NOTE, "", {"text": f"taken over: {why}", "who": person()}, at=time.time()))
    seize(place.state)
    with driving(place.state) as epoch:
        if _unfinished(place.state) is None:
            raise RefusedError(f"run {run.folder.name} is over")
        await _drive(place, run, listen, epoch)
    return run


def approve(place: Place, gate: str, why: str) -> str:
    """Give the word that a gate of the current run waits for; returns who gave it, as the journal keeps it.

    NotFoundError where the plan has no such approval, RefusedError where it was given, or the run is over, InputError
    without a reason.
    """
    if not why.strip():
        raise InputError("an approval needs a reason", hint="--why 'the customers are told'")
    run = runs.load(place.state)
    gates = [g.id for g in run.plan.gates if g.kind is GateKind.APPROVAL]
    if gate not in gates:
        raise NotFoundError(
            f"run {run.folder.name} waits for no approval '{gate}'", hint=f"approvals: {', '.join(gates) or 'none'}"
        )
    view = run.view()
    if view.state in FINAL or view.state is State.ROLLBACK_COMPLETED:
        raise RefusedError(f"run {run.folder.name} is over: {view.state}")
    if gate in view.approved:
        raise RefusedError(f"'{gate}' was approved already, by {view.approved[gate]}")
    said = {"what": "approve", "gate": gate, "why": redact(why), "who": person()}
    _append(run, Record(Kind.ASKED, "", said, at=time.time()))
    return str(said["who"])


def status(place: Place, name: str = "") -> Status:
    """How a run stands."""
    run = runs.load(place.state, name)
    return status_of(run.folder.name, run.plan, run.view(), totals(run.meter), time.time())


@asynccontextmanager
async def _driver(place: Place, run: runs.Run, listen: Listen, least: int) -> AsyncIterator[Driver]:
    """The run's driver under the meter's eyes; Ctrl-C suspends, twice leaves at once."""
    config = place.site()
    run.records()  # proves the journal whole
    async with connected(place) as site, _journal(place, run, listen, least) as (journal, lease):

        def context_of(action: Action, attempt: int) -> Context:
            return Context(
                site=site, state_dir=place.state, run_dir=run.folder, run=run.folder.name, attempt=attempt,
                output=run.output(action.id), progress=lambda text: driver.progress(action.id, text),
                sleep=asyncio.sleep, now=time.monotonic, facts=lambda name: driver.view.of(name).facts,
            )  # fmt: skip

        guard = _guard(run, failed_requests(run.meter))
        driver = Driver(
            run.plan, journal, MemoryEngine(clock=steady_clock()), verbs_of, context_of, guard, lease.confirm
        )
        start_meter(meter_config(config, run.meter), run.meter)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, _interrupted(driver))
        try:
            yield driver
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            await asyncio.to_thread(stop_meter, run.meter)


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
    """Budgets: more failed requests, or more time, than the campaign may cost."""
    allowed = run.plan.budgets.get("failed_requests", 0)
    now = steady_clock()
    apart = time.time() - now()

    def guard(view: View) -> str:
        jump = time.time() - now() - apart
        if abs(jump) > CLOCK_JUMP_S:
            return f"this machine's clock was set by {jump:+.0f} s; set it right, then 'escalator resume'"
        if not is_alive(run.meter):
            return "the meter has ended: what users notice is not measured any more"
        failed = failed_requests(run.meter) - before
        if run.plan.smooth and failed > allowed:
            return f"{failed} requests failed, {allowed:g} are allowed"
        spent = view.executing_s + (now() - view.since if view.state in COUNTING else 0.0)
        if spent > run.plan.policy.max_duration_s:
            return f"{spent:.0f} s spent, {run.plan.policy.max_duration_s:g} are allowed"
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


async def report(place: Place, name: str = "") -> dict[str, Any]:
    """The report of a run; versions are read back from the running services: now, of an earlier run as it ended."""
    run = runs.load(place.state, name)
    view = run.view()
    titles = {a.id: (a.title, s.id) for s in (*run.plan.steps(), *run.plan.commit_steps()) for a in s.actions}
    events: list[dict[str, Any]] = []
    open_at: dict[str, dict[str, Any]] = {}
    records = run.records()
    for record in records:
        if record.kind is Kind.INTENT:
            title, step = titles.get(record.subject, (record.subject, ""))
            title = title if record.data["verb"] == "do" else f"undo: {title}"
            open_at[record.subject] = {
                "action": record.subject,
                "title": title,
                "start": record.at,
                "end": None,
                "result": "",
                "step": step,
            }
            events.append(open_at[record.subject])
        elif record.kind is Kind.OUTCOME and record.subject in open_at:
            open_at.pop(record.subject).update(end=record.at, result=str(record.data["result"]))
    current = run.folder.name == runs.load(place.state).folder.name
    versions = versions_now(run.plan, await take_inventory(place)) if current else versions_then(run.plan, view)
    summary = await asyncio.to_thread(summarise, run.meter, events)
    environment = {"python": platform.python_version(), "kernel": platform.release(), "cpus": str(os.cpu_count())}
    return build(
        run.plan, events, summary, versions, state=view.state.value, environment=environment,
        duration_s=round(view.executing_s, 1), tests=results_of(run.plan, records),
    )  # fmt: skip
