"""schedule.known, schedule.times, visit.once, visit.time."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import pytest

from checked_fleet import LOOSE, Fleet, move, server, visit
from escalator.model.maintenance import MaintenanceInfo

FLEET = Fleet()


@pytest.mark.parametrize("way", ["nowhere>b", "a>nowhere"])
def test_a_move_from_or_to_a_host_that_there_is_not_is_refused(way: str) -> None:
    assert FLEET.check(move("s", way, 0, 10)) == ["refused schedule.known s"]


def test_an_unknown_server_and_an_unknown_host_are_refused_and_the_rest_is_looked_at_all_the_same() -> None:
    found = FLEET.check(move("nobody", "a>b", 0, 10), visit("nowhere", 0, 0, 10), visit("a", 0, 5, 10))
    assert found == ["refused schedule.known nobody", "refused schedule.known nowhere", "refused host.empty a"]


def test_a_stay_of_nobody_or_with_a_host_that_is_not_visited_is_refused() -> None:
    assert FLEET.check(stays=(("nobody", "a"),)) == ["refused schedule.known nobody"]
    assert FLEET.check(stays=(("s", "a"),)) == ["refused schedule.known s"]


@pytest.mark.parametrize("times", [(-0.001, 10), (10, 10), (10, 9), (nan, 10), (0, nan), (0, inf)])
def test_a_move_at_times_that_can_not_be_is_refused(times: tuple[float, float]) -> None:
    assert FLEET.check(move("s", "a>b", *times)) == ["refused schedule.times s"]


@pytest.mark.parametrize(
    "times",
    [(-0.001, 5, 10), (5.001, 5, 10), (5, 10, 10), (5, 10, 9), (nan, 5, 10), (0, nan, 10), (0, 5, nan), (0, 5, inf)],
)
def test_a_visit_at_times_that_can_not_be_is_refused(times: tuple[float, float, float]) -> None:
    assert FLEET.check(visit("c", *times)) == ["refused schedule.times c"]


def test_the_earliest_times_pass() -> None:
    assert FLEET.check(move("s", "a>b", 0, 0.001), visit("c", 0, 0, 0.001)) == []


def test_a_host_is_visited_once() -> None:
    assert FLEET.check(visit("c", 0, 0, 10), visit("c", 10, 10, 20)) == ["refused visit.once c"]


def test_an_outage_shorter_than_expected_is_a_warning() -> None:
    fleet = replace(FLEET, limits=replace(LOOSE, host_offline_s=600))
    assert fleet.check(visit("c", 0, 0, 600)) == []
    assert fleet.check(visit("c", 0, 0, 599.999)) == ["warning visit.time c"]
    assert "offline for 599.999 s from 0 s on; its upgrade is expected to take 600 s" in fleet.text(
        visit("c", 0, 0, 599.999)
    )


def test_an_entry_of_the_constraints_that_names_nothing_is_a_warning() -> None:
    assert replace(FLEET, infos=(MaintenanceInfo("gruop"),)).check() == ["warning schedule.known gruop"]
    assert replace(FLEET, infos=(MaintenanceInfo("s"),)).check() == []


def test_a_site_without_anything_and_a_schedule_without_anything_pass() -> None:
    assert Fleet((), ()).check() == []
    assert Fleet(servers=(server("s", ""),)).check() == []
    assert FLEET.check() == []
