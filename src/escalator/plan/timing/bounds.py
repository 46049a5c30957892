"""No timing ends sooner: what each pool's work, its slots in whole batches, and the longest single way take.

Of scheduling.md's bounds these are B4 (groups) and B5 (links, slots), with heads (not before) and tails (what follows).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from escalator.plan.timing.needs import Needs, Pool, Store


@dataclass(frozen=True, slots=True, order=True)
class Least:
    """A bound in ticks and what it comes from."""

    ticks: int
    binds: str


def least(needs: Needs) -> Least:
    """The highest of all bounds."""
    longest = max(
        (Least(needs.end(i, needs.readies[i]), "the longest migration") for i in range(needs.count)),
        default=Least(0, ""),
    )
    pools = (*needs.pools, *in_flight(needs))
    return max([longest, *(_of_pool(needs, pool) for pool in pools)], key=lambda b: b.ticks)


def in_flight(needs: Needs) -> Iterator[Pool]:
    """What stores imply together, one pool for each resource class.

    Summed over all stores of a class, a migration from one to another of them takes only while it is under way, when it
    counts twice; those to elsewhere can but add to what is free, those from elsewhere take from it.
    """
    kinds: dict[str, list[Store]] = {}
    for store in needs.stores:
        kinds.setdefault(store.kind, []).append(store)
    for kind, stores in kinds.items():
        coming = {i for store in stores for i, _ in store.coming}
        going = [user for store in stores for user in store.going]
        inside = tuple(user for user in going if user[0] in coming)
        free = sum(store.free for store in stores) + sum(a for i, a in going if i not in coming)
        if sum(a for _, a in inside) > free:
            yield Pool(f"{kind} of all hosts together, as migrations count twice", free, inside)


def _of_pool(needs: Needs, pool: Pool) -> Least:
    """Work and batches of all its users, of those with the longest tails, and of those that are ready last."""
    by_tail = sorted(pool.users, key=lambda user: -needs.tails[user[0]])
    by_ready = sorted(pool.users, key=lambda user: -needs.readies[user[0]])
    return Least(max(_growing(needs, pool, by_tail), _growing(needs, pool, by_ready)), pool.name)


def _growing(needs: Needs, pool: Pool, users: Iterable[tuple[int, int]]) -> int:
    """The highest bound of any set that is a beginning of ``users``.

    The set's first start is at its least ready time or later, its last end is followed by its least tail at least. What
    lies between, with the recovery after the last end, has room for the capacity times its length.
    """
    if pool.capacity <= 0:
        return 0
    head = tail = shortest = 1 << 62
    smallest, work, best = pool.capacity, 0, 0
    for count, (i, amount) in enumerate(users, 1):
        length = needs.durations[i] + pool.lag
        head, tail = min(head, needs.readies[i]), min(tail, needs.tails[i])
        shortest, smallest = min(shortest, length), min(smallest, amount)
        work += amount * length
        batches = -(-count // (pool.capacity // smallest))
        span = max(-(-work // pool.capacity), batches * shortest)
        best = max(best, head + span - pool.lag + tail)
    return best
