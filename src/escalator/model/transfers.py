"""Migrations whose destinations are fixed: what each needs and what there is of it. When each starts is to be decided.

Times are seconds since the first possible start, rates Mbit/s, amounts those of Placement's resource classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Transfer:
    """One server's way to a host that is fixed already.

    What it has (``resources``) is held at its destination from its start on, and at its source until its end: in flight
    it counts at both. ``mbit_s`` is what it takes of every link on its way, from start to end.
    """

    server: str
    source: str
    destination: str
    duration_s: float
    mbit_s: float = 0.0
    resources: dict[str, int] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    ready_s: float = 0.0  # not before: its owner's lead time
    tail_s: float = 0.0  # what follows its end and counts to the makespan: the upgrade of the host that it leaves


@dataclass(frozen=True, slots=True)
class Room:
    """What a host gives to migrations. 0 Mbit/s or slots: not limited; so is a resource class that is not named.

    Its link is full duplex: what leaves and what comes are limited each by itself.
    """

    free: dict[str, int] = field(default_factory=dict)  # before the first migration
    out_mbit_s: float = 0.0
    in_mbit_s: float = 0.0
    out_slots: int = 0
    in_slots: int = 0


@dataclass(frozen=True, slots=True)
class Trunk:
    """A link that hosts share to the outside (a rack's), full duplex: only what passes it counts."""

    name: str
    hosts: frozenset[str]
    mbit_s: float


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``at_once`` servers of a group are impacted: from a migration's start to ``recovery_s`` past its end."""

    group: str
    at_once: int
    recovery_s: float = 0.0


@dataclass(frozen=True)
class Transfers:
    """The whole of it. Hosts that ``rooms`` does not name, and groups without a budget, are not limited."""

    transfers: tuple[Transfer, ...]
    rooms: dict[str, Room] = field(default_factory=dict)
    trunks: tuple[Trunk, ...] = ()
    budgets: tuple[Budget, ...] = ()
    at_once: int = 0  # migrations in all; 0: not limited
