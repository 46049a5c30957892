"""Migrations as whole numbers: how long each takes, which pools it draws on, which stores it empties and fills.

A *pool* gives and takes back: a link, slots, a group's budget (which comes back a recovery time later). A *store* is
what one host holds of a resource class: filled when a migration to it starts, emptied when one away from it ends.
Pools and stores that can't run out are left out. Times are rounded up to ticks: whole seconds where all times are, else
down to milliseconds; rates are rounded to kbit/s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from escalator.model.findings import Finding, Severity
from escalator.model.transfers import Transfer, Transfers

KBIT = 1000
REQUIREMENT = "EN-2"

Amounts = tuple[tuple[int, int], ...]
"""Positions of transfers, each with an amount."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What is taken at a start and given back ``lag`` ticks after the end."""

    name: str
    capacity: int
    users: Amounts
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Store:
    """What a host has free at the beginning, what comes at starts and what goes at ends."""

    name: str
    kind: str  # the resource class
    free: int
    coming: Amounts
    going: Amounts


@dataclass(frozen=True)
class Needs:
    """The problem in ticks, by position of the transfer."""

    durations: tuple[int, ...]
    readies: tuple[int, ...]
    tails: tuple[int, ...]
    pools: tuple[Pool, ...]
    stores: tuple[Store, ...]
    ticks_per_s: int = 1
    pools_of: tuple[tuple[tuple[int, int], ...], ...] = field(init=False)
    """By transfer: pools by position, with the amount that it takes."""

    def __post_init__(self) -> None:
        of: list[list[tuple[int, int]]] = [[] for _ in self.durations]
        for p, pool in enumerate(self.pools):
            for i, amount in pool.users:
                of[i].append((p, amount))
        object.__setattr__(self, "pools_of", tuple(map(tuple, of)))

    @property
    def count(self) -> int:
        """How many transfers."""
        return len(self.durations)

    def end(self, i: int, start: int) -> int:
        """When all is done that transfer ``i`` brings about, if it starts at ``start``."""
        return start + self.durations[i] + self.tails[i]

    def makespan(self, starts: Iterable[int]) -> int:
        """When all is done."""
        return max((self.end(i, start) for i, start in enumerate(starts)), default=0)


def needs_of(case: Transfers) -> Needs:
    """Count everything in ticks, and drop what can't run out."""
    scale = _scale(case)
    pools = tuple(p for p in _pools(case, scale) if sum(a for _, a in p.users) > p.capacity)
    stores = tuple(s for s in _stores(case) if s.coming and sum(a for _, a in s.coming) > s.free)
    return Needs(
        tuple(max(1, _ticks(t.duration_s, scale)) for t in case.transfers),
        tuple(_ticks(t.ready_s, scale) for t in case.transfers),
        tuple(_ticks(t.tail_s, scale) for t in case.transfers),
        pools,
        stores,
        scale,
    )


def impossible(case: Transfers, needs: Needs) -> tuple[Finding, ...]:
    """Transfers that can't be made at any time, each with the reason."""
    found = []
    for pool in needs.pools:
        for i, amount in pool.users:
            if amount > pool.capacity:
                text = f"{case.transfers[i].server} can't move: {pool.name} allows {pool.capacity}, it takes {amount}"
                found.append(_refuse(case.transfers[i], text))
    for store in needs.stores:
        going = dict(store.going)
        for i, amount in store.coming:
            most = store.free + sum(going.values()) - going.get(i, 0)
            if amount > most or store.free < 0:
                lacks = f"{amount} needed, {most} at most will be free"
                text = f"there is no room for {case.transfers[i].server} on its host ({store.name}): {lacks}"
                found.append(_refuse(case.transfers[i], text))
    return tuple(found)


def _refuse(transfer: Transfer, text: str) -> Finding:
    hint = "give it another destination, or free room there"
    return Finding(Severity.REFUSED, "timing.impossible", transfer.server, text, REQUIREMENT, hint)


def _scale(case: Transfers) -> int:
    """Ticks per second: the fewest that keep all times whole, 1000 at most."""
    times = [x for t in case.transfers for x in (t.duration_s, t.ready_s, t.tail_s)]
    times += [b.recovery_s for b in case.budgets]
    for scale in (1, 10, 100):
        if all(abs(x * scale - round(x * scale)) < 1e-6 for x in times):  # noqa: PLR2004 - far below any tick
            return scale
    return 1000


def _ticks(seconds: float, scale: int) -> int:
    return math.ceil(seconds * scale - 1e-6)


def _pools(case: Transfers, scale: int) -> Iterator[Pool]:
    leaving, coming = _by_host(case, "source"), _by_host(case, "destination")
    if case.at_once:
        yield Pool("migrations at once", case.at_once, tuple((i, 1) for i in range(len(case.transfers))))
    for host, room in case.rooms.items():
        yield from _ends(case, f"out of {host}", leaving.get(host, ()), room.out_slots, room.out_mbit_s)
        yield from _ends(case, f"into {host}", coming.get(host, ()), room.in_slots, room.in_mbit_s)
    for trunk in case.trunks:
        inside = [(t.source in trunk.hosts, t.destination in trunk.hosts) for t in case.transfers]
        out = tuple(i for i, where in enumerate(inside) if where == (True, False))
        into = tuple(i for i, where in enumerate(inside) if where == (False, True))
        yield from _ends(case, f"out of {trunk.name}", out, 0, trunk.mbit_s)
        yield from _ends(case, f"into {trunk.name}", into, 0, trunk.mbit_s)
    members: dict[str, list[tuple[int, int]]] = {}
    for i, t in enumerate(case.transfers):
        for group in t.groups:
            members.setdefault(group, []).append((i, 1))
    for budget in case.budgets:
        hit = tuple(members.get(budget.group, ()))
        yield Pool(f"group {budget.group}", budget.at_once, hit, _ticks(budget.recovery_s, scale))


def _by_host(case: Transfers, end: str) -> dict[str, tuple[int, ...]]:
    hosts: dict[str, list[int]] = {}
    for i, t in enumerate(case.transfers):
        hosts.setdefault(getattr(t, end), []).append(i)
    return {host: tuple(these) for host, these in hosts.items()}


def _ends(case: Transfers, name: str, these: tuple[int, ...], slots: int, mbit_s: float) -> Iterator[Pool]:
    if slots:
        yield Pool(f"slots {name}", slots, tuple((i, 1) for i in these))
    if mbit_s:
        shares = ((i, round(case.transfers[i].mbit_s * KBIT)) for i in these)
        yield Pool(f"link {name}", round(mbit_s * KBIT), tuple((i, share) for i, share in shares if share))


def _stores(case: Transfers) -> Iterator[Store]:
    leaving, coming = _by_host(case, "source"), _by_host(case, "destination")
    for host, room in case.rooms.items():
        for name, free in room.free.items():
            yield Store(
                f"{name} of {host}",
                name,
                free,
                _amounts(case, coming.get(host, ()), name),
                _amounts(case, leaving.get(host, ()), name),
            )


def _amounts(case: Transfers, these: tuple[int, ...], name: str) -> Amounts:
    pairs = ((i, case.transfers[i].resources.get(name, 0)) for i in these)
    return tuple((i, amount) for i, amount in pairs if amount)
