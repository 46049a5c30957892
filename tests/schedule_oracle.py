"""What is wrong with a small schedule, found by looking at every instant, every server and every host, one by one.

Slow and plain on purpose: it shares nothing with the checker but the nouns, sorts nothing, keeps no running sums. It
expects known ids and sane times. An instant is anything at which something begins or ends, the moments between, one
before all of them and one behind. Half open: at its end, an interval is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, product
from math import ceil

from escalator.model.compute import Hypervisor, Mobility, Server, ServerGroup
from escalator.model.findings import Severity
from escalator.model.inventory import Inventory
from escalator.model.maintenance import BySize, Constraints, MaintenanceInfo
from escalator.model.schedule import Move, Schedule, Visit
from escalator.model.versions import compare

Verdict = tuple[Severity, str, str]  # severity, rule, subject
REFUSED, WARNING = Severity.REFUSED, Severity.WARNING
BEFORE = -1.0


@dataclass(frozen=True)
class Stop:
    """One stay of a server on a host, its way there and its way from there included."""

    host: str
    since: float
    until: float


@dataclass(frozen=True)
class Oracle:
    schedule: Schedule
    inventory: Inventory
    constraints: Constraints

    def verdicts(self) -> set[Verdict]:
        rules = (
            self.continuity, self.empty, self.stays, self.closed, self.capacity, self.numa, self.reserve, self.impacted,
            self.recovery, self.anti_affinity, self.affinity, self.soft, self.destination, self.versions, self.slots,
            self.links, self.trunks, self.outages, self.lead, self.consent, self.count, self.visit_time,
        )  # fmt: skip
        site = self.inventory.site
        return {
            (severity, name, f"{site}/{subject}" if subject else site)
            for rule in rules for severity, name, subject in rule()
        }  # fmt: skip

    # what is where, when

    @cached_property
    def hosts(self) -> dict[str, Hypervisor]:
        return {h.host: h for h in self.inventory.hypervisors}

    @cached_property
    def servers(self) -> dict[str, Server]:
        return {s.id: s for s in self.inventory.servers}

    def visit(self, host: str) -> Visit | None:
        return next((v for v in self.schedule.visits if v.host == host), None)

    def moves_of(self, server: str) -> list[Move]:
        return sorted((m for m in self.schedule.moves if m.server == server), key=lambda m: (m.start_s, m.end_s))

    @cached_property
    def stops(self) -> dict[str, list[Stop]]:
        found = {}
        for name, server in self.servers.items():
            moves = self.moves_of(name)
            begins = [float("-inf"), *(m.start_s for m in moves)]
            ends = [*(m.end_s for m in moves), float("inf")]
            hosts = [server.host, *(m.destination for m in moves)]
            found[name] = [Stop(h, b, e) for h, b, e in zip(hosts, begins, ends, strict=True) if h in self.hosts]
        return found

    def held(self, server: str, t: float) -> list[str]:
        """The hosts that hold a server, one entry for each stop: two while it is under way."""
        return [stop.host for stop in self.stops[server] if stop.since <= t < stop.until]

    @cached_property
    def instants(self) -> list[float]:
        times = {0.0}
        for m in self.schedule.moves:
            times |= {m.start_s, m.end_s} | {m.end_s + row.recovery_s for row in self.infos}
        for v in self.schedule.visits:
            times |= {v.closed_s, v.offline_s, v.back_s} | {v.back_s + row.recovery_s for row in self.infos}
        edges = sorted(times)
        between = [(a + b) / 2 for a, b in pairwise(edges)]
        return [BEFORE, *sorted({*edges, *between}), edges[-1] + 1]

    @cached_property
    def infos(self) -> tuple[MaintenanceInfo, ...]:
        return (self.constraints.default, *self.constraints.groups)

    def under_way(self, t: float) -> list[Move]:
        return [m for m in self.schedule.moves if m.start_s <= t < m.end_s]

    def offline(self, host: str, t: float) -> bool:
        visit = self.visit(host)
        return visit is not None and visit.offline_s <= t < visit.back_s

    def shut(self, host: str, t: float) -> bool:
        visit = self.visit(host)
        return visit is not None and visit.closed_s <= t < visit.back_s

    def used(self, host: str, resource: str, t: float) -> int:
        return sum(self.held(s, t).count(host) * noun.resources.get(resource, 0) for s, noun in self.servers.items())

    @cached_property
    def resources(self) -> set[str]:
        return {r for h in self.hosts.values() for r in h.stock} | {
            r for s in self.servers.values() for r in s.resources
        }

    def can_hold(self, host: str, resource: str) -> int:
        stock = self.hosts[host].stock.get(resource)
        return stock.capacity if stock else 0

    # rules

    def continuity(self) -> Iterator[Verdict]:
        for name, server in self.servers.items():
            place, free_from = server.host, 0.0
            for move in self.moves_of(name):
                if move.source != place or move.start_s < free_from or move.source == move.destination:
                    yield REFUSED, "move.continuous", name
                place, free_from = move.destination, move.end_s

    def empty(self) -> Iterator[Verdict]:
        for t, host, server in product(self.instants, self.hosts, self.servers):
            listed = (server, host) in self.schedule.stays
            if self.offline(host, t) and host in self.held(server, t) and not listed:
                yield REFUSED, "host.empty", host

    def stays(self) -> Iterator[Verdict]:
        for server, host in self.schedule.stays:
            outage = [t for t in self.instants if self.offline(host, t)]
            stops = [s for s in self.stops[server] if s.host == host]
            if not any(all(s.since <= t < s.until for t in outage) for s in stops):
                yield REFUSED, "host.stays", server

    def closed(self) -> Iterator[Verdict]:
        for t in self.instants:
            for move in self.under_way(t):
                if self.shut(move.destination, t):
                    yield REFUSED, "host.closed", move.server

    def capacity(self) -> Iterator[Verdict]:
        for host, resource in product(self.hosts, self.resources):
            limit = self.can_hold(host, resource)
            if self.used(host, resource, BEFORE) > limit:
                yield WARNING, "capacity.fits", host
            for t in self.instants:
                lands = [m for m in self.schedule.moves if m.start_s == t and m.destination == host]
                takes = any(self.servers[m.server].resources.get(resource, 0) for m in lands)
                if takes and self.used(host, resource, t) > limit:
                    yield REFUSED, "capacity.fits", host

    def numa(self) -> Iterator[Verdict]:
        """Refused ones only: the warnings speak of what can't be known."""
        for t in self.instants:
            for move in self.schedule.moves:
                host = self.hosts[move.destination]
                if move.start_s == t and self.servers[move.server].numa_nodes and host.cells:
                    there = [s for n, s in self.servers.items() for h in self.held(n, t) if h == host.host]
                    if not arrangements(host, [s for s in there if s.numa_nodes]):
                        yield REFUSED, "capacity.numa", host.host

    def reserve(self) -> Iterator[Verdict]:
        most = self.constraints.limits.reserve_hosts
        matters = {t for s in self.servers.values() for t in s.traits | s.forbidden}

        def kind(h: Hypervisor) -> tuple[str, list[str], list[str]]:
            return h.zone, sorted(h.aggregates), sorted(h.traits & matters)

        usable = [h for h in self.hosts.values() if h.state == "up" and h.status == "enabled"]
        for first, resource in product(usable, self.resources):
            pool = [h.host for h in usable if kind(h) == kind(first)]
            need = sum(sorted((self.can_hold(h, resource) for h in pool), reverse=True)[:most])

            def free(t: float, pool: list[str] = pool, resource: str = resource) -> int:
                on = [h for h in pool if not self.offline(h, t)]
                return sum(max(0, self.can_hold(h, resource) - self.used(h, resource, t)) for h in on)

            subject = "+".join([first.zone, *kind(first)[1], *kind(first)[2]])
            if any(free(t) < need and free(t) < free(BEFORE) for t in self.instants):
                yield REFUSED, "capacity.reserve", subject
            elif free(BEFORE) < need:
                yield WARNING, "capacity.reserve", subject

    @cached_property
    def groups(self) -> dict[str, tuple[ServerGroup, list[str]]]:
        names = [g.id for g in self.inventory.server_groups]
        names += sorted({s.group for s in self.servers.values() if s.group} - set(names))
        known = {g.id: g for g in self.inventory.server_groups}
        found = {}
        for name in names:
            group = known.get(name, ServerGroup(name, "", "", ()))
            members = [s for s, noun in self.servers.items() if s in group.members or noun.group == name]
            if members:
                found[name] = group, members
        return found

    def promises(self) -> Iterator[tuple[str, MaintenanceInfo, list[str]]]:
        """Who was promised what: each group, each server that is named, each that nothing else speaks of."""
        entries = self.constraints.groups
        for name, (_, members) in self.groups.items():
            own = [e for e in entries if e.group == name] or [self.constraints.default]
            yield from ((name, info, members) for info in own)
        for name in self.servers:
            own = [e for e in entries if e.group == name]
            yield from ((name, info, [name]) for info in own)
            if not own and not any(name in members for _, members in self.groups.values()):
                yield name, self.constraints.default, [name]

    def befalls(self, server: str) -> list[tuple[float, float]]:
        found = [(m.start_s, m.end_s) for m in self.schedule.moves if m.server == server]
        for name, host in set(self.schedule.stays):
            visit = self.visit(host)
            if name == server and visit:
                found.append((visit.offline_s, visit.back_s))
        return sorted(found)

    def impacted(self) -> Iterator[Verdict]:
        for name, info, members in self.promises():
            most = min(
                of_size(info.max_impacted, len(members), len(members)),
                len(members) - of_size(info.min_preserved, len(members), 0),
            )
            for t in self.instants:
                hit = [m for m in members if any(a <= t < b + info.recovery_s for a, b in self.befalls(m))]
                if len(hit) > max(0, most):
                    yield REFUSED, "group.impacted", name

    def recovery(self) -> Iterator[Verdict]:
        for _, info, members in self.promises():
            for member in members:
                for (_, end), (start, _) in combinations(self.befalls(member), 2):
                    if start < end + info.recovery_s:
                        yield REFUSED, "group.recovery", member

    def anti_affinity(self) -> Iterator[Verdict]:
        for name, (group, members) in self.groups.items():
            if group.policy != "anti-affinity":
                continue
            for t, host in product(self.instants, self.hosts):
                count = sum(self.held(m, t).count(host) for m in members)
                if count <= max(1, group.max_per_host):
                    continue
                if t == BEFORE:
                    yield WARNING, "group.anti-affinity", name
                if any(m.server in members and m.start_s == t and m.destination == host for m in self.schedule.moves):
                    yield REFUSED, "group.anti-affinity", name

    def affinity(self) -> Iterator[Verdict]:
        for name, (group, members) in self.groups.items():
            placed = [m for m in members if self.servers[m].host in self.hosts]
            if group.policy != "affinity" or not placed:
                continue
            holds = [[set(self.held(m, t)) for m in placed] for t in self.instants]
            common = [set.intersection(*sets) for sets in holds]
            begin = None
            for i, shared in enumerate([*common, {"the end"}]):
                if not shared and begin is None:
                    begin = i
                if shared and begin is not None:
                    seen = set().union(*(hosts for sets in holds[begin:i] for hosts in sets))
                    came, went = common[begin - 1] if begin else set(), shared
                    whole = any(seen == {x, y} and x != y for x in came for y in went)
                    yield WARNING if begin == 0 or whole else REFUSED, "group.affinity", name
                    begin = None

    def soft(self) -> Iterator[Verdict]:
        for name, (group, members) in self.groups.items():
            counts = []
            for t in (BEFORE, self.instants[-1]):
                on = Counter(h for m in members if self.servers[m].host in self.hosts for h in self.held(m, t))
                if group.policy == "soft-affinity":
                    counts.append(len(on))
                if group.policy == "soft-anti-affinity":
                    counts.append(
                        sum(n - max(1, group.max_per_host) for n in on.values() if n > max(1, group.max_per_host))
                    )
            if counts and counts[1] > counts[0]:
                yield WARNING, "group.soft", name

    def destination(self) -> Iterator[Verdict]:
        for move in self.schedule.moves:
            server, to = self.servers[move.server], self.hosts[move.destination]
            right_zone = server.zone in ("", to.zone)
            right_aggregate = not server.aggregates or any(a in to.aggregates for a in server.aggregates)
            right_traits = all(t in to.traits for t in server.traits) and not any(
                t in to.traits for t in server.forbidden
            )
            if not (right_zone and right_aggregate and right_traits and self.hosts[move.source].kind == to.kind):
                yield REFUSED, "destination.allowed", move.server
            if to.state != "up" or to.status != "enabled":
                yield REFUSED, "destination.usable", move.server

    def versions(self) -> Iterator[Verdict]:
        for move in self.schedule.moves:
            at, to = self.visit(move.source), self.visit(move.destination)
            difference = compare(self.hosts[move.destination].version, self.hosts[move.source].version)
            left_new = at is not None and at.back_s <= move.start_s
            if to is not None and to.back_s <= move.start_s:
                continue  # upgraded: as new as can be
            if difference < 0 or (left_new and (to is not None or difference == 0)):
                yield REFUSED, "destination.newer", move.server
            elif at is not None and to is not None:
                yield WARNING, "move.twice", move.server
            elif at is not None and difference == 0:
                yield WARNING, "destination.newer", move.server

    def slots(self) -> Iterator[Verdict]:
        limits = self.constraints.limits
        for t in self.instants:
            moves = self.under_way(t)
            for host in self.hosts:
                if sum(m.source == host for m in moves) > max(1, limits.out_slots):
                    yield REFUSED, "slots.out", host
                if sum(m.destination == host for m in moves) > max(1, limits.in_slots):
                    yield REFUSED, "slots.in", host
            if limits.migrations and len(moves) > limits.migrations:
                yield REFUSED, "slots.all", ""

    def links(self) -> Iterator[Verdict]:
        each = self.constraints.limits.migration_mbit_s
        for t, host in product(self.instants, self.hosts.values()):
            out = sum(each for m in self.under_way(t) if m.source == host.host)
            into = sum(each for m in self.under_way(t) if m.destination == host.host)
            if host.link_mbit_s and max(out, into) > host.link_mbit_s:
                yield REFUSED, "links.host", host.host

    def sets_of(self, prefix: str) -> dict[str, set[str]]:
        names = {n for h in self.hosts.values() for n in h.failure_sets if n.split(":")[0] == prefix or n == prefix}
        return {n: {h.host for h in self.hosts.values() if n in h.failure_sets} for n in names}

    def trunks(self) -> Iterator[Verdict]:
        each = self.constraints.limits.migration_mbit_s
        for prefix, share in self.constraints.limits.set_mbit_s:
            for t, (name, inside) in product(self.instants, self.sets_of(prefix).items()):
                moves = self.under_way(t)
                out = sum(each for m in moves if m.source in inside and m.destination not in inside)
                into = sum(each for m in moves if m.source not in inside and m.destination in inside)
                if share and max(out, into) > share:
                    yield REFUSED, "links.trunk", name

    def outages(self) -> Iterator[Verdict]:
        limits = self.constraints.limits
        for t in self.instants:
            if limits.hosts_at_once and sum(self.shut(h, t) for h in self.hosts) > limits.hosts_at_once:
                yield REFUSED, "hosts.at-once", ""
            for prefix, most in limits.offline_per_set:
                for name, inside in self.sets_of(prefix).items():
                    if most and sum(self.offline(h, t) for h in inside) > most:
                        yield REFUSED, "hosts.per-set", name

    def said(self, server: str) -> list[MaintenanceInfo]:
        names = {server} | {name for name, (_, members) in self.groups.items() if server in members}
        return [e for e in self.constraints.groups if e.group in names] or [self.constraints.default]

    def lead(self) -> Iterator[Verdict]:
        for server in self.servers:
            if any(start < info.lead_s for start, _ in self.befalls(server) for info in self.said(server)):
                yield REFUSED, "notice.lead", server

    def consent(self) -> Iterator[Verdict]:
        rough = [Mobility.LIVE, Mobility.OWN, Mobility.COLD]
        for move in self.schedule.moves:
            mobility = self.servers[move.server].mobility
            if mobility is Mobility.NONE or move.how not in rough[rough.index(mobility) :]:
                yield REFUSED, "consent.mobility", move.server
            if not all(move.how in info.migration_types for info in self.said(move.server)):
                yield REFUSED, "consent.way", move.server
        for server, _ in self.schedule.stays:
            ways = (Mobility.OWN, Mobility.COLD)
            if not any(all(way in info.migration_types for info in self.said(server)) for way in ways):
                yield REFUSED, "consent.way", server

    def count(self) -> Iterator[Verdict]:
        for server in self.servers:
            if len(self.moves_of(server)) > 1:
                yield WARNING, "move.once", server

    def visit_time(self) -> Iterator[Verdict]:
        for visit in self.schedule.visits:
            if visit.back_s - visit.offline_s < self.constraints.limits.host_offline_s:
                yield WARNING, "visit.time", visit.host


