"""Commands that need a site: plan, check, execute and what steers a run, restore, report, backup."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated

import typer

from escalator import service
from escalator.cli.options import (
    CAMPAIGN,
    SITE,
    STATE,
    CampaignOption,
    ConstraintsOption,
    JsonOption,
    SiteOption,
    StateOption,
    place_of,
)
from escalator.cli.output import errors, finding_lines, say, show_json, write_json
from escalator.cli.study import plan_offline
from escalator.config.campaign import load_campaign
from escalator.errors import InputError, PlanRefusedError, StorageError
from escalator.execution.gates import next_hold
from escalator.execution.runs import Run
from escalator.execution.status import screen
from escalator.journal.events import Kind, Record
from escalator.model.findings import refused
from escalator.model.plan import Plan
from escalator.model.states import State
from escalator.plan.report import tree
from escalator.report.html import render
from escalator.serial import to_data
from escalator.sites.backups import Backups

FAILED_STATES = 4
backups = typer.Typer(help="Backups: what there is, and whether it can be restored.", no_args_is_help=True)
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (
        plan,
        check,
        execute,
        status,
        suspend,
        approve,
        extend,
        resume,
        rollback,
        commit,
        restore,
        report,
    ):
        app.command()(command)
    app.add_typer(backups, name="backup")


def listen(record: Record) -> None:
    """One line per act, on standard error."""
    if record.kind is Kind.INTENT and record.data["verb"] == "undo":
        errors.print(f"  undo   {record.data.get('title', record.subject)}", markup=False)
    elif record.kind is Kind.OUTCOME:
        took = f"{record.data.get('took_s', 0):6.1f} s" if "took_s" in record.data else "        "
        mark = {"ok": "done  ", "failed": "FAILED"}.get(record.data["result"], record.data["result"])
        errors.print(f"  {mark} {took}  {record.subject}  {record.data.get('text', '')[:200]}", markup=False)
    elif record.kind is Kind.NOTE and record.data.get("what") in ("predicted", "learned"):
        errors.print(f"  {record.data['text']}", markup=False)
    elif record.kind is Kind.MOVED:
        errors.print(f"{record.data['event']}  {record.data.get('why', '')}", markup=False)


def plan(  # noqa: PLR0917 - what the command line takes
    site: SiteOption = SITE,
    state: StateOption = STATE,
    campaign: CampaignOption = CAMPAIGN,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", help="Plan the campaign's hosts on an inventory file, without a site.")
    ] = None,
    constraints: ConstraintsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the plan (JSON) to a file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Work out how to get there, and show it as a tree. Exit status 3 where a rule refuses it."""
    if inventory is not None:
        plan_offline(inventory, campaign, constraints, out, as_json=as_json)
        return
    if constraints is not None:
        raise InputError("--constraints goes with --inventory", hint="escalator inventory export FILE")
    made = asyncio.run(service.design(place_of(site, state), load_campaign(campaign)))
    if out is not None:
        write_json(out, to_data(made))
    if as_json:
        show_json({**to_data(made), "id": made.id, "empty": made.empty})
    elif not refused(made.findings) or not (made.empty or _half_seen(made)):
        say(tree(made))
    _findings(made, as_json=as_json)


def _half_seen(made: Plan) -> bool:
    """Whether part of the site could not be read: a tree made from the rest would mislead."""
    return any(f.rule == "site.whole" for f in refused(made.findings))


def check(
    site: SiteOption = SITE,
    state: StateOption = STATE,
    campaign: CampaignOption = CAMPAIGN,
    as_json: JsonOption = False,
) -> None:
    """Check the site and the plan, and show what was found. Exit status 3 where a rule refuses it."""
    made = asyncio.run(service.design(place_of(site, state), load_campaign(campaign)))
    if as_json:
        show_json({"plan": made.id, "findings": to_data(list(made.findings))})
    else:
        say(f"plan {made.id}: {len(made.steps())} steps, {len(made.findings)} findings")
    _findings(made, as_json=as_json)


