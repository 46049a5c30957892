"""From measured times to a model of them: a fixed part, and one for each unit of size. Pure, and the same every time.

Medians throughout, so that a slow disk on one night does not become what is expected on every other: up to 29 of 100
wrong measurements move a Theil-Sen line no further than the right ones allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: A limit is there to tell a hanging act from a slow one: it is never below so many times the 95th percentile ...
TIMES_P95 = 10.0
#: ... nor below so many times the slowest that ended well.
TIMES_SLOWEST = 1.5
#: Fewer measurements, or sizes less far apart, do not tell how time grows with size.
LEAST_POINTS, LEAST_SPREAD = 4, 1.5
MOST_POINTS = 200  # the newest; a line through all pairs of more would take seconds


@dataclass(frozen=True)
class Point:
    """One measurement: size in the act's unit (0 where it has none), seconds."""

    size: float
    took_s: float


@dataclass(frozen=True)
class Fitted:
    """Seconds: ``expected_s + expected_per_unit_s * size`` is expected, the same of ``longest`` is the limit."""

    expected_s: float
    expected_per_unit_s: float
    longest_s: float
    longest_per_unit_s: float


def fit(points: Sequence[Point], per_unit_s: float = 0.0) -> Fitted:
    """The model of the newest measurements (the last ones), of which there is one at least.

    ``per_unit_s``: how time grows with size where these do not tell, seconds per unit.
    """
    newest = sorted(points[-MOST_POINTS:], key=lambda p: (p.size, p.took_s))
    fixed, slope = _line(newest, per_unit_s)
    beyond = sorted(p.took_s - fixed - slope * p.size for p in newest)
    p95 = fixed + max(0.0, beyond[math.ceil(0.95 * len(beyond)) - 1])
    per_unit = TIMES_P95 * slope
    longest = max(TIMES_P95 * p95, *(TIMES_SLOWEST * p.took_s - per_unit * p.size for p in newest))
    return Fitted(fixed, slope, longest, per_unit)


def _line(points: list[Point], per_unit_s: float) -> tuple[float, float]:
    """Fixed part and slope, neither below 0."""
    slopes = [
        (b.took_s - a.took_s) / (b.size - a.size) for n, a in enumerate(points) for b in points[n + 1 :]
        if b.size > a.size
    ]  # fmt: skip
    spread = points[-1].size >= LEAST_SPREAD * points[0].size and bool(slopes)
    slope = max(0.0, median(slopes) if spread and len(points) >= LEAST_POINTS else per_unit_s)
    fixed = median(p.took_s - slope * p.size for p in points)
    if fixed < 0:  # it would take less than no time without anything to do: all of it comes with the size
        return 0.0, median(p.took_s / p.size for p in points if p.size > 0)
    return fixed, slope
