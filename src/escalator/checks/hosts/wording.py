"""How findings about schedules read."""

from __future__ import annotations

from escalator.checks.hosts.sweep import Peak

LISTED = 5  # of many names, so many are written out


def seconds(value: float) -> str:
    """A time or a duration in seconds, to the millisecond, without noughts at its end."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + " s"


def at(value: float) -> str:
    """A moment of the schedule."""
    return f"at {seconds(value)}"


def worst(peak: Peak) -> str:
    """What came later and was worse; "" where nothing was."""
    return f" (most: {peak.worst} {at(peak.worst_time)})" if peak.worst > peak.level else ""


def names(of: list[str]) -> str:
    """Some names, the first few of many."""
    more = len(of) - LISTED
    return ", ".join(of[:LISTED]) + (f" and {more} more" if more > 0 else "")
