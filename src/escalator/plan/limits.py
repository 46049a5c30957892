"""How much runs at once beyond the limit of each parallel procedure: of a site, of a zone, of a kind of action.

A limit is a gate that steps name (``Step.gates``): a step waits before it until fewer than its number of steps are
behind it. A last pass over finished steps, so that those who make steps need not know of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from escalator.config.campaign import CampaignFile, Parallel
from escalator.errors import InputError
from escalator.model.inventory import Inventory
from escalator.model.plan import Phase, Plan, Procedure, Step
from escalator.plan.steps import TIMES

KINDS = frozenset({*TIMES, "soak"})
_CHANGING = (Phase.ROLL, Phase.UNPIN)  # phases in which a host is not whole meanwhile


def insist_on_known(campaign: CampaignFile) -> None:
    """Raise InputError where a limit names a kind of action that no plan has."""
    for kind in campaign.parallel.per_kind:
        if kind not in KINDS:
            raise InputError(f"parallel: per_kind: there is no kind of action '{kind}'", hint=", ".join(sorted(KINDS)))


def limited(procedures: tuple[Procedure, ...], campaign: CampaignFile, inventory: Inventory) -> tuple[Procedure, ...]:
    """The procedures with the gates of the campaign's limits at their steps."""
    zones = zones_of(inventory)

    def node(this: Procedure | Step) -> Procedure | Step:
        if isinstance(this, Procedure):
            return replace(this, children=tuple(node(child) for child in this.children))
        return replace(this, gates=_gates(this, campaign.parallel, zones, inventory.site))

    return tuple(replace(p, children=tuple(node(child) for child in p.children)) for p in procedures)


def zones_of(inventory: Inventory) -> dict[str, str]:
    """Compute host -> its availability zone: the cloud's word, or else site.yaml's; "-" where neither says one."""
    found = {h.name: h.zone or "-" for h in inventory.hosts if "compute" in h.roles}
    return found | {s.host: s.zone for s in inventory.compute_services if s.zone and s.host in found}


def spread(hosts: tuple[Procedure, ...], zones: dict[str, str]) -> tuple[Procedure, ...]:
    """Procedures of one host each, zones in turn: so that hosts of a full zone do not keep those of others waiting."""
    rows: dict[str, list[Procedure]] = {}
    for host in hosts:
        rows.setdefault(zones.get(_host(next(host.steps())), "-"), []).append(host)
    longest = max((len(row) for row in rows.values()), default=0)
    return tuple(row[place] for place in range(longest) for row in rows.values() if place < len(row))


def limits_of(plan: Plan) -> dict[str, int]:
    """Gate -> its number, over all steps of a plan."""
    return dict(sorted(gate for step in (*plan.steps(), *plan.commit_steps()) for gate in step.gates))


def _gates(step: Step, limits: Parallel, zones: dict[str, str], site: str) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    if limits.per_site is not None:
        found.append((f"site/{site}", limits.per_site))
    zone = zones.get(_host(step))
    if limits.per_zone is not None and zone is not None and step.phase in _CHANGING:
        found.append((f"zone/{site}/{zone}", limits.per_zone))
    kinds = _once(action.kind for action in step.actions)
    found += [(f"kind/{site}/{kind}", limits.per_kind[kind]) for kind in kinds if kind in limits.per_kind]
    return tuple(found)


def _once(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kinds))


def _host(step: Step) -> str:
    """Name of the host that a step's object stands on; another word where it stands on none."""
    return step.object.split("/", 2)[1]
