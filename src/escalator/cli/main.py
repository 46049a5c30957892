"""`escalator`: the entry point. Commands stand in the modules beside this one."""

from __future__ import annotations

import sys

import typer

from escalator import __version__
from escalator.cli import knowledge, operate
from escalator.cli.output import fail
from escalator.errors import EscalatorError

app = typer.Typer(
    name="escalator",
    help="Upgrade OpenStack and its hosts without the end users noticing, and prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
knowledge.add_to(app)
operate.add_to(app)


@app.command()
def version() -> None:
    """Show Escalator's version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line; failures of ours become one clear message and their exit status."""
    try:
        app()
    except EscalatorError as error:
        sys.exit(fail(error, as_json="--json" in sys.argv))


if __name__ == "__main__":
    main()
