"""notice.lead."""

from __future__ import annotations

from dataclasses import replace

from checked_fleet import Fleet, group, move, server, visit
from escalator.model.compute import Mobility
from escalator.model.maintenance import MaintenanceInfo

SERVERS = (server("s", "a"), server("t", "a"))
GIVEN = Fleet(servers=SERVERS, groups=(group("g", "", "s"),), infos=(MaintenanceInfo("g", lead_s=60),))
REFUSED = ["refused notice.lead s"]


def test_no_member_moves_before_the_lead_time_is_over() -> None:
    assert GIVEN.check(move("s", "a>b", 60, 70)) == []
    assert GIVEN.check(move("s", "a>b", 59.999, 70)) == REFUSED
    assert GIVEN.text(move("s", "a>b", 5, 70)) == "at 5 s it is to move, and its lead time is 60 s"


def test_others_need_no_notice() -> None:
    assert GIVEN.check(move("t", "a>b", 0, 10)) == []


def test_the_default_is_for_those_that_nothing_is_said_of() -> None:
    given = replace(GIVEN, default=MaintenanceInfo("", lead_s=90))
    assert given.check(move("s", "a>b", 60, 70), move("t", "a>b", 90, 95)) == []
    assert given.check(move("t", "a>b", 89.999, 95)) == ["refused notice.lead t"]


def test_of_several_lead_times_the_longest_holds() -> None:
    given = replace(GIVEN, infos=(*GIVEN.infos, MaintenanceInfo("s", lead_s=90)))
    assert given.check(move("s", "a>b", 90, 95)) == []
    assert given.check(move("s", "a>b", 89.999, 95)) == REFUSED


def test_going_down_with_a_host_needs_notice_too() -> None:
    given = replace(
        GIVEN, servers=SERVERS[:1], infos=(MaintenanceInfo("g", lead_s=60, migration_types=(Mobility.OWN,)),)
    )
    assert given.check(visit("a", 0, 60, 70), stays=(("s", "a"),)) == []
    assert given.check(visit("a", 0, 59.999, 70), stays=(("s", "a"),)) == REFUSED
