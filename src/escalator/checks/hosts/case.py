"""A schedule, the site that it is for and what was promised there, as arrays that rules can sweep over.

Hosts and servers are numbers here: positions in ``Case.hosts`` and ``Case.servers``; -1 is no known host.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from escalator.checks.hosts.concerns import Concerns, concerns
from escalator.checks.hosts.sweep import Floats, Ints
from escalator.model.compute import Hypervisor, Server
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints, Limits
from escalator.model.schedule import Move, Schedule, Visit


@dataclass(frozen=True)
class Moves:
    """The moves in order of their server, start and end. ``origin``: where the server is by then, whatever they say."""

    nouns: tuple[Move, ...]
    server: Ints
    source: Ints
    origin: Ints
    destination: Ints
    start: Floats
    end: Floats
    offsets: Ints  # by server: where its moves begin; one more at the end

    def of(self, server: int) -> range:
        """The positions of a server's moves."""
        return range(int(self.offsets[server]), int(self.offsets[server + 1]))


@dataclass(frozen=True)
class Claims:
    """That a host holds a server, in [since, until): from the start of the move there to the end of the move away."""

    server: Ints
    host: Ints
    since: Floats
    until: Floats


@dataclass(frozen=True)
class Outages:
    """When hosts are closed, offline and back, by host; never (infinite) for those that are not visited."""

    closed: Floats
    offline: Floats
    back: Floats
    visited: Ints  # the hosts, as listed


@dataclass(frozen=True)
class Case:
    """What a rule looks at. ``moves``, ``visits`` and ``stays`` speak of known objects and sane times only."""

    inventory: Inventory
    constraints: Constraints
    hosts: tuple[Hypervisor, ...]
    servers: tuple[Server, ...]
    host_at: dict[str, int]
    server_at: dict[str, int]
    at: Ints  # by server: its host when the schedule begins
    moves: Moves
    outages: Outages
    visits: tuple[Visit, ...]
    stays: tuple[tuple[int, int], ...]  # server, host

    @property
    def limits(self) -> Limits:
        """The site's limits."""
        return self.constraints.limits

    def host(self, position: int) -> str:
        """The resource id of a host."""
        return f"{self.inventory.site}/{self.hosts[position].host}"

    def server(self, position: int) -> str:
        """The resource id of a server; its name is its tenant's, and stands in no text."""
        return f"{self.inventory.site}/{self.servers[position].id}"

    @cached_property
    def concerns(self) -> Concerns:
        """Who has a say in what happens to which server."""
        return concerns(self.inventory, self.constraints, self.servers, self.server_at)

    @cached_property
    def claims(self) -> Claims:
        """All claims: of where servers are in the beginning, and of their moves."""
        moves, placed = self.moves, np.flatnonzero(self.at >= 0)
        moved = np.diff(moves.offsets) > 0
        first_end = np.full(len(self.servers), np.inf)
        first_end[moved] = moves.end[moves.offsets[:-1][moved]]
        until = np.full(len(moves.server), np.inf)
        again = np.flatnonzero(moves.server[1:] == moves.server[:-1])
        until[again] = moves.end[again + 1]
        return Claims(
            np.concatenate([placed, moves.server]),
            np.concatenate([self.at[placed], moves.destination]),
            np.concatenate([np.full(len(placed), -np.inf), moves.start]),
            np.concatenate([first_end[placed], until]),
        )

    @cached_property
    def resource_classes(self) -> tuple[str, ...]:
        """All that a host has or a server asks for."""
        return tuple(sorted({c for h in self.hosts for c in h.stock} | {c for s in self.servers for c in s.resources}))

    def demand(self, resource: str) -> Ints:
        """What each server takes of a resource class."""
        return np.array([s.resources.get(resource, 0) for s in self.servers], np.int64)

    def capacity(self, resource: str) -> Ints:
        """What each host can hold of a resource class."""
        return np.array([h.stock[resource].capacity if resource in h.stock else 0 for h in self.hosts], np.int64)

    def used_before(self, demand: Ints) -> Ints:
        """What of a demand (by server) each host holds when the schedule begins."""
        placed = self.at >= 0
        return np.bincount(self.at[placed], demand[placed], len(self.hosts)).astype(np.int64)

    @cached_property
    def failure_sets(self) -> dict[str, Ints]:
        """The hosts of each failure set."""
        found: dict[str, list[int]] = defaultdict(list)
        for position, host in enumerate(self.hosts):
            for name in host.failure_sets:
                found[name].append(position)
        return {name: np.array(sorted(set(hosts)), np.int64) for name, hosts in sorted(found.items())}

    def sets_with(self, prefix: str) -> list[str]:
        """The failure sets that a limit for ``prefix`` means: of that very name, or of that part before a colon."""
        stem = prefix if prefix.endswith(":") else f"{prefix}:"
        return [name for name in self.failure_sets if name == prefix or name.startswith(stem)]


def build(schedule: Schedule, inventory: Inventory, constraints: Constraints) -> Case:
    """The case of a schedule of which every move, visit and stay is sound."""
    hosts = tuple({h.host: h for h in inventory.hypervisors}.values())
    servers = tuple({s.id: s for s in inventory.servers}.values())
    host_at = {h.host: i for i, h in enumerate(hosts)}
    server_at = {s.id: i for i, s in enumerate(servers)}
    at = np.array([host_at.get(s.host, -1) for s in servers], np.int64)
    return Case(
        inventory, constraints, hosts, servers, host_at, server_at, at,
        _moves(schedule.moves, host_at, server_at, at),
        _outages(schedule.visits, host_at),
        schedule.visits,
        tuple((server_at[server], host_at[host]) for server, host in schedule.stays),
    )  # fmt: skip


def _moves(nouns: tuple[Move, ...], host_at: dict[str, int], server_at: dict[str, int], at: Ints) -> Moves:
    start = np.array([m.start_s for m in nouns], np.float64)
    end = np.array([m.end_s for m in nouns], np.float64)
    server = np.array([server_at[m.server] for m in nouns], np.int64)
    order = np.lexsort((end, start, server))
    server = server[order]
    source = np.array([host_at[m.source] for m in nouns], np.int64)[order]
    destination = np.array([host_at[m.destination] for m in nouns], np.int64)[order]
    origin = at[server]
    again = np.flatnonzero(server[1:] == server[:-1]) + 1
    origin[again] = destination[again - 1]
    offsets = np.searchsorted(server, np.arange(len(at) + 1))
    in_order = tuple(nouns[i] for i in order.tolist())
    return Moves(in_order, server, source, origin, destination, start[order], end[order], offsets)


def _outages(visits: tuple[Visit, ...], host_at: dict[str, int]) -> Outages:
    never = np.full((3, len(host_at)), np.inf)
    visited = np.array([host_at[v.host] for v in visits], np.int64)
    if len(visits):
        never[:, visited] = np.array([(v.closed_s, v.offline_s, v.back_s) for v in visits], np.float64).T
    return Outages(never[0], never[1], never[2], visited)
