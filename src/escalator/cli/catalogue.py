"""The operator's part of the catalogue: times that were measured on this site."""

from __future__ import annotations

from typing import Annotated

import typer

from escalator import service
from escalator.catalogue.times import LearnedTime
from escalator.cli.options import SITE, STATE, JsonOption, SiteOption, StateOption
from escalator.cli.output import say, show_json
from escalator.serial import to_data

catalogue = typer.Typer(help="What was learned of this site, for the next plans.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(catalogue, name="catalogue")


@catalogue.command()
def learn(site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False) -> None:
    """Learn from all finished runs how long acts take; so it is done behind each run, too."""
    lesson = service.learn(service.Place(site, state))
    if as_json:
        show_json(to_data(lesson))
        return
    say(lesson.text)
    for run, why in lesson.unread.items():
        say(f"  run {run} is left out: {why}")


@catalogue.command()
def times(
    act: Annotated[str, typer.Option("--act", help="Only of this kind of action, such as unit.start.")] = "",
    site: SiteOption = SITE,
    state: StateOption = STATE,
    as_json: JsonOption = False,
) -> None:
    """Show the times that plans are made with where something was measured (catalogue/times.yaml)."""
    known = service.Place(site, state).catalogue().learned
    shown = [known.entries[key] for key in sorted(known.entries) if act in ("", known.entries[key].act)]
    if as_json:
        show_json(to_data(shown))
        return
    say(f"{'ACT':<18}{'OF':<22}{'VERB':<6}{'EXPECTED':<26}{'AT MOST':<26}FROM")
    for entry in shown:
        expected = _seconds(entry.expected_s, entry.expected_per_unit_s, entry.unit)
        longest = _seconds(entry.longest_s, entry.longest_per_unit_s, entry.unit)
        say(f"{entry.act:<18}{entry.of or 'all':<22}{entry.verb:<6}{expected:<26}{longest:<26}{_source(entry)}")
    if not shown:
        say("nothing was measured yet")


def _seconds(fixed: float, per_unit: float, unit: str) -> str:
    return f"{fixed:.1f} s" + (f" + {per_unit:.3g} s/{unit}" if per_unit else "")


def _source(entry: LearnedTime) -> str:
    if entry.fixed:
        return "you: it is fixed"
    return f"{entry.measured} in {entry.runs} run{'s' * (entry.runs != 1)}"
