"""`escalator plan --inventory`: how a campaign's hosts would go, told without the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from escalator.cli.output import finding_lines, say, show_json, write_json
from escalator.config.campaign import load_campaign
from escalator.config.constraints import load_constraints
from escalator.errors import PlanRefusedError
from escalator.inventory.file import load_inventory
from escalator.model.findings import refused
from escalator.model.schedule import Schedule, Visit
from escalator.serial import to_data
from escalator.service.study import Stage, Study, study

SHOWN = 40  # visits of one stage; --json has all


def plan_offline(inventory: Path, campaign: Path, constraints: Path | None, out: Path | None, *, as_json: bool) -> None:
    """Plan the hosts and show it, ``out`` gets its JSON form. Exit status 3 where a rule refuses it."""
    wanted = load_campaign(campaign)
    limits = load_constraints(constraints) if constraints else None
    made = study(load_inventory(inventory), wanted, limits)
    if out is not None:
        write_json(out, answer(made))
    if as_json:
        show_json(answer(made))
    else:
        _show(made)
    if refused(made.findings):
        raise typer.Exit(PlanRefusedError.exit_status)


def answer(made: Study) -> dict[str, Any]:
    """The JSON form: each stage is a schedule, whose seconds count from the stage's start."""
    stages = []
    for stage in made.stages:
        schedule = to_data(stage.schedule)
        del schedule["findings"]
        told = {"makespan_s": stage.schedule.makespan_s, "waves": stage.schedule.waves, "soak_s": stage.soak_s}
        stages.append({"name": stage.name, **told, **schedule})
    return {
        "campaign": made.campaign, "site": made.site, "hosts": list(made.hosts), "makespan_s": made.makespan_s,
        "moves": made.moves, "stages": stages, "findings": to_data(list(made.findings)),
    }  # fmt: skip


def _show(made: Study) -> None:
    say(f"Campaign {made.campaign} on site {made.site}: {len(made.hosts)} hosts, {made.moves} moves")
    for stage in made.stages:
        _show_stage(stage)
    if made.stages:
        say(f"\nin all {_time(made.makespan_s)}")
    for line in finding_lines(made.findings):
        say(line)


def _show_stage(stage: Stage) -> None:
    schedule = stage.schedule
    soak = f", then watched for {_time(stage.soak_s)}" if stage.soak_s else ""
    say(f"\n{stage.name}: {len(schedule.visits)} hosts in {_time(schedule.makespan_s)}, {schedule.waves} waves{soak}")
    for bound in schedule.bounds:
        say(f"  no schedule has {bound.what} below {bound.value:g} ({bound.name}: {bound.binds})")
    moved = _moves_per_host(schedule)
    say(f"  {'HOST':<24}{'CLOSED':>10}{'OUT':>10}{'BACK':>10}{'MOVES':>7}  WAVE")
    for visit in schedule.visits[:SHOWN]:
        say(_row(visit, moved.get(visit.host, 0)))
    if len(schedule.visits) > SHOWN:
        say(f"  and {len(schedule.visits) - SHOWN} more; --json has all")
    if schedule.stays:
        say(f"  {len(schedule.stays)} servers go down with their host: {', '.join(s for s, _ in schedule.stays[:3])}")


def _moves_per_host(schedule: Schedule) -> dict[str, int]:
    found: dict[str, int] = {}
    for move in schedule.moves:
        found[move.source] = found.get(move.source, 0) + 1
    return found


def _row(visit: Visit, moves: int) -> str:
    times = "".join(f"{_time(at):>10}" for at in (visit.closed_s, visit.offline_s, visit.back_s))
    return f"  {visit.host:<24}{times}{moves:>7}  {visit.wave}"


def _time(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
