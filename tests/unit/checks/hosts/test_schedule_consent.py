"""consent.way, consent.mobility."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checked_fleet import Fleet, group, move, server, visit
from escalator.model.compute import Mobility
from escalator.model.maintenance import MaintenanceInfo

LIVE, OWN, COLD, NONE = Mobility
ANY = MaintenanceInfo("", migration_types=(LIVE, OWN, COLD))
WAY, MOBILITY = ["refused consent.way s"], ["refused consent.mobility s"]


def fleet(
    mobility: Mobility = LIVE, *, default: MaintenanceInfo = ANY, infos: tuple[MaintenanceInfo, ...] = ()
) -> Fleet:
    servers = (server("s", "a", mobility=mobility, hindrance="" if mobility is LIVE else "a device is passed through"),)
    return Fleet(servers=servers, groups=(group("g", "", "s"), group("h", "", "s")), default=default, infos=infos)


@pytest.mark.parametrize(
    ("mobility", "ways"), [(LIVE, {LIVE, OWN, COLD}), (OWN, {OWN, COLD}), (COLD, {COLD}), (NONE, set())]
)
@pytest.mark.parametrize("way", [LIVE, OWN, COLD])
def test_a_server_moves_only_as_it_can(mobility: Mobility, ways: set[Mobility], way: Mobility) -> None:
    found = fleet(mobility).check(move("s", "a>b", 0, 10, way))
    assert found == ([] if way in ways else MOBILITY)


def test_a_server_that_can_not_move_is_named_with_its_owner_and_why() -> None:
    text = fleet(NONE).text(move("s", "a>b", 0, 10))
    assert (
        text == "at 0 s it is to move live, and it can't be moved at all: a device is passed through (project tenant)"
    )


@pytest.mark.parametrize("way", [LIVE, OWN, COLD])
def test_a_server_moves_only_as_was_agreed(way: Mobility) -> None:
    given = fleet(default=MaintenanceInfo("", migration_types=(COLD,)))
    assert given.check(move("s", "a>b", 0, 10, way)) == ([] if way is COLD else WAY)


def test_without_a_word_it_moves_live_only() -> None:
    given = fleet(default=MaintenanceInfo(""))
    assert given.check(move("s", "a>b", 0, 10)) == []
    assert given.check(move("s", "a>b", 0, 10, COLD)) == WAY


def test_all_entries_that_speak_of_it_have_to_agree_and_the_default_only_where_there_are_none() -> None:
    cold = MaintenanceInfo("g", migration_types=(LIVE, COLD))
    live = MaintenanceInfo("", migration_types=(LIVE,))
    assert fleet(default=live, infos=(cold,)).check(move("s", "a>b", 0, 10, COLD)) == []
    for other in ("h", "s"):
        both = fleet(default=live, infos=(cold, replace(live, group=other)))
        assert both.check(move("s", "a>b", 0, 10, COLD)) == WAY
        assert both.check(move("s", "a>b", 0, 10)) == []


def test_agreement_on_no_common_way_is_none() -> None:
    infos = MaintenanceInfo("g", migration_types=(LIVE,)), MaintenanceInfo("h", migration_types=(COLD,))
    assert fleet(infos=infos).text(move("s", "a>b", 0, 10)).endswith("and agreed is no way")


@pytest.mark.parametrize(("types", "agreed"), [((LIVE,), False), ((LIVE, OWN), True), ((COLD,), True), ((), False)])
def test_a_server_goes_down_with_its_host_only_by_agreement(*, types: tuple[Mobility, ...], agreed: bool) -> None:
    given = fleet(NONE, default=MaintenanceInfo("", migration_types=types))
    assert given.check(visit("a", 0, 10, 20), stays=(("s", "a"),)) == ([] if agreed else WAY)
