"""Migrations that share no pool and no store that binds are timed apart from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from escalator.plan.timing.needs import Amounts, Needs


def parts_of(needs: Needs) -> Iterator[tuple[tuple[int, ...], Needs]]:
    """Each part: the positions of its transfers in the whole, and its own needs."""
    roots = _roots(needs)
    members: dict[int, list[int]] = {}
    for i in range(needs.count):
        members.setdefault(roots[i], []).append(i)
    pools: dict[int, list[int]] = {}
    for n, pool in enumerate(needs.pools):
        pools.setdefault(roots[pool.users[0][0]], []).append(n)
    stores: dict[int, list[int]] = {}
    for n, store in enumerate(needs.stores):
        stores.setdefault(roots[store.coming[0][0]], []).append(n)
    for root, positions in members.items():
        at = {position: i for i, position in enumerate(positions)}
        yield (
            tuple(positions),
            Needs(
                tuple(needs.durations[i] for i in positions),
                tuple(needs.readies[i] for i in positions),
                tuple(needs.tails[i] for i in positions),
                tuple(
                    replace(needs.pools[n], users=_renumbered(needs.pools[n].users, at)) for n in pools.get(root, ())
                ),
                tuple(
                    replace(
                        needs.stores[n],
                        coming=_renumbered(needs.stores[n].coming, at),
                        going=_renumbered(needs.stores[n].going, at),
                    )
                    for n in stores.get(root, ())
                ),
                needs.ticks_per_s,
            ),
        )


def _renumbered(amounts: Amounts, at: dict[int, int]) -> Amounts:
    return tuple((at[i], amount) for i, amount in amounts)


def _roots(needs: Needs) -> list[int]:
    """By transfer, the first of its part (union and find)."""
    parent = list(range(needs.count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    together: list[Iterable[tuple[int, int]]] = [pool.users for pool in needs.pools]
    together += [(*store.coming, *store.going) for store in needs.stores]
    for users in together:
        first, *others = (root(i) for i, _ in users)
        for other in others:
            a, b = sorted((root(first), root(other)))
            parent[b] = a
            first = a
    return [root(i) for i in range(needs.count)]
