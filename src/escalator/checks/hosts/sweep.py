"""Levels over time: how much of something is taken at every moment, by key (a host, a group, a link).

An event is a key, a time and a change. At one instant what ends counts before what starts. All of it is sorting and
running sums, so that time grows as n log n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TOLERANCE_S = 1e-6
"""Intervals that overlap by no more than this don't: a start that was computed in another order of additions."""


@dataclass(frozen=True)
class Events:
    """Events in order of key, time, ends before starts; ``order`` are their positions as they were given."""

    order: Ints
    key: Ints
    time: Floats
    starts: Flags

    def levels(self, change: Ints, before: Ints) -> Ints:
        """The level of each event's key behind the event, from ``before`` (by key) on; ``change`` as given."""
        if not len(self.key):
            return np.zeros(0, np.int64)
        steps = change[self.order]
        running = np.cumsum(steps)
        first = np.flatnonzero(np.diff(self.key, prepend=self.key[0] - 1))
        base = before[self.key[first]] - (running[first] - steps[first])
        levels: Ints = running + np.repeat(base, np.diff(first, append=len(self.key)))
        return levels


def in_order(key: Ints, time: Floats, starts: Flags) -> Events:
    """Sort events."""
    order = np.lexsort((starts, time, key))
    return Events(order, key[order], time[order], starts[order])


@dataclass(frozen=True, slots=True)
class Peak:
    """Where a key's level was above its limit: the first start that led there, and the highest level of all."""

    key: int
    time: float
    level: int
    limit: int
    worst: int
    worst_time: float


def peaks(events: Events, levels: Ints, limit: Ints, counts: Flags | None = None) -> list[Peak]:
    """One peak for each key that a start brings above its limit (by key); ``counts``: which events are looked at."""
    above = events.starts & (levels > limit[events.key])
    if counts is not None:
        above &= counts[events.order]
    where = np.flatnonzero(above)
    if not len(where):
        return []
    keys, first = np.unique(events.key[where], return_index=True)
    found = []
    for key, begin, end in zip(keys.tolist(), first.tolist(), [*first[1:].tolist(), len(where)], strict=True):
        mine = where[begin:end]
        worst = mine[np.argmax(levels[mine])]
        found.append(
            Peak(
                key, float(events.time[mine[0]]), int(levels[mine[0]]), int(limit[key]),
                int(levels[worst]), float(events.time[worst]),
            )
        )  # fmt: skip
    return found


def at_once(key: Ints, start: Floats, end: Floats, limit: Ints) -> list[Peak]:
    """The keys of which more than ``limit`` (by key) of the intervals [start, end) run at the same time."""
    events = in_order(*both_ends(key, start, end))
    change = np.repeat(np.array([1, -1], np.int64), len(key))
    return peaks(events, events.levels(change, np.zeros(len(limit), np.int64)), limit)


def both_ends(key: Ints, start: Floats, end: Floats) -> tuple[Ints, Floats, Flags]:
    """Key, time and kind of the events of intervals: all starts, then all ends."""
    times = np.concatenate([start, end - TOLERANCE_S])
    return np.concatenate([key, key]), times, np.repeat(np.array([True, False]), len(key))


def joined(key: Ints, start: Floats, end: Floats) -> tuple[Ints, Floats, Floats]:
    """The intervals with those of one key that overlap made one, so that none counts twice."""
    events = in_order(*both_ends(key, start, end))
    change, before = np.repeat(np.array([1, -1], np.int64), len(key)), np.zeros(int(key.max(initial=-1)) + 1, np.int64)
    levels = events.levels(change, before)
    opens = events.starts & (levels == 1)
    closes = ~events.starts & (levels == 0)
    return events.key[opens], events.time[opens], events.time[closes] + TOLERANCE_S


def paired(wanted: Ints, keys: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Join: positions in ``wanted``, each beside a value of its key; ``keys`` is sorted and may repeat."""
    low, high = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
    count = high - low
    position = np.repeat(np.arange(len(wanted)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return position, values[np.repeat(low, count) + within]
