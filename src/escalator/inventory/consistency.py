"""Whether an inventory's parts fit together: one that was put together by hand, or while the cloud changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from escalator.model.compute import ServerGroup
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory

FEW = 3


def made_consistent(inventory: Inventory) -> tuple[Inventory, tuple[Finding, ...]]:
    """The inventory without what points nowhere, and what that was.

    A server on a host that is not there stops a plan (where it really is nobody knows); a member or a group that is not
    there is a warning, and counts as gone.
    """
    hosts = {h.host for h in inventory.hypervisors}
    servers = {s.id for s in inventory.servers}
    groups = {g.id for g in inventory.server_groups}
    astray = Counter(s.host for s in inventory.servers if s.host and s.host not in hosts)
    found = [
        _finding(Severity.REFUSED, host, f"{count} servers are on it, and there is no such hypervisor")
        for host, count in sorted(astray.items())
    ]
    gone = {g.id: [m for m in g.members if m not in servers] for g in inventory.server_groups}
    found += [
        _finding(Severity.WARNING, name, f"members that are no servers count as gone: {_few(members)}")
        for name, members in gone.items() if members
    ]  # fmt: skip
    lost = [s for s in inventory.servers if s.group and s.group not in groups]
    if lost:
        words = f"are in groups that are not there: {_few([s.id for s in lost])}; they count as in none"
        found.append(_finding(Severity.WARNING, "servers", f"{len(lost)} {words}"))
    return (
        replace(
            inventory,
            servers=tuple(replace(s, group="") if s.group and s.group not in groups else s for s in inventory.servers),
            server_groups=tuple(_without(g, gone[g.id]) for g in inventory.server_groups),
        ),
        tuple(found),
    )


def _without(group: ServerGroup, gone: list[str]) -> ServerGroup:
    return replace(group, members=tuple(m for m in group.members if m not in gone)) if gone else group


def _few(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def _finding(severity: Severity, subject: str, text: str) -> Finding:
    return Finding(severity, "inventory.fits", subject, text, requirement="PR-1", hint="collect the inventory again")
