"""What the backup before a change holds: the backup sets of the components that change."""

from __future__ import annotations

from dataclasses import replace

from escalator.catalogue.components import Component
from escalator.catalogue.parts import MILLION, Times
from escalator.config.campaign import CampaignFile
from escalator.config.site import SiteFile
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Host, Inventory
from escalator.model.plan import Phase, Step
from escalator.plan.steps import TIMES, Kit, one
from escalator.plan.tailor import rows_basis, rows_of

#: Where a component's file says nothing. Measured with MariaDB 10.11 on two cores, a million rows of 400 bytes:
#: dump 4.5 s, load 23 s. A backup dumps, and loads for proof; a restore loads for proof, dumps the present, and loads.
#: Longest: ten times that. A restore's fixed part is about what ``plan/restore.py`` expects for a site of three hosts.
BACKUP = Times(expected_s=0, longest_s=0, expected_per_million_s=28, longest_per_million_s=280)
RESTORE = Times(expected_s=120, longest_s=1800, expected_per_million_s=51, longest_per_million_s=510)


def backup_step(
    kit: Kit, campaign: CampaignFile, site: SiteFile, changed: list[Component], hosts: list[Host]
) -> Step:  # fmt: skip
    """One backup of all that the changed components need to come back."""
    schemas = {c: list(site.databases.schemas.get(c, [])) for c in saved_components(changed)}
    step = one(
        kit, Phase.BACKUP, "all", "", "backup.take", "", "databases, configuration, keys; proved by a restore",
        "no schema can be taken back: a backup before the first change (all upgrade guides)",
        databases={c: names for c, names in schemas.items() if names}, paths=_paths(changed, hosts, kit.inventory),
        reason=f"before {campaign.name} to {kit.bundle.release or kit.bundle.id}",
    )  # fmt: skip
    expected, longest = backup_times(changed, kit.inventory)
    rows = rows_of(kit.inventory)
    total = sum(rows.get(name, 0) for name in saved_components(changed))
    per_million = MILLION * (expected - TIMES["backup.take"][0]) / total if total else 0.0
    basis = rows_basis(total, round(per_million, 3))
    return replace(step, actions=(replace(step.actions[0], expected_s=expected, longest_s=longest, basis=basis),))


def backup_times(changed: list[Component], inventory: Inventory) -> tuple[float, float]:
    """Expected and longest seconds of the backup: the default, and what the rows of its schemas take on top."""
    rows, known = rows_of(inventory), {c.component: c for c in changed}
    expected, longest = TIMES["backup.take"]
    for name in saved_components(changed):
        times = known[name].times.get("backup", BACKUP) if name in known else BACKUP
        expected += times.expected(rows.get(name, 0))
        longest += times.longest(rows.get(name, 0))
    return round(expected, 1), round(longest, 1)


def restore_s(component: Component, inventory: Inventory) -> float:
    """Expected seconds of bringing one component's backup set back."""
    rows = rows_of(inventory)
    times = component.times.get("restore", RESTORE)
    return times.expected(sum(rows.get(name, 0) for name in component.saved_schemas))


def saved_components(changed: list[Component]) -> list[str]:
    """The components whose schemas are saved, in the order of the first that asks for each."""
    return list(dict.fromkeys(name for c in changed for name in c.saved_schemas))


def missing_schemas(site: SiteFile, changed: list[Component]) -> list[Finding]:
    """A component whose schemas site.yaml does not name would be changed without a way back."""
    return [
        Finding(
            Severity.REFUSED, "backup.complete", name, "its database belongs to the backup, and no schema is known",
            requirement="BA-1", hint=f"name its schemas in site.yaml: databases: schemas: {name}: [...]",
        )
        for name in saved_components(changed) if not site.databases.schemas.get(name)
    ]  # fmt: skip


def _paths(changed: list[Component], hosts: list[Host], inventory: Inventory) -> dict[str, list[str]]:
    """Host -> folders of the components that have a service there."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        there = {i.component for i in inventory.instances if i.host == host.name}
        folders = sorted({f for c in changed if c.component in there for f in c.saved_folders})
        if folders:
            found[host.name] = folders
    return found
