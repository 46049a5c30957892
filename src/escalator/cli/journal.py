"""The journal for people: read it, say how a doubtful action stands, take a run over from a driver that is gone."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Literal

import typer

from escalator import service
from escalator.cli.operate import end_of, listen
from escalator.cli.options import SITE, STATE, JsonOption, SiteOption, StateOption, place_of
from escalator.cli.output import say, show_json
from escalator.execution.runs import load
from escalator.journal.events import Record
from escalator.serial import to_data

WhyOption = Annotated[str, typer.Option("--why", help="Kept in the journal.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (journal, resolve, takeover):
        app.command()(command)


def journal(
    site: SiteOption = SITE,
    state: StateOption = STATE,
    run: Annotated[str, typer.Option("--run", help="By default the current one.")] = "",
    after: Annotated[int, typer.Option("--after", help="Only the records behind this number.", min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show the journal of a run: what was meant, and what came of it. Exit status 5 where it was altered or is torn."""
    del site
    records = load(state, run).records()
    shown = [record for record in records if record.seq > after]
    if as_json:
        show_json(to_data(shown))
        return
    for record in shown:
        say(_line(record))
    if records:
        say(f"{len(records)} records, whole; the last one's chain value: {records[-1].chain}")


def _line(record: Record) -> str:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(record.at))
    words = [f"{key}={value}" for key, value in record.data.items() if key != "facts" and value not in ("", None)]
    return f"{record.seq:>6}  {stamp}Z  {record.kind.value:<9} {record.subject}  {' '.join(words)}".rstrip()


def resolve(  # noqa: PLR0917 - what the command line takes
    action: Annotated[str, typer.Argument(help="The action's id, as status and journal show it.")],
    outcome: Annotated[Literal["done", "not-done"], typer.Option("--as", help="What you found on the site.")],
    why: WhyOption,
    site: SiteOption = SITE,
    state: StateOption = STATE,
    as_json: JsonOption = False,
) -> None:
    """Say how an action stands that can't be told from outside, or that was taken back by hand."""
    service.resolve(service.Place(site, state), action, outcome, why)
    show_json({"resolved": action, "as": outcome}) if as_json else say(f"{action} counts as {outcome} from now on")


def takeover(why: WhyOption, site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False) -> None:
    """Go on with the current run in the place of an Escalator that hangs; refused where that one still lives."""
    end_of(asyncio.run(service.takeover(place_of(site, state), why, listen)), as_json=as_json)
