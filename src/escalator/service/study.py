"""A campaign's compute hosts, planned on an inventory from a file: no site is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from escalator.config.campaign import CampaignFile
from escalator.config.constraints import NO_FILE, ConstraintsFile
from escalator.config.hosts import HostsEntry
from escalator.errors import InputError, NotFoundError
from escalator.inventory.consistency import made_consistent
from escalator.inventory.file import InventoryFile
from escalator.inventory.groups import Constrained, constrain
from escalator.model.findings import Finding, refused
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints
from escalator.model.schedule import Schedule
from escalator.plan.selection import Selected, limits_of, select

#: Looked up by name when they are needed, so that all else works in a build without them.
PARTS = {
    "scheduler": ("escalator.plan.hosts.schedule", "schedule_hosts"),
    "generator": ("escalator.inventory.generate", "generate"),
}
Scheduler = Callable[[Inventory, Constraints, Iterable[str]], Schedule]


@dataclass(frozen=True)
class Stage:
    """Hosts that are upgraded together, by a schedule that begins when the stage does; then it is watched."""

    name: str  # canary, hosts
    schedule: Schedule
    soak_s: float = 0.0


@dataclass(frozen=True)
class Study:
    """What a campaign would do to the hosts of an inventory. No stages where the findings refuse it."""

    campaign: str
    site: str
    hosts: tuple[str, ...]
    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]

    @property
    def makespan_s(self) -> float:
        """From the first notification to the last host that is back, soaks included."""
        return sum(stage.schedule.makespan_s + stage.soak_s for stage in self.stages)

    @property
    def moves(self) -> int:
        """Of all stages."""
        return sum(len(stage.schedule.moves) for stage in self.stages)


def study(held: InventoryFile, campaign: CampaignFile, constraints: ConstraintsFile | None = None) -> Study:
    """Plan the campaign's hosts. Constraints: the file's that is given, else the inventory's own, else the defaults.

    InputError where the campaign has no hosts.
    """
    if campaign.hosts is None:
        raise InputError(f"campaign {campaign.name} upgrades no hosts", hint="give it 'hosts'; see docs/how-to")
    found, odd = made_consistent(held.inventory)
    if constraints is None and held.constraints is not None:
        constrained = Constrained(found, held.constraints, ())
    else:
        constrained = constrain(found, constraints or NO_FILE)
    selected = select(campaign.hosts, found)
    ours = (*odd, *constrained.findings, *selected.findings)
    stages = () if refused(ours) else _stages(campaign.hosts, constrained, selected)
    theirs = tuple(f for stage in stages for f in stage.schedule.findings)
    findings = (*held.inventory.findings, *ours, *theirs)
    return Study(campaign.name, found.site, selected.hosts, stages, tuple(dict.fromkeys(findings)))


def _stages(entry: HostsEntry, constrained: Constrained, selected: Selected) -> tuple[Stage, ...]:
    """The canary's, then the others' on what it leaves behind."""
    schedule = scheduler()
    inventory = constrained.inventory
    limits = limits_of(entry, constrained.constraints.limits)
    constraints = replace(constrained.constraints, limits=limits)
    stages = []
    if selected.canary:
        soak_s = entry.canary.soak_s if entry.canary and selected.others else 0.0
        stages.append(Stage("canary", schedule(inventory, constraints, selected.canary), soak_s))
        if refused(stages[0].schedule.findings):
            return tuple(stages)
        inventory = behind(inventory, stages[0].schedule)
    if selected.others:
        stages.append(Stage("hosts", schedule(inventory, constraints, selected.others)))
    return tuple(stages)


def behind(inventory: Inventory, schedule: Schedule) -> Inventory:
    """The inventory as it is when a schedule was carried out: every server where its last move took it."""
    at = {move.server: move.destination for move in schedule.moves}
    servers = tuple(replace(s, host=at[s.id]) if s.id in at else s for s in inventory.servers)
    return replace(inventory, servers=servers)


def scheduler() -> Scheduler:
    """The planner of compute hosts; NotFoundError where this Escalator has none."""
    return _part("scheduler")  # type: ignore[no-any-return]


def generator() -> Callable[..., tuple[Inventory, Constraints]]:
    """What makes inventories up; NotFoundError where this Escalator has none."""
    return _part("generator")  # type: ignore[no-any-return]


def _part(name: str) -> Any:
    module, function = PARTS[name]
    try:
        return getattr(import_module(module), function)
    except ModuleNotFoundError:
        raise NotFoundError(f"this Escalator has no {module}", hint="it is part of a later build") from None
