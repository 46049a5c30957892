"""From a campaign to a plan that is checked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from escalator.catalogue.releases import load_releases
from escalator.catalogue.risks import accepted, hop_risks
from escalator.checks import check as check_plan
from escalator.config.campaign import CampaignFile
from escalator.errors import PlanRefusedError, RefusedError
from escalator.model.findings import refused
from escalator.model.plan import Plan
from escalator.plan.planner import make_plan
from escalator.service.place import Place, take_inventory


async def design(place: Place, campaign: CampaignFile) -> Plan:
    """The plan of the next hop; RefusedError where the campaign upgrades hosts: that is only studied so far."""
    if campaign.hosts is not None:
        raise RefusedError(
            f"campaign {campaign.name} has 'hosts': hosts of a site are not upgraded yet",
            hint="escalator inventory export FILE, then escalator plan --inventory FILE",
        )
    inventory = await take_inventory(place)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = make_plan(campaign, place.site(), inventory, place.catalogue(), load_releases(), now=now)
    risks = () if made.empty else await asyncio.to_thread(hop_risks, made, inventory, place.state)
    risks = accepted(risks, campaign.accept_risks)
    return replace(made, findings=(*made.findings, *risks, *check_plan(made, inventory, place.catalogue())))


def insist(plan: Plan) -> None:
    """Raise PlanRefusedError where a finding stops the plan."""
    stops = refused(plan.findings)
    if stops:
        raise PlanRefusedError(f"the plan is refused: {len(stops)} finding{'s' * (len(stops) != 1)}", findings=stops)
