"""Maintenance windows by the wall clock: over midnight, and on the days on which the clock is changed."""

from __future__ import annotations

from datetime import datetime

import pytest

from escalator.model.windows import DAYS, Window, local_text, next_opening


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


NIGHT = Window(("fri",), "22:00", "04:00", "Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-27T21:59:59+01:00", False),  # a Friday
        ("2026-11-27T22:00:00+01:00", True),
        ("2026-11-28T00:00:00+01:00", True),
        ("2026-11-28T03:59:59+01:00", True),  # Saturday, but Friday's window
        ("2026-11-28T04:00:00+01:00", False),
        ("2026-11-27T03:00:00+01:00", False),  # Friday, but it would be Thursday's window
        ("2026-11-28T23:00:00+01:00", False),
        ("2026-11-27T21:00:00+00:00", True),  # the same moment, told from elsewhere
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens(now, is_open) -> None:
    assert NIGHT.is_open(at(now)) is is_open


def test_a_night_is_shorter_when_summer_begins_and_longer_when_it_ends() -> None:
    saturday = Window(("sat",), "22:00", "04:00", "Europe/Berlin")
    lengths = {}
    for name, now in (("spring", "2026-03-28T23:00+01:00"), ("autumn", "2026-10-24T23:00+02:00")):
        opening, closing = next(s for s in saturday.spans(at(now), 0) if s[0] <= at(now) < s[1])
        lengths[name] = (closing - opening) / 3600
    assert lengths == {"spring": 5.0, "autumn": 7.0}
    assert saturday.is_open(at("2026-03-29T03:59+02:00"))
    assert not saturday.is_open(at("2026-03-29T04:00+02:00"))
    assert saturday.is_open(at("2026-10-25T03:59+01:00"))


def test_the_hour_that_comes_twice_counts_the_first_time_and_stays_open_to_the_second_end() -> None:
    window = Window(("sun",), "02:30", "03:30", "Europe/Berlin")
    assert window.is_open(at("2026-10-25T02:30+02:00"))
    assert window.is_open(at("2026-10-25T02:15+01:00"))
    assert not window.is_open(at("2026-10-25T03:30+01:00"))


def test_a_window_that_the_clock_skips_does_not_open_and_the_next_one_is_a_week_later() -> None:
    window = Window(("sun",), "02:15", "02:45", "Europe/Berlin")
    opening, _ = next_opening([window], at("2026-03-29T04:00+02:00"))
    assert local_text(opening, "Europe/Berlin") == "2026-04-05 02:15+02:00"


def test_the_next_opening_keeps_its_wall_clock_time_over_the_change() -> None:
    opening, which = next_opening([NIGHT, Window(("sun",), "10:00", "11:00", "UTC")], at("2026-03-28T12:00+01:00"))
    assert which.timezone == "UTC"
    assert opening == at("2026-03-29T10:00+00:00")
    opening, _ = next_opening([NIGHT], at("2026-03-28T12:00+01:00"))
    assert opening == at("2026-04-03T22:00+02:00")


@pytest.mark.parametrize(
    ("window", "now", "is_open"),
    [
        (Window(("sat",), "00:00", "24:00"), "2026-11-28T00:00+00:00", True),
        (Window(("sat",), "00:00", "24:00"), "2026-11-28T23:59:59+00:00", True),
        (Window(("sat",), "00:00", "24:00"), "2026-11-29T00:00+00:00", False),
        (Window(("sat",), "06:00", "06:00"), "2026-11-29T05:59+00:00", True),
        (Window(("sat",), "06:00", "06:00"), "2026-11-29T06:00+00:00", False),
        (Window(DAYS, "22:00", "23:00", "Asia/Kolkata"), "2026-11-28T16:30+00:00", True),
    ],
)
def test_whole_days_and_other_time_zones(window, now, is_open) -> None:
    assert window.is_open(at(now)) is is_open


def test_one_of_two_windows_that_touch_is_always_open() -> None:
    pair = [Window(DAYS, "00:00", "12:00", "Europe/Berlin"), Window(DAYS, "12:00", "24:00", "Europe/Berlin")]
    start = at("2026-10-23T00:00+02:00")
    for quarter in range(4 * 24 * 4):
        assert sum(w.is_open(start + quarter * 900) for w in pair) == 1