def _findings(made: Plan, *, as_json: bool) -> None:
    """Show what was found, unless the JSON holds it; exit status 3 where a rule refuses the plan."""
    for line in () if as_json else finding_lines(made.findings):
        say(line)
    if refused(made.findings):
        raise typer.Exit(PlanRefusedError.exit_status)


def execute(
    site: SiteOption = SITE,
    state: StateOption = STATE,
    campaign: CampaignOption = CAMPAIGN,
    as_json: JsonOption = False,
) -> None:
    """Carry the campaign out, or go on with it. Ctrl-C suspends, twice leaves at once; exit 4 where it stopped."""
    run = asyncio.run(service.execute(place_of(site, state), campaign, listen))
    if run is None:
        show_json({"state": None, "empty": True}) if as_json else say("Nothing is left to do.")
        return
    end_of(run, as_json=as_json)


def end_of(run: Run, *, as_json: bool) -> None:
    """Say how a run ended; exit status 4 where it did not end as wanted."""
    view = run.view()
    held = next_hold(run.plan, view, time.time())
    if as_json:
        said = {"run": run.folder.name, "state": view.state.value, "problems": list(view.problems), "held": held}
        show_json(said)
    else:
        say(f"run {run.folder.name}: {view.state}")
        for problem in view.problems:
            say(f"  {problem}")
        if held:
            say(f"  {held}")
        elif view.state is State.EXECUTION_COMPLETED:
            say("'escalator commit' makes it final, 'escalator rollback' takes it back")
    if view.state not in (State.EXECUTION_COMPLETED, State.CAMPAIGN_COMMITTED):
        raise typer.Exit(FAILED_STATES)


def status(
    site: SiteOption = SITE,
    state: StateOption = STATE,
    run: Annotated[str, typer.Option("--run")] = "",
    as_json: JsonOption = False,
) -> None:
    """Show how a run stands."""
    found = service.status(service.Place(site, state), run)
    show_json(to_data(found)) if as_json else say(screen(found))


def suspend(
    site: SiteOption = SITE,
    state: StateOption = STATE,
    why: Annotated[str, typer.Option("--why", help="Kept in the journal.")] = "asked by the operator",
    as_json: JsonOption = False,
) -> None:
    """Ask the run to stop behind the actions that are under way."""
    service.suspend(service.Place(site, state), why)
    show_json({"asked": "suspend"}) if as_json else say("asked; see: escalator status")


def approve(
    gate: Annotated[str, typer.Argument(help="What 'escalator status' says is waited for.")],
    why: Annotated[str, typer.Option("--why", help="Kept in the journal, with who.")],
    site: SiteOption = SITE,
    state: StateOption = STATE,
    as_json: JsonOption = False,
) -> None:
    """Give the word that the current run waits for at a gate; 'escalator resume' then goes on."""
    who = service.approve(service.Place(site, state), gate, why)
    show_json({"approved": gate, "who": who}) if as_json else say(f"'{gate}' is approved by {who}")


def extend(
    by: Annotated[float, typer.Option("--by", help="Seconds on top of what executing may take.", min=1)],
    why: Annotated[str, typer.Option("--why", help="Kept in the journal, with who.")],
    site: SiteOption = SITE,
    state: StateOption = STATE,
    as_json: JsonOption = False,
) -> None:
    """Give the current run more time, also ahead of its deadline; behind it 'escalator resume' then goes on."""
    most = service.extend(service.Place(site, state), by, why)
    show_json({"extended_by_s": by, "max_duration_s": most}) if as_json else say(f"{most:g} s are allowed from now on")


def resume(site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False) -> None:
    """Go on with the current run, with the campaign it was made from."""
    end_of(asyncio.run(service.resume(place_of(site, state), listen)), as_json=as_json)


