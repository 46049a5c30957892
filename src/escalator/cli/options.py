"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from escalator.service import Place

JsonOption = Annotated[bool, typer.Option("--json", help="Answer as one JSON document.")]
SiteOption = Annotated[Path, typer.Option("--site", help="site.yaml", envvar="ESCALATOR_SITE")]
StateOption = Annotated[
    Path, typer.Option("--state", help="Folder of runs, backups and keys.", envvar="ESCALATOR_STATE")
]
CampaignOption = Annotated[Path, typer.Option("--campaign", help="campaign.yaml", envvar="ESCALATOR_CAMPAIGN")]
ConstraintsOption = Annotated[Path | None, typer.Option("--constraints", help="constraints.yaml")]
SITE, STATE, CAMPAIGN = Path("site.yaml"), Path("escalator-state"), Path("campaign.yaml")


def place_of(site: Path, state: Path) -> Place:
    """Where the operator works; the site's file is checked at once."""
    place = Place(site, state)
    place.site()
    return place