def of_size(entries: tuple[BySize, ...], size: int, otherwise: int) -> int:
    """ETSI's numbers by group size: of the entries that the group reaches the one for the largest group."""
    reached = [e for e in entries if e.group_size <= size]
    return max(reached, key=lambda e: e.group_size).instances if reached else otherwise


def arrangements(host: Hypervisor, servers: list[Server]) -> bool:
    """Whether there is any way to lay servers into cells: all of them are tried."""
    cells = range(len(host.cells))
    classes = {c for cell in host.cells for c in cell}

    def share(server: Server, resource: str) -> int:
        return ceil(server.resources.get(resource, 0) / server.numa_nodes)

    for ways in product(*(combinations(cells, s.numa_nodes) for s in servers)):
        laid = list(zip(servers, ways, strict=True))
        if all(
            sum(share(s, c) for s, way in laid if cell in way)
            <= int(host.cells[cell].get(c, 0) * (host.stock[c].ratio if c in host.stock else 1))
            and all(share(s, c) <= host.cells[cell].get(c, 0) for s, way in laid if cell in way)
            for cell in cells for c in classes
        ):  # fmt: skip
            return True
    return False


def verdicts(schedule: Schedule, inventory: Inventory, constraints: Constraints) -> set[Verdict]:
    """What the oracle says: severity, rule and subject of all that is wrong."""
    return Oracle(schedule, inventory, constraints).verdicts()