def rollback(site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False) -> None:
    """Take the current run back, in exact reverse; what users did meanwhile stays. Exit status 4 where it stopped."""
    ended = asyncio.run(service.roll_back(place_of(site, state), listen))
    show_json({"state": ended.value}) if as_json else say(f"{ended}")
    if ended is not State.ROLLBACK_COMPLETED:
        raise typer.Exit(FAILED_STATES)


def commit(site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False) -> None:
    """Make the current run final: data migrations, contraction. From here on there is no roll-back."""
    ended = asyncio.run(service.commit(place_of(site, state), listen))
    show_json({"state": ended.value}) if as_json else say(f"{ended}")


def restore(
    backup: Annotated[str, typer.Argument(help="A backup's id, or 'latest'.")],
    site: SiteOption = SITE,
    state: StateOption = STATE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a backup's state back, behind a commit: an outage, and what users did since the backup is lost."""
    if not yes:
        question = "All APIs go down, and what users did since the backup is lost. Go on?"
        typer.confirm(question, abort=True, err=True)
    run, facts = asyncio.run(service.restore(place_of(site, state), backup, listen))
    if not facts:
        end_of(run, as_json=as_json)
        return
    if as_json:
        show_json({"run": run.folder.name, **facts})
        return
    say(f"the state of {facts['taken_at']} is back (backup {facts['backup']})")
    say(f"what was there before: backup {facts['present']}")
    for kind, names in facts["lost"].items():
        say(f"lost, made since: {len(names)} {kind}{'s' * (len(names) != 1)} {', '.join(names)}")


def report(
    site: SiteOption = SITE,
    state: StateOption = STATE,
    run: Annotated[str, typer.Option("--run", help="By default the current one.")] = "",
    out: Annotated[Path, typer.Option("--out", help="Folder for report.html and report.json.")] = Path("report"),
    as_json: JsonOption = False,
) -> None:
    """Write what a run did and what it cost: one HTML file that needs nothing else, and JSON."""
    made = asyncio.run(service.report(place_of(site, state), run))
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
        (out / "report.html").write_text(render(made), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out} can't be written: {error.strerror}") from None
    if as_json:
        show_json(made)
        return
    say(f"{'API':<12}{'REQUESTS':>10}{'FAILED':>8}{'LONGEST GAP':>14}")
    for name, api in made["apis"].items():
        say(f"{name:<12}{api['requests']:>10}{api['failed']:>8}{api['longest_gap_ms']:>11} ms")
    say(f"\n{'COMPONENT':<12}{'WAS':<10}RUNS NOW")
    for name, versions in made["versions"].items():
        say(f"{name:<12}{versions['from']:<10}{versions['to']}")
    say(
        f"\n{made['state']} in {made['duration_s']:g} s; "
        f"{made['requests']['failed']} of {made['requests']['total']} requests failed"
    )
    say(f"report: {out / 'report.html'}")


backups.command(name="restore")(restore)


@backups.command(name="list")
def list_backups(site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False) -> None:
    """Show the backups, the newest last."""
    del site
    found = Backups(state, None).all()
    if as_json:
        show_json([{"id": b.id, "taken_at": b.taken_at, "site": b.site, "reason": b.reason} for b in found])
        return
    for backup in found:
        say(f"{backup.id}  {backup.taken_at}  {backup.site}  {backup.reason}")
    if not found:
        say("there is none")


@backups.command()
def verify(
    name: Annotated[str, typer.Argument(help="A backup's id, or 'latest'.")] = "latest",
    site: SiteOption = SITE,
    state: StateOption = STATE,
    as_json: JsonOption = False,
) -> None:
    """Prove a backup: checksums, decryption, and each dump restored into a scratch database."""

    async def prove() -> int:
        async with service.connected(place_of(site, state)) as reached:
            return await Backups(state, reached).verify(name)

    tables = asyncio.run(prove())
    show_json({"tables_restored": tables}) if as_json else say(f"{tables} tables were restored for proof")
