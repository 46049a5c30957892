"""What must hold of every model of measured times, whatever was measured."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from escalator.catalogue.fit import TIMES_P95, TIMES_SLOWEST, Fitted, Point, fit

TOOK = st.floats(0, 5000, allow_nan=False)
SIZE = st.floats(0, 1000, allow_nan=False)
POINTS = st.lists(st.builds(Point, SIZE, TOOK), min_size=1, max_size=40)
SLACK = 1e-6


def expected(model: Fitted, size: float) -> float:
    return model.expected_s + model.expected_per_unit_s * size


def longest(model: Fitted, size: float) -> float:
    return model.longest_s + model.longest_per_unit_s * size


@given(POINTS, st.floats(0, 100))
def test_no_limit_would_have_cut_off_what_ended_well(points: list[Point], per_unit_s: float) -> None:
    model = fit(points, per_unit_s)
    for point in points:
        assert longest(model, point.size) * (1 + SLACK) + SLACK >= TIMES_SLOWEST * point.took_s


@given(POINTS, st.floats(0, 100))
def test_of_twenty_measurements_nineteen_are_ten_times_below_the_limit(points: list[Point], per_unit_s: float) -> None:
    model = fit(points, per_unit_s)
    below = [p for p in points if TIMES_P95 * p.took_s <= longest(model, p.size) * (1 + SLACK) + SLACK]
    assert len(below) >= 0.95 * len(points)


@given(POINTS, st.floats(0, 100), SIZE, SIZE)
def test_times_are_never_negative_never_fall_with_size_and_are_below_the_limit(
    points: list[Point], per_unit_s: float, one: float, other: float
) -> None:
    model = fit(points, per_unit_s)
    small, large = sorted((one, other))
    assert 0 <= expected(model, small) <= expected(model, large)
    assert expected(model, large) <= longest(model, large) * (1 + SLACK) + SLACK


@given(POINTS, st.integers(0, 1000))
def test_the_order_of_measurements_means_nothing(points: list[Point], seed: int) -> None:
    mixed = random.Random(seed).sample(points, len(points))
    assert fit(mixed, 1.0) == fit(points, 1.0)


@given(st.lists(st.floats(1, 10), min_size=3, max_size=30), st.data())
def test_less_than_half_of_wild_measurements_move_no_expected_time_out_of_the_others(
    good: list[float], data: st.DataObject
) -> None:
    wild = data.draw(st.lists(TOOK, max_size=(len(good) - 1)))
    model = fit([Point(0, s) for s in (*good, *wild)])
    assert min(good) <= model.expected_s <= max(good)


@given(st.floats(0, 60), st.floats(0.01, 50), st.lists(st.floats(0, 0.05), min_size=12, max_size=12))
def test_how_time_grows_with_size_is_found_under_noise_and_one_wild_night(
    fixed: float, slope: float, noise: list[float]
) -> None:
    sizes = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
    points = [Point(x, (fixed + slope * x) * (1 + e)) for x, e in zip(sizes, noise, strict=True)]
    points[4] = Point(points[4].size, 50 * points[4].took_s)
    model = fit(points)
    for x in (10, 500):
        assert 0.85 * (fixed + slope * x) <= expected(model, x) <= 1.25 * (fixed + slope * x)


def test_one_size_says_nothing_of_growth_so_the_catalogue_does() -> None:
    points = [Point(2.0, took) for took in (60, 61, 62)]
    model = fit(points, per_unit_s=28)
    assert expected(model, 2.0) == 61
    assert expected(model, 4.0) == 61 + 2 * 28


def test_a_catalogue_that_says_too_much_growth_is_not_believed() -> None:
    model = fit([Point(2.0, 10.0)], per_unit_s=28)
    assert expected(model, 2.0) == 10
    assert expected(model, 4.0) == 20
