"""List scheduling: at every moment, what may start does, in an order of preference; several orders, the best is kept.

Each pool and each store keeps those that wait for it, so that what is given back wakes only its own waiters. Late ones
and those that found no room get more preference in the next round (squeaky wheel: Joslin and Clements, 1999).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from escalator.plan.timing.needs import Needs

Key = tuple[float, int]


@dataclass(frozen=True, slots=True)
class Listed:
    """Starts in ticks by position; ``stuck``: those that never found room (their starts mean nothing)."""

    starts: tuple[int, ...]
    makespan: int
    stuck: tuple[int, ...] = ()

    @property
    def merit(self) -> tuple[int, int]:
        """The smaller, the better."""
        return len(self.stuck), self.makespan


@dataclass
class _Level:
    """What is left of a pool or a store, and who waits for it; ``least``: the smallest amount that anybody takes."""

    left: int
    least: int
    waiting: list[Key] = field(default_factory=list)


@dataclass
class _Run:
    """One pass over time."""

    needs: Needs
    rank: Sequence[float]
    levels: list[_Level]
    takes: Sequence[Sequence[tuple[int, int]]]  # by transfer: level, amount taken at the start
    gives: Sequence[Sequence[tuple[int, int, int]]]  # by transfer: lag, level, amount given back
    starts: list[int]
    events: list[tuple[int, int, int, int]] = field(default_factory=list)  # time, kind, level or transfer, amount

    def offer(self, i: int, now: int) -> _Level | None:
        """Start ``i``, or say which level is in its way."""
        for level, amount in self.takes[i]:
            if self.levels[level].left < amount:
                return self.levels[level]
        for level, amount in self.takes[i]:
            self.levels[level].left -= amount
        self.starts[i] = now
        end = now + self.needs.durations[i]
        for lag, level, amount in self.gives[i]:
            heapq.heappush(self.events, (end + lag, 1, level, amount))
        return None

    def queue(self, i: int, level: _Level) -> None:
        heapq.heappush(level.waiting, (self.rank[i], i))

    def wake(self, touched: Sequence[int], now: int) -> None:
        """Offer to those that wait for the touched levels, the preferred first, while anything is left."""
        tops = [(self.levels[n].waiting[0], n) for n in touched if self.levels[n].waiting]
        heapq.heapify(tops)
        aside: list[tuple[int, _Level]] = []
        while tops:
            top, n = heapq.heappop(tops)
            level = self.levels[n]
            if level.left < level.least or not level.waiting:
                continue
            if level.waiting[0] == top:
                heapq.heappop(level.waiting)
                blocked = self.offer(top[1], now)
                if blocked is level:
                    aside.append((top[1], level))
                elif blocked is not None:
                    self.queue(top[1], blocked)
            if level.waiting:
                heapq.heappush(tops, (level.waiting[0], n))
        for i, level in aside:
            self.queue(i, level)


def schedule(needs: Needs, rank: Sequence[float]) -> Listed:
    """One pass: the lowest rank is preferred."""
    run = _begin(needs, rank)
    order = sorted(range(needs.count), key=lambda i: (rank[i], i))
    for i in order:
        if needs.readies[i]:
            heapq.heappush(run.events, (needs.readies[i], 2, i, 0))
        elif (level := run.offer(i, 0)) is not None:
            run.queue(i, level)
    while run.events:
        now = run.events[0][0]
        touched, ready = [], []
        while run.events and run.events[0][0] == now:
            _, kind, which, amount = heapq.heappop(run.events)
            if kind == 1:
                run.levels[which].left += amount
                touched.append(which)
            else:
                ready.append(which)
        run.wake(sorted(set(touched)), now)
        for i in sorted(ready, key=lambda i: (rank[i], i)):
            if (level := run.offer(i, now)) is not None:
                run.queue(i, level)
    stuck = tuple(i for i, start in enumerate(run.starts) if start < 0)
    return Listed(tuple(run.starts), needs.makespan(run.starts), stuck)


def _begin(needs: Needs, rank: Sequence[float]) -> _Run:
    takes: list[list[tuple[int, int]]] = [[] for _ in range(needs.count)]
    gives: list[list[tuple[int, int, int]]] = [[] for _ in range(needs.count)]
    levels = []
    for pool in needs.pools:
        levels.append(_Level(pool.capacity, min(a for _, a in pool.users)))
        for i, amount in pool.users:
            takes[i].append((len(levels) - 1, amount))
            gives[i].append((pool.lag, len(levels) - 1, amount))
    for store in needs.stores:
        levels.append(_Level(store.free, min(a for _, a in store.coming)))
        for i, amount in store.coming:
            takes[i].append((len(levels) - 1, amount))
        for i, amount in store.going:
            gives[i].append((0, len(levels) - 1, amount))
    return _Run(needs, rank, levels, takes, gives, [-1] * needs.count)


def best(needs: Needs, target: int, rounds: int) -> Listed:
    """The best of several rules and of ``rounds`` improving passes; stops at a makespan of ``target``."""
    found: Listed | None = None
    rank: Sequence[float] = ()
    for candidate in _rules(needs):
        listed = schedule(needs, candidate)
        if found is None or listed.merit < found.merit:
            found, rank = listed, candidate
        if found.merit <= (0, target):
            return found
    if found is None:
        return Listed((), 0)
    return _squeaky(needs, target, rounds, found, list(rank))


def _rules(needs: Needs) -> Iterator[list[float]]:
    """Longest first; busiest pool first; what frees room that others wait for first; as given."""
    after = [needs.durations[i] + needs.tails[i] for i in range(needs.count)]
    yield [-float(x) for x in after]
    load = [sum(a * needs.durations[i] for i, a in p.users) / p.capacity for p in needs.pools]
    busy = [max((load[p] for p, _ in needs.pools_of[i]), default=0.0) for i in range(needs.count)]
    yield [-(b + x) for b, x in zip(busy, after, strict=True)]
    frees = [0.0] * needs.count
    for store in needs.stores:
        lack = sum(a for _, a in store.coming) - store.free
        for i, amount in store.going:
            frees[i] += min(amount, lack) / lack
    span = float(needs.makespan([0] * needs.count))
    yield [-(b + x + span * f) for b, x, f in zip(busy, after, frees, strict=True)]
    yield [float(i) for i in range(needs.count)]


def _squeaky(needs: Needs, target: int, rounds: int, found: Listed, rank: list[float]) -> Listed:
    """Raise who was late or stuck, pass again, keep the best."""
    last = found
    lift = (max(rank) - min(rank) + 1.0) / 8
    for _ in range(rounds):
        if found.merit <= (0, target):
            break
        stuck = set(last.stuck)
        late = max(1, last.makespan - target)
        for i in range(needs.count):
            over = needs.end(i, last.starts[i]) - target
            if i in stuck:
                rank[i] -= lift
            elif over > 0:
                rank[i] -= lift * over / late
        last = schedule(needs, rank)
        if last.merit < found.merit:
            found = last
    return found
