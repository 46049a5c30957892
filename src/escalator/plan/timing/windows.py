"""Large timings, near to exact: a few migrations around a late one are timed anew by CP-SAT, again and again.

Which: the latest, and by turns those that start nearest to it, or those that share its pools and stores, and theirs (a
seeded draw). The rest stay where they are, so that each answer is a whole timing. An answer is kept if less comes later
than the target.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from escalator.plan.timing.exact import Ask, solve
from escalator.plan.timing.needs import Needs

SIZES = (30, 60, 120)
"""How many migrations are timed anew at once: more after each window that brought nothing."""
GIVE_UP = 12
"""Windows in a row that brought nothing."""
SHARE = 10
"""A window may take this part of the whole effort."""


@dataclass(frozen=True, slots=True)
class Improved:
    """Starts in ticks, and CP-SAT's deterministic time that went into them."""

    starts: tuple[int, ...]
    spent: float


def improve(needs: Needs, starts: tuple[int, ...], target: int, effort: float, seed: int) -> Improved:
    """Until nothing is later than ``target``, or the effort is spent, or nothing helps any more."""
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose
    neighbours = _Neighbours(needs)
    spent, idle = 0.0, 0
    while spent < effort and idle < GIVE_UP:
        late = sorted(
            (i for i in range(needs.count) if needs.end(i, starts[i]) > target),
            key=lambda i: (-needs.end(i, starts[i]), i),
        )
        if not late:
            break
        kind, turn = idle % 2, idle // 2
        centre, size = late[turn // len(SIZES) % len(late)], SIZES[turn % len(SIZES)]
        free = neighbours.around(centre, size, draw) if kind else _nearest(starts, centre, size)
        fixed = {i: start for i, start in enumerate(starts) if i not in free}
        ask = Ask(
            needs.makespan(starts), starts, fixed, target=target, effort=min(effort - spent, effort / SHARE),
            seed=seed,
        )  # fmt: skip
        answer = solve(needs, ask)
        spent += max(answer.spent, effort / 1000)
        if answer.starts and _late(needs, answer.starts, target) < _late(needs, starts, target):
            starts, idle = answer.starts, 0
        else:
            idle += 1
    return Improved(starts, spent)


def _nearest(starts: tuple[int, ...], centre: int, size: int) -> set[int]:
    return set(sorted(range(len(starts)), key=lambda i: (abs(starts[i] - starts[centre]), i))[:size])


def _late(needs: Needs, starts: tuple[int, ...], target: int) -> tuple[int, int]:
    over = [max(0, needs.end(i, start) - target) for i, start in enumerate(starts)]
    return max(over), sum(over)


class _Neighbours:
    """Who shares a pool or a store with whom."""

    def __init__(self, needs: Needs) -> None:
        self.sets = [tuple(i for i, _ in pool.users) for pool in needs.pools]
        self.sets += [tuple(i for i, _ in (*store.coming, *store.going)) for store in needs.stores]
        self.of: list[list[int]] = [[] for _ in range(needs.count)]
        for n, members in enumerate(self.sets):
            for i in members:
                self.of[i].append(n)

    def around(self, centre: int, size: int, draw: random.Random) -> set[int]:
        """Up to ``size`` of them, ``centre`` first: its smallest sets first, in them at random."""
        chosen, ring = {centre}, [centre]
        while ring and len(chosen) < size:
            shared = sorted({n for i in ring for n in self.of[i]}, key=lambda n: (len(self.sets[n]), n))
            fresh: list[int] = []
            for n in shared:
                members = [i for i in self.sets[n] if i not in chosen]
                members = draw.sample(members, min(len(members), max(1, size // 2), size - len(chosen)))
                chosen.update(members)
                fresh += members
            ring = fresh
        return chosen
