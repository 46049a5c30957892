"""From samples to gaps: who was without answer, for how long, during which action. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from escalator.metering.samples import Sample, Second

Interval = tuple[float, float]
CYCLES = ("server", "port", "image", "project")


@dataclass(frozen=True)
class UnderWay:
    """An action and when it ran."""

    action: str
    start: float
    end: float


@dataclass(frozen=True)
class Gap:
    """No success from ``start`` (end of the last one) to ``end`` (end of the next), while something failed between."""

    api: str
    kind: str
    start: float
    end: float
    failed: int
    reasons: dict[str, int]
    open: bool = False  # no success came after it
    uncertain: bool = False  # the meter itself was starved or absent in it
    actions: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.start


@dataclass(frozen=True)
class Series:
    """What became of one kind of request to one API. Latencies are those of successes, in seconds."""

    api: str
    kind: str
    requests: int
    failed: int
    starved: int
    by_reason: dict[str, int]
    p50: float
    p99: float
    max: float
    gaps: tuple[Gap, ...]

    @property
    def longest_gap(self) -> float:
        """Seconds; 0 when nothing failed."""
        return max((g.seconds for g in self.gaps), default=0.0)

    @property
    def outage(self) -> float:
        """Seconds without service in all."""
        return sum(g.seconds for g in self.gaps)


@dataclass(frozen=True)
class Account:
    """The whole outage account."""

    series: tuple[Series, ...]
    uncertain: tuple[Interval, ...]
    start: float
    end: float
    missed: int = 0
    worst_lateness: float = 0.0

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All gaps in order of time."""
        return tuple(sorted((g for s in self.series for g in s.gaps), key=lambda g: (g.start, g.api, g.kind)))


def account(
    samples: Iterable[Sample],
    seconds: Sequence[Second] = (),
    starts: Sequence[float] = (),
    actions: Sequence[UnderWay] = (),
) -> Account:
    """Put all samples to account."""
    raise NotImplementedError
