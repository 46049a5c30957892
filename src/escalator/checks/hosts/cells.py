"""Which servers fit beside each other on the NUMA cells of one host.

A server spread over n cells takes an n-th of its amounts (rounded up) in each of n different cells. As in Nova's
``numa_fit_instance_to_host`` the allocation ratio of the class holds for the cell, no server may take more of one
cell than the cell really has, and servers without a NUMA topology are not counted. Only the classes that the host's
cells list are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from escalator.model.compute import Hypervisor, Server

SEARCH = 5_000
"""How many places one exact search tries; a host has a few cells and a few dozen servers."""

Amounts = tuple[int, ...]  # of the host's cell classes, in their order
Places = tuple[int, ...]  # cells


class UndecidedError(Exception):
    """The exact search ran out of tries; caught by the rule, which says so in a finding."""


@dataclass
class Allowance:
    """How many tries all searches of one check have left, so that many full hosts can't make it slow."""

    left: int

    def spend(self) -> None:
        """One try; raises :class:`UndecidedError` where there is none left."""
        self.left -= 1
        if self.left < 0:
            raise UndecidedError


@dataclass(frozen=True)
class Cells:
    """The cells of one host: their real amounts, and what may be allocated of them."""

    classes: tuple[str, ...]
    real: tuple[Amounts, ...]
    limits: tuple[Amounts, ...]

    def share(self, server: Server) -> Amounts:
        """What a server takes of each of its cells."""
        return tuple(-(-server.resources.get(c, 0) // server.numa_nodes) for c in self.classes)

    def choices(self, free: Sequence[Amounts], share: Amounts, count: int) -> Iterator[Places]:
        """Every set of ``count`` cells that take a share, the fullest first; of cells that are alike only one way."""
        fitting = [
            cell for cell, (left, real) in enumerate(zip(free, self.real, strict=True))
            if all(map(int.__le__, share, left)) and all(map(int.__le__, share, real))
        ]  # fmt: skip
        fitting.sort(key=lambda cell: free[cell])
        seen = set()
        for places in combinations(fitting, count):
            alike = tuple((free[cell], self.real[cell]) for cell in places)
            if alike not in seen:
                seen.add(alike)
                yield places


def cells_of(host: Hypervisor) -> Cells:
    """Read a host's cells."""
    classes = tuple(sorted({c for cell in host.cells for c in cell}))
    ratios = [host.stock[c].ratio if c in host.stock else 1.0 for c in classes]
    real = tuple(tuple(cell.get(c, 0) for c in classes) for cell in host.cells)
    limits = tuple(tuple(int(amount * r) for amount, r in zip(cell, ratios, strict=True)) for cell in real)
    return Cells(classes, real, limits)


def take(free: Sequence[Amounts], share: Amounts, places: Places, sign: int = 1) -> list[Amounts]:
    """What is free once a share was taken (sign -1: given back) in some cells."""
    return [
        tuple(f - sign * s for f, s in zip(left, share, strict=True)) if cell in places else left
        for cell, left in enumerate(free)
    ]


def arrange(cells: Cells, servers: Sequence[Server], allowance: Allowance) -> list[Places] | None:
    """Places for all these servers at once, or None: there are none. Raises :class:`UndecidedError`."""
    shares = [cells.share(server) for server in servers]
    order = sorted(range(len(servers)), key=lambda i: (servers[i].numa_nodes, shares[i]), reverse=True)
    placed: dict[int, Places] = {}
    hopeless: set[tuple[int, tuple[tuple[Amounts, Amounts], ...]]] = set()
    own = Allowance(SEARCH)

    def place(depth: int, free: Sequence[Amounts]) -> bool:
        if depth == len(order):
            return True
        state = depth, tuple(sorted(zip(free, cells.real, strict=True)))
        if state in hopeless:
            return False
        which = order[depth]
        for places in cells.choices(free, shares[which], servers[which].numa_nodes):
            own.spend()
            allowance.spend()
            placed[which] = places
            if place(depth + 1, take(free, shares[which], places)):
                return True
        hopeless.add(state)
        return False

    return [placed[i] for i in range(len(servers))] if place(0, cells.limits) else None
