"""Which hosts of an inventory a campaign's template means (PR-4a), and in which stages they go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from escalator.config.hosts import HostSelection, HostsEntry
from escalator.model.compute import Hypervisor
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Limits


@dataclass(frozen=True)
class Selected:
    """Names of hosts: the canary's first, then the others; those with the fewest servers before the others."""

    canary: tuple[str, ...]
    others: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.canary, *self.others)


def select(entry: HostsEntry, inventory: Inventory) -> Selected:
    """The hosts that the template means. Sick ones are left out with a warning (EN-1), none at all is a refusal."""
    roles = {host.name: set(host.roles) for host in inventory.hosts}
    fitting = [h for h in inventory.hypervisors if _fits(entry.select, h, roles.get(h.host, {"compute"}))]
    excluded = set(entry.exclude)
    sick = [h.host for h in fitting if h.state != "up" and h.host not in excluded]
    well = [h for h in fitting if h.state == "up" and h.host not in excluded]
    load = Counter(server.host for server in inventory.servers)
    names = [h.host for h in sorted(well, key=lambda h: (load[h.host], h.host))][: entry.select.count]
    cut = entry.canary.count if entry.canary else 0
    found = [*_misspelt(entry, inventory), *(_warning(host, "is down: it is left out", "EN-1") for host in sick)]
    if not names:
        found.append(_nothing(len(fitting), inventory))
    return Selected(tuple(names[:cut]), tuple(names[cut:]), tuple(found))


def limits_of(entry: HostsEntry, limits: Limits) -> Limits:
    """The site's limits as the campaign tightens them."""
    per_set = dict(limits.offline_per_set)
    for kind, most in entry.per_failure_set.items():
        per_set[kind] = min(most, per_set.get(kind, most))
    at_once = [n for n in (entry.at_once, limits.hosts_at_once) if n]
    return replace(
        limits,
        hosts_at_once=min(at_once, default=0),
        offline_per_set=tuple(sorted(per_set.items())),
        host_offline_s=entry.target.offline_s or limits.host_offline_s,
    )


def _fits(wanted: HostSelection, host: Hypervisor, roles: set[str]) -> bool:
    return (
        bool(roles & set(wanted.roles))
        and _any(wanted.zones, (host.zone,))
        and _any(wanted.aggregates, host.aggregates)
        and _any(wanted.failure_sets, host.failure_sets)
    )


def _any(wanted: Iterable[str], have: Iterable[str]) -> bool:
    """Whether one of the wanted is there; where none is wanted, all are welcome."""
    names = set(wanted)
    return not names or bool(names & set(have))


def _misspelt(entry: HostsEntry, inventory: Inventory) -> list[Finding]:
    """Words of the template that fit nothing at all: most likely written wrongly."""
    known = inventory.hypervisors
    asked: tuple[tuple[str, list[str], set[str]], ...] = (
        ("zone", entry.select.zones, {h.zone for h in known}),
        ("aggregate", entry.select.aggregates, {name for h in known for name in h.aggregates}),
        ("failure set", entry.select.failure_sets, {name for h in known for name in h.failure_sets}),
        ("host to exclude", entry.exclude, {h.host for h in known}),
    )
    return [
        _warning(word, f"no hypervisor has this {kind}", "PR-4a")
        for kind, words, have in asked for word in words if word not in have
    ]  # fmt: skip


def _nothing(fitting: int, inventory: Inventory) -> Finding:
    text = f"no host is left to upgrade: {fitting} of {len(inventory.hypervisors)} fit, all excluded or down"
    if not fitting:
        text = f"none of the {len(inventory.hypervisors)} hypervisors fits"
    return Finding(
        Severity.REFUSED, "hosts.selected", inventory.site, text, requirement="PR-4a", hint="see hosts.select"
    )


def _warning(subject: str, text: str, requirement: str) -> Finding:
    return Finding(Severity.WARNING, "hosts.selected", subject, text, requirement=requirement)
