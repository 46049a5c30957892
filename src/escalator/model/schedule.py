"""When which server moves where, and when which host is out: the planner's answer for compute hosts.

Times are seconds since the schedule's start. A schedule is data only; what it must hold is for the checks.
"""

from __future__ import annotations

from dataclasses import dataclass

from escalator.model.compute import Mobility
from escalator.model.findings import Finding


@dataclass(frozen=True, slots=True)
class Move:
    """One server's way from one host to another. It counts at both ends from start to end."""

    server: str
    source: str
    destination: str
    start_s: float
    end_s: float
    how: Mobility = Mobility.LIVE


@dataclass(frozen=True, slots=True)
class Visit:
    """One host's upgrade: closed to new servers, empty, out, back. ``wave``: hosts of one wave are listed together."""

    host: str
    closed_s: float
    offline_s: float
    back_s: float
    wave: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """No schedule can be better than this. ``name``: B1 .. B8 (docs/explanation/bounds.md); ``binds``: its cause."""

    name: str
    what: str  # makespan_s | waves | moves
    value: float
    binds: str


@dataclass(frozen=True)
class Schedule:
    """The upgrade of a set of hosts: moves and visits in order of their start.

    ``stays``: servers that go down with their host (own action, or consent), by server -> host.
    """

    moves: tuple[Move, ...]
    visits: tuple[Visit, ...]
    bounds: tuple[Bound, ...] = ()
    findings: tuple[Finding, ...] = ()
    stays: tuple[tuple[str, str], ...] = ()

    @property
    def makespan_s(self) -> float:
        """When the last host is back."""
        return max((v.back_s for v in self.visits), default=0.0)

    @property
    def waves(self) -> int:
        """How many waves the visits form."""
        return len({v.wave for v in self.visits})
