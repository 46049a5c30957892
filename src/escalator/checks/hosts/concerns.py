"""Who has a say in what happens to a server: its groups, and what the constraints say of itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from escalator.checks.hosts.sweep import Ints, paired
from escalator.model.compute import Server, ServerGroup
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints, MaintenanceInfo


@dataclass(frozen=True)
class Concern:
    """What one group, or one server by itself, was promised. ``members``: positions of servers that there are."""

    id: str
    info: MaintenanceInfo
    members: tuple[int, ...]

    @property
    def at_once(self) -> int:
        """How many members may be impacted at the same time."""
        return self.info.impacted_at_once(len(self.members))


@dataclass(frozen=True)
class Concerns:
    """All promises of a site.

    ``groups``: each group with its members, whatever names them: the group's own list or the server. ``rows``: the
    promise of every group (its own entry or the default), of every server that an entry names, and the default for
    every server that is in no group and has no entry. ``said``: by server, the entries that speak of it or of its
    groups; only where there are none, the default. ``unknown``: entries that name nothing that there is.
    """

    groups: tuple[tuple[ServerGroup, tuple[int, ...]], ...]
    rows: tuple[Concern, ...]
    said: tuple[tuple[MaintenanceInfo, ...], ...]
    unknown: tuple[str, ...]

    @cached_property
    def memberships(self) -> tuple[Ints, Ints]:
        """Pairs of a server and one of its rows, in order of the server."""
        sizes = np.array([len(row.members) for row in self.rows], np.int64)
        servers = np.array([m for row in self.rows for m in row.members], np.int64)
        order = np.argsort(servers, kind="stable")
        return servers[order], np.repeat(np.arange(len(self.rows), dtype=np.int64), sizes)[order]

    def of(self, servers: Ints) -> tuple[Ints, Ints]:
        """For a list of servers: positions in it, each with one of its server's rows; as many as there are rows."""
        return paired(servers, *self.memberships)


def concerns(
    inventory: Inventory, constraints: Constraints, servers: tuple[Server, ...], server_at: dict[str, int]
) -> Concerns:
    """Collect the promises."""
    groups = _groups(inventory, servers, server_at)
    entries: dict[str, list[MaintenanceInfo]] = defaultdict(list)
    for info in constraints.groups:
        entries[info.group].append(info)
    rows: list[Concern] = []
    said: list[tuple[MaintenanceInfo, ...]] = [()] * len(servers)
    grouped: set[int] = set()
    for group, members in groups:
        own = tuple(entries.get(group.id, ()))
        rows += [Concern(group.id, info, members) for info in own or (constraints.default,)]
        grouped.update(members)
        for member in members:
            said[member] += own
    names = {group.id for group, _ in groups}
    for name, infos in entries.items():
        if name in server_at and name not in names:
            rows += [Concern(name, info, (server_at[name],)) for info in infos]
            said[server_at[name]] += tuple(infos)
    alone = (i for i in range(len(servers)) if i not in grouped and not said[i])
    rows += [Concern(servers[i].id, constraints.default, (i,)) for i in alone]
    return Concerns(
        groups, tuple(rows), tuple(infos or (constraints.default,) for infos in said),
        tuple(name for name in entries if name not in names and name not in server_at),
    )  # fmt: skip


def _groups(
    inventory: Inventory, servers: tuple[Server, ...], server_at: dict[str, int]
) -> tuple[tuple[ServerGroup, tuple[int, ...]], ...]:
    members: dict[str, set[int]] = defaultdict(set)
    known = {group.id: group for group in inventory.server_groups}
    for group in inventory.server_groups:
        members[group.id].update(server_at[m] for m in group.members if m in server_at)
    for position, server in enumerate(servers):
        if server.group:
            members[server.group].add(position)
    return tuple(
        (known.get(name) or ServerGroup(name, "", "", ()), tuple(sorted(positions)))
        for name, positions in members.items() if positions
    )  # fmt: skip
