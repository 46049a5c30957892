"""`escalator inventory`: what is there, as text, as JSON, as a file that can be studied elsewhere; made-up ones too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from escalator import service
from escalator.cli.options import SITE, STATE, ConstraintsOption, JsonOption, SiteOption, StateOption, place_of
from escalator.cli.output import finding_lines, say, show_json
from escalator.config.constraints import load_constraints
from escalator.inventory.file import write_inventory
from escalator.inventory.groups import constrain
from escalator.model.findings import Finding
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints
from escalator.serial import to_data
from escalator.service.study import generator

app = typer.Typer(
    invoke_without_command=True,
    help="Show what is there: hosts, services, versions installed and really running, the cloud's own objects.",
)
FileArgument = Annotated[Path, typer.Argument(help="The file to write; JSON Schema: escalator schema inventory.")]


@app.callback()
def inventory(
    context: typer.Context, site: SiteOption = SITE, state: StateOption = STATE, as_json: JsonOption = False
) -> None:
    """Show what is there: hosts, services, versions installed and really running, the cloud's own objects."""
    if context.invoked_subcommand is not None:
        return
    found = asyncio.run(service.take_inventory(place_of(site, state)))
    if as_json:
        show_json(to_data(found))
        return
    _show(found)


def _show(found: Inventory) -> None:
    say(f"Site {found.site}, {found.collected_at}")
    say(f"\n{'HOST':<14}{'ADDRESS':<16}{'ROLES':<38}STATE")
    for host in found.hosts:
        say(f"{host.name:<14}{host.address:<16}{', '.join(host.roles):<38}{host.error or 'reachable'}")
    say(f"\n{'UNIT':<28}{'HOST':<13}{'STATE':<9}{'RUNS':<18}{'NEXT START':<18}{'VERSION':<9}BALANCER")
    for i in found.instances:
        word = "active" if i.active else "stopped"
        say(
            f"{i.unit:<28}{i.host:<13}{word:<9}{i.running or '-':<18}{i.installed or '-':<18}{i.version or '-':<9}"
            f"{i.balancer_state or '-'}"
        )
    say(f"\nbundles: {', '.join(b.id for b in found.bundles) or 'none'}")
    say(f"servers: {len(found.servers)}, server groups: {len(found.server_groups)}, images: {len(found.images)}")
    for line in finding_lines(found.findings):
        say(line)


@app.command()
def export(
    file: FileArgument,
    site: SiteOption = SITE,
    state: StateOption = STATE,
    constraints: ConstraintsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Collect the inventory into a file, to be studied without the site; with constraints.yaml what it says, too."""
    wanted = load_constraints(constraints) if constraints else None
    found = asyncio.run(service.take_inventory(place_of(site, state)))
    held: Constraints | None = None
    findings = found.findings
    if wanted is not None:
        constrained = constrain(found, wanted)
        found, held, findings = constrained.inventory, constrained.constraints, (*findings, *constrained.findings)
    write_inventory(file, found, held)
    _written(file, found, findings, as_json=as_json)


@app.command()
def generate(  # noqa: PLR0917 - what the command line takes
    file: FileArgument,
    hosts: Annotated[int, typer.Option("--hosts", min=1, help="How many hypervisors.")],
    servers: Annotated[int, typer.Option("--servers", min=0, help="How many servers on them.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same inventory.")] = 1,
    classes: Annotated[
        int | None, typer.Option("--classes", min=1, help="Kinds of hosts that are not interchangeable.")
    ] = None,
    load: Annotated[
        float | None, typer.Option("--load", min=0, max=1, help="Memory taken, of all that there is.")
    ] = None,
    empty: Annotated[
        float | None, typer.Option("--empty", min=0, max=1, help="Share of hosts without a server.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an inventory up, with constraints, to study how a campaign would go on a site of that size."""
    given = {"classes": classes, "load": load, "empty": empty}
    made, constraints = generator()(hosts, servers, seed, **{k: v for k, v in given.items() if v is not None})
    write_inventory(file, made, constraints)
    _written(file, made, (), as_json=as_json)


def _written(file: Path, found: Inventory, findings: tuple[Finding, ...], *, as_json: bool) -> None:
    counts = {
        "hypervisors": len(found.hypervisors), "servers": len(found.servers), "server_groups": len(found.server_groups),
    }  # fmt: skip
    if as_json:
        show_json({"file": str(file), "site": found.site, **counts, "findings": to_data(list(findings))})
        return
    words = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    say(f"{file}: site {found.site}, {words}")
    for line in finding_lines(findings):
        say(line)
