"""`escalator`: the entry point. Commands stand in the modules beside this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from escalator import __version__
from escalator.cli import catalogue, inventory, journal, knowledge, operate
from escalator.cli.output import fail
from escalator.errors import EscalatorError, InputError

app = typer.Typer(
    name="escalator",
    help="Upgrade OpenStack and its hosts without the end users noticing, and prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
knowledge.add_to(app)
app.add_typer(inventory.app, name="inventory")
operate.add_to(app)
journal.add_to(app)
catalogue.add_to(app)


@app.command()
def version() -> None:
    """Show Escalator's version."""
    typer.echo(__version__)


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Run the lab's own command line, escalator-lab: up, status, reset, down."""
    beside = Path(sys.executable).with_name("escalator-lab")
    if not beside.exists():
        raise InputError(f"the lab is not installed: no {beside}", hint="'make setup' in a checkout installs it")
    os.execv(beside, [beside.name, *context.args])  # noqa: S606 - no shell is wanted


def main() -> None:
    """Run the command line; failures of ours become one clear message and their exit status."""
    try:
        app()
    except EscalatorError as error:
        sys.exit(fail(error, as_json="--json" in sys.argv))


if __name__ == "__main__":
    main()
