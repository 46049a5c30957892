"""`escalator-lab`: the lab's command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from escalator_lab import hosts
from escalator_lab.errors import LabError, Refused
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder
from escalator_lab.progress import Progress
from escalator_lab.shape import (
    DEFAULT_NAME,
    DEFAULT_SUBNET,
    LEAST_COMPUTES,
    MINIMAL,
    MOST_COMPUTES,
    SHAPES,
    Network,
    compute,
)

app = typer.Typer(
    name="escalator-lab", help="Real hosts on one machine: own systemd, sshd, address.", no_args_is_help=True,
    pretty_exceptions_enable=False,
)  # fmt: skip
Dir = Annotated[Path | None, typer.Option("--dir", help="The lab's folder (or ESCALATOR_LAB_DIR).")]


def _layout(folder: Path | None) -> Layout:
    return Layout((folder or default_folder()).resolve())


def _lab(folder: Path | None) -> Lab:
    return Lab.known(_layout(folder))


@app.command()
def up(
    folder: Dir = None,
    start: Annotated[str, typer.Option("--from", help="Release that the cloud begins with.")] = "2025.1",
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Release made ready to upgrade to; may be given again.")
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Hosts only, no OpenStack.")] = False,
    *,
    shape: Annotated[
        str, typer.Option("--shape", help="minimal: servers without a hypervisor; compute: VNFs that answer.")
    ] = MINIMAL.name,
    computes: Annotated[
        int, typer.Option("--computes", help="Compute hosts of shape compute.", min=LEAST_COMPUTES, max=MOST_COMPUTES)
    ] = LEAST_COMPUTES,
    name: Annotated[str, typer.Option("--name", help="Sets it apart from other labs of this machine.")] = DEFAULT_NAME,
    subnet: Annotated[str, typer.Option("--subnet", help="The hosts' addresses.")] = DEFAULT_SUBNET,
) -> None:
    """Bring the cloud up; safe to repeat."""
    if shape not in SHAPES:
        raise Refused(f"no shape {shape!r}", "there are: " + ", ".join(SHAPES))
    made = MINIMAL if shape == MINIMAL.name else compute(computes)
    lab = Lab(_layout(folder), Network(name, subnet), made)
    lab.up(Progress(), "" if bare else start, () if bare else tuple(to or ("2026.1",)))
    typer.echo(f"{lab.layout.operator / 'site.yaml'}")


@app.command()
def reset(folder: Dir = None) -> None:
    """Bring the lab back to how `up` left it."""
    _lab(folder).reset(Progress())


@app.command()
def bundle(
    release: str,
    component: str,
    version: str,
    hashes: Annotated[list[str], typer.Option("--hash", help="SHA-256 of the package's files.")],
    folder: Dir = None,
) -> None:
    """Build a bundle that differs in one component: escalator-lab bundle 2025.1 nova 31.1.0 --hash SHA256."""
    typer.echo(_lab(folder).bundle(release, component, version, hashes, Progress()))


@app.command()
def down(
    folder: Dir = None, purge: Annotated[bool, typer.Option("--purge", help="Delete the cache too.")] = False
) -> None:
    """Take everything down; only the cache is kept."""
    _lab(folder).down(Progress(), purge=purge)


@app.command()
def status(folder: Dir = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show the hosts and the VNFs' guests. Exit status 1 where a host is off or a guest does not answer."""
    lab = _lab(folder)
    rows, guests = lab.status(), lab.guests()
    if as_json:
        typer.echo(json.dumps({"hosts": rows, "guests": guests}))
    else:
        for row in rows:
            typer.echo(f"{row['host']:<14} {row['address']:<16} {row['state']}")
        for guest in guests:
            said = "no answer" if guest["uptime"] is None else f"answers, up {guest['uptime']:.0f} s"
            typer.echo(f"{guest['name']:<14} {guest['address']:<16} {said}")
    if not all(row["on"] for row in rows) or any(guest["uptime"] is None for guest in guests):
        raise typer.Exit(1)


@app.command(name="exec")
def execute(host: str, command: list[str], folder: Dir = None) -> None:
    """Run a command on a host over SSH: escalator-lab exec HOST -- COMMAND."""
    lab = _lab(folder)
    typer.echo(hosts.ssh(lab.layout, lab.network, lab.shape.host(host), *command), nl=False)


def main() -> None:
    """Run the command line; a failure becomes one message with advice, and exit status 1."""
    try:
        app()
    except LabError as error:
        print(f"escalator-lab: {error.text} [{error.code}]", file=sys.stderr)
        if error.advice:
            print(f"  {error.advice}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
