"""From the words of constraints.yaml to the groups and servers that an inventory really holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from escalator.config.constraints import ConstraintsFile, GroupEntry, GroupName
from escalator.model.compute import ServerGroup
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints, MaintenanceInfo

OWN = "file:"  # before the names of groups that only the file knows: no id of Nova begins so


@dataclass(frozen=True)
class Constrained:
    """An inventory with the groups that only the file names among its own, what holds for all, and what was odd."""

    inventory: Inventory
    constraints: Constraints
    findings: tuple[Finding, ...]


def constrain(inventory: Inventory, file: ConstraintsFile) -> Constrained:
    """Find what the file's entries speak of. What is not there (any more) is a warning; said twice, a refusal."""
    findings: list[Finding] = []
    groups: list[ServerGroup] = []
    infos: dict[str, MaintenanceInfo] = {}
    for entry in file.groups:
        own = _own(entry, inventory, findings)
        groups += own
        for group in own or _named(entry, inventory, findings):
            if group.id in infos:
                text = "two entries of the constraints speak of it"
                findings.append(_finding(Severity.REFUSED, "constraints.once", group.id, text, "keep one of them"))
            infos[group.id] = entry.over(file.default).info(group.id)
    return Constrained(
        replace(inventory, server_groups=(*inventory.server_groups, *groups)),
        Constraints(file.limits.limits(), tuple(infos.values()), file.default.info("")),
        tuple(findings),
    )


def _own(entry: GroupEntry, inventory: Inventory, findings: list[Finding]) -> list[ServerGroup]:
    """The group that the entry itself makes, of the members that there are."""
    if not entry.name:
        return []
    known = {server.id: server.project for server in inventory.servers}
    members = tuple(dict.fromkeys(m for m in entry.members if m in known))
    gone = [m for m in entry.members if m not in known]
    if gone:
        text = f"there is no server {', '.join(gone[:3])}{' ...' if len(gone) > 3 else ''}"  # noqa: PLR2004
        findings.append(_finding(Severity.WARNING, "constraints.known", entry.name, text, "it counts as gone"))
    projects = {known[m] for m in members}
    return [ServerGroup(OWN + entry.name, entry.name, "", members, projects.pop() if len(projects) == 1 else "")]


def _named(entry: GroupEntry, inventory: Inventory, findings: list[Finding]) -> list[ServerGroup]:
    """The server groups of Nova that the entry speaks of."""
    wanted = entry.server_group
    if wanted is None:
        return []
    if isinstance(wanted, GroupName):
        found = [g for g in inventory.server_groups if (g.name, g.project) == (wanted.name, wanted.project)]
        word = f"'{wanted.name}' of project {wanted.project}"
    else:
        found = [g for g in inventory.server_groups if g.id == wanted]
        word = wanted
    if not found:
        text = f"there is no server group {word}: the entry has no effect"
        findings.append(_finding(Severity.WARNING, "constraints.known", word, text, "mend the entry or delete it"))
    return found


def _finding(severity: Severity, rule: str, subject: str, text: str, hint: str) -> Finding:
    return Finding(severity, rule, subject, text, requirement="EN-2", hint=hint)
