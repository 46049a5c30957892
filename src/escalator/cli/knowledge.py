"""Commands that need no site: hops, the schema-risk scan, schemas, and checking documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from escalator.catalogue.components import Component
from escalator.catalogue.releases import load_releases
from escalator.catalogue.scan import scan as scan_package
from escalator.catalogue.times import TimesFile
from escalator.cli.options import JsonOption
from escalator.cli.output import finding_lines, say, show_json
from escalator.config.campaign import CampaignFile, load_campaign
from escalator.config.constraints import ConstraintsFile, load_constraints
from escalator.config.site import SiteFile, load_site
from escalator.errors import InputError, PlanRefusedError
from escalator.inventory.file import InventoryFile
from escalator.model.findings import Finding, refused
from escalator.serial import to_data

COMPONENTS = ("keystone", "placement", "glance", "nova", "neutron")
SCHEMAS: dict[str, type[BaseModel]] = {
    "site": SiteFile,
    "campaign": CampaignFile,
    "constraints": ConstraintsFile,
    "inventory": InventoryFile,
    "component": Component,
    "times": TimesFile,
}


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (hops, scan, schema, validate):
        app.command()(command)


def hops(
    start: Annotated[str, typer.Argument(help="The release that runs, for example 2025.1.")],
    end: Annotated[str, typer.Argument(help="The release that is wanted.")],
    how: Annotated[str, typer.Option("--hops", help="fewest, every or direct")] = "fewest",
    as_json: JsonOption = False,
) -> None:
    """Show the releases that an upgrade passes through, or the rule that forbids it (exit status 3)."""
    chain = load_releases().chain(start, end, _one_of(how, ("fewest", "every", "direct"), "way"))
    if isinstance(chain, Finding):
        if as_json:
            show_json({"chain": [], "findings": to_data([chain])})
        else:
            _say_findings((chain,))
        raise typer.Exit(PlanRefusedError.exit_status)
    if as_json:
        show_json({"chain": list(chain), "findings": []})
    else:
        say(" -> ".join(chain))


def scan(
    package: Annotated[Path, typer.Argument(help="A folder, wheel, zip or tar (.gz, .xz, .zst) with the component.")],
    component: Annotated[str, typer.Option("--component", help="keystone, placement, glance, nova or neutron.")],
    since: Annotated[
        Path | None, typer.Option("--since", help="The older package: look only at what is new, and at what it uses.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for schema changes that would break the old release's servers while they still run (exit status 3)."""
    found = scan_package(package, _one_of(component, COMPONENTS, "component"), since)
    if as_json:
        show_json(to_data(list(found)))
    else:
        say(f"{package.name}: {len(found)} risk{'s' if len(found) != 1 else ''} in {component}'s expand migrations")
        _say_findings(found)
    if refused(found):
        raise typer.Exit(PlanRefusedError.exit_status)


def schema(
    name: Annotated[str, typer.Argument(help="site, campaign, constraints, inventory, component or times")],
) -> None:
    """Print the JSON Schema of a document."""
    kind = SCHEMAS[_one_of(name.removesuffix("file"), tuple(SCHEMAS), "document")]
    show_json(kind.model_json_schema(by_alias=True))


def validate(
    site: Annotated[Path | None, typer.Option("--site", help="site.yaml")] = None,
    campaign: Annotated[Path | None, typer.Option("--campaign", help="campaign.yaml")] = None,
    constraints: Annotated[Path | None, typer.Option("--constraints", help="constraints.yaml")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check documents against their schemas, without reaching the site."""
    if site is None and campaign is None and constraints is None:
        raise InputError("nothing to validate", hint="give --site, --campaign, --constraints or several of them")
    names = [load_site(site).name] if site else []
    names += [load_campaign(campaign).name] if campaign else []
    if constraints:
        load_constraints(constraints)
        names.append(constraints.name)
    if as_json:
        show_json({"valid": names})
    else:
        for name in names:
            say(f"{name}: valid")


def _one_of(name: str, allowed: tuple[str, ...], what: str) -> str:
    if name not in allowed:
        raise InputError(f"unknown {what} '{name}'", hint=f"{what}s: {', '.join(allowed)}")
    return name


def _say_findings(findings: tuple[Finding, ...]) -> None:
    for line in finding_lines(findings):
        say(line)
