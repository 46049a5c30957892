"""Maintenance windows: when steps may begin, by the wall clock of a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD_DAYS = 15  # a day of the week comes within 7; once more in case the clock's change swallows that window


@dataclass(frozen=True)
class Window:
    """``opens`` and ``closes`` are wall-clock times HH:MM ("24:00" is the day's end) of ``timezone``.

    ``days`` are those on which it opens. Where ``closes`` is not behind ``opens`` it closes on the next day; equal
    times make a window of a whole day. A time that the clock skips when summer begins counts as if the clock had not
    been changed yet; one that comes twice counts the first time (fold 0 of PEP 495).
    """

    days: tuple[str, ...]
    opens: str
    closes: str
    timezone: str = "UTC"

    def __str__(self) -> str:
        days = "every day" if set(self.days) == set(DAYS) else ", ".join(d for d in DAYS if d in self.days)
        return f"{days} {self.opens}-{self.closes} {self.timezone}"

    def spans(self, now: float, ahead_days: int) -> Iterator[tuple[float, float]]:
        """Opening and closing (seconds since the epoch), from the window of the day before ``now`` on."""
        zone = ZoneInfo(self.timezone)
        today = datetime.fromtimestamp(now, zone).date()
        for offset in range(-1, ahead_days + 1):
            day = today + timedelta(days=offset)
            if DAYS[day.weekday()] not in self.days:
                continue
            following = day if self.opens < self.closes else day + timedelta(days=1)
            opening, closing = _instant(day, self.opens, zone), _instant(following, self.closes, zone)
            if opening < closing:
                yield opening, closing

    def is_open(self, now: float) -> bool:
        """Whether it is open at ``now`` (seconds since the epoch); the closing moment itself is outside."""
        return any(opening <= now < closing for opening, closing in self.spans(now, 0))


def _instant(day: date, clock: str, zone: ZoneInfo) -> float:
    """Seconds since the epoch of a wall-clock time: aware datetimes of one zone would subtract as if unchanged."""
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(clock), zone).timestamp()


def next_opening(windows: Sequence[Window], now: float) -> tuple[float, Window] | None:
    """When the first of them opens behind ``now`` (seconds since the epoch), and which it is; None where none does."""
    coming = [(opening, w) for w in windows for opening, _ in w.spans(now, AHEAD_DAYS) if opening > now]
    return min(coming, key=lambda found: found[0], default=None)


def local_text(moment: float, timezone: str) -> str:
    """A moment as people of a time zone write it, with its offset from UTC."""
    return datetime.fromtimestamp(moment, ZoneInfo(timezone)).isoformat(sep=" ", timespec="minutes")
