"""From samples to gaps: who was without answer, for how long, during which action. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from escalator.metering.samples import STARVED, Sample, Second

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
    """Put all samples to account: one series per API and kind, gaps attributed to the actions under way."""
    ordered = sorted(samples)
    if not ordered:
        return Account(series=(), uncertain=(), start=0.0, end=0.0)
    uncertain = _uncertain(ordered, seconds, starts)
    by_series: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in ordered:
        by_series[sample.api, sample.kind].append(sample)
    return Account(
        series=tuple(_series(by_series[key], uncertain, actions) for key in sorted(by_series)),
        uncertain=uncertain,
        start=ordered[0].sent,
        end=max(s.end for s in ordered),
        missed=sum(s.missed for s in seconds),
        worst_lateness=max((s.lateness for s in seconds), default=0.0),
    )


def _series(samples: Sequence[Sample], uncertain: Sequence[Interval], actions: Sequence[UnderWay]) -> Series:
    """One series; ``samples`` are in the order in which they were sent."""
    latencies = sorted(s.duration for s in samples if not s.reason)
    return Series(
        api=samples[0].api,
        kind=samples[0].kind,
        requests=len(samples),
        failed=sum(s.failed for s in samples),
        starved=sum(s.reason == STARVED for s in samples),
        by_reason=dict(sorted(Counter(s.reason for s in samples if s.failed).items())),
        p50=_quantile(latencies, 0.5),
        p99=_quantile(latencies, 0.99),
        max=latencies[-1] if latencies else 0.0,
        gaps=tuple(_gap(*found, uncertain, actions) for found in _find(samples)),
    )


def _find(samples: Sequence[Sample]) -> list[tuple[list[Sample], Interval, bool]]:
    """Runs of failures, each with its interval and whether it was still open at the end.

    Requests overlap (open loop): a slow success that was sent before the first failure may end after it. It then
    proves nothing for the time in between, so the gap starts no later than the first failing request was sent.
    """
    found: list[tuple[list[Sample], Interval, bool]] = []
    failures: list[Sample] = []
    last = samples[0].sent
    for sample in samples:
        if sample.failed:
            failures.append(sample)
        elif not sample.reason:
            if failures:
                found.append((failures, (min(last, failures[0].sent), sample.end), False))
                failures = []
            last = sample.end
    if failures:
        found.append((failures, (min(last, failures[0].sent), max(s.end for s in failures)), True))
    return found


def _gap(
    failures: Sequence[Sample],
    interval: Interval,
    is_open: bool,  # noqa: FBT001 - handed through from _find
    uncertain: Sequence[Interval],
    actions: Sequence[UnderWay],
) -> Gap:
    start, end = interval
    return Gap(
        api=failures[0].api,
        kind=failures[0].kind,
        start=start,
        end=end,
        failed=len(failures),
        reasons=dict(sorted(Counter(f.reason for f in failures).items())),
        open=is_open,
        uncertain=any(overlap(interval, other) > 0 for other in uncertain),
        actions=tuple(a.action for a in actions if a.start < end and a.end > start),
    )


def overlap(one: Interval, other: Interval) -> float:
    """Seconds that two intervals have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Overlapping and touching intervals become one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _uncertain(ordered: Sequence[Sample], seconds: Sequence[Second], starts: Sequence[float]) -> tuple[Interval, ...]:
    """When the meter was starved, and when none ran: before the start of each meter but the first."""
    stalls = [s.stall for s in seconds if s.stall]
    sent = [s.sent for s in ordered]
    for start in sorted(starts)[1:]:
        before = bisect_left(sent, start)
        if before:
            stalls.append((sent[before - 1], start))
    return merge(stalls)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
