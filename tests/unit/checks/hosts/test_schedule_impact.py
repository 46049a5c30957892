"""group.impacted, group.recovery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checked_fleet import Fleet, group, host, move, server, visit
from escalator.model.compute import Mobility
from escalator.model.maintenance import BySize, MaintenanceInfo

NAMES = ("s", "t", "u", "v")
HOSTS = tuple(host(n, version="7.2" if n == "a" else "8.0") for n in "abc")
SERVERS = tuple(server(n, "a") for n in NAMES)
DOWN = (Mobility.LIVE, Mobility.OWN)


def most(*numbers: tuple[int, int]) -> tuple[BySize, ...]:
    return tuple(BySize(size, instances) for size, instances in numbers)


def fleet(members: str = "stuv", recovery: float = 0, **numbers: Any) -> Fleet:
    info = MaintenanceInfo("g", recovery_s=recovery, migration_types=DOWN, **numbers)
    return Fleet(
        HOSTS, SERVERS, (group("g", "", *members),), infos=(info,), default=MaintenanceInfo("", 0, False, DOWN)
    )


def two(gap: float = 0, first: str = "s", second: str = "t") -> tuple[Any, ...]:
    """One move, and another that starts so many seconds after it."""
    return move(first, "a>b", 0, 10), move(second, "a>b", 10 + gap, 20 + gap)


REFUSED = ["refused group.impacted g"]


def test_one_at_a_time_means_from_start_to_end() -> None:
    given = fleet(max_impacted=most((1, 1)))
    assert given.check(*two()) == []
    assert given.check(*two(-0.001)) == REFUSED


def test_a_member_is_impacted_until_it_has_recovered() -> None:
    given = fleet(recovery=60, max_impacted=most((1, 1)))
    assert given.check(*two(60)) == []
    assert given.check(*two(59.999)) == REFUSED
    assert given.text(*two(59)) == "at 69 s 2 of 4 member(s) are impacted, 1 may be: s, t"


def test_as_many_as_are_to_be_preserved_are_not_impacted() -> None:
    given = fleet(min_preserved=most((1, 3)))
    assert given.check(*two()) == []
    assert given.check(*two(-0.001)) == REFUSED
    assert fleet(min_preserved=most((1, 4))).check(*two()) == REFUSED


@pytest.mark.parametrize(
    ("sizes", "allowed"),
    [
        (((1, 1), (4, 2)), True),
        (((1, 1), (5, 2)), False),
        (((4, 2), (2, 1)), True),
        (((4, 1), (2, 2)), False),
        (((5, 1),), True),
    ],
)
def test_the_number_of_the_largest_size_that_the_group_reaches_holds(*, sizes: Any, allowed: bool) -> None:
    assert fleet(max_impacted=most(*sizes)).check(*two(-1)) == ([] if allowed else REFUSED)


def test_the_size_is_that_of_members_that_there_are() -> None:
    given = replace(fleet(max_impacted=most((1, 1), (4, 2))), groups=(group("g", "", "s", "t", "u", "deleted"),))
    assert given.check(*two(-1)) == REFUSED


def test_a_server_that_only_says_itself_that_it_is_a_member_is_one() -> None:
    given = replace(fleet("stu", max_impacted=most((1, 1))), servers=(*SERVERS[:3], replace(SERVERS[3], group="g")))
    assert given.check(*two(-1, "s", "v")) == REFUSED


def test_maintenance_that_is_never_allowed_is_refused() -> None:
    assert fleet(max_impacted=most((1, 0))).check(move("s", "a>b", 0, 10)) == REFUSED


def test_a_server_counts_in_each_of_its_groups() -> None:
    one_each = MaintenanceInfo("", max_impacted=most((1, 1)))
    given = Fleet(
        HOSTS, SERVERS, (group("g", "", "s", "t"), group("h", "", "t", "u"), group("i", "", "v")), default=one_each
    )
    assert given.check(*two(-1, "s", "u")) == []
    assert given.check(*two(-1, "t", "u")) == ["refused group.impacted h"]
    assert given.check(*two(-1, "t", "u"), move("s", "a>c", 5, 15)) == [
        "refused group.impacted g",
        "refused group.impacted h",
    ]


def test_one_that_stays_is_impacted_for_the_whole_outage_and_its_recovery() -> None:
    given = fleet(recovery=60, max_impacted=most((1, 1)))
    given = replace(given, servers=(SERVERS[0], replace(SERVERS[1], host="b"), *SERVERS[2:]))
    out, stays = visit("b", 0, 100, 200), (("t", "b"),)
    assert given.check(move("s", "a>c", 30, 40), out, stays=stays) == []
    assert given.check(move("s", "a>c", 30, 40.001), out, stays=stays) == REFUSED
    assert given.check(move("s", "a>c", 260, 270), out, stays=stays) == []
    assert given.check(move("s", "a>c", 259.999, 270), out, stays=stays) == REFUSED


def test_nothing_is_said_of_a_group_without_numbers() -> None:
    assert fleet().check(*two(-9)) == []


def test_a_member_that_is_impacted_twice_at_once_counts_once_and_has_no_time_to_recover() -> None:
    given = fleet(recovery=60, max_impacted=most((1, 1)))
    again = move("s", "a>b", 0, 10), move("s", "b>c", 69.999, 80)
    assert given.check(*again) == ["refused group.recovery s", "warning move.once s"]
    assert given.check(again[0], move("s", "b>c", 70, 80)) == ["warning move.once s"]
    assert "has recovered at 70 s only (g: 60 s after an impact)" in given.findings(*again)[0].text


def test_a_server_that_an_entry_names_is_a_group_of_one() -> None:
    given = Fleet(HOSTS, SERVERS, infos=(MaintenanceInfo("s", max_impacted=most((1, 0))),))
    assert given.check(move("s", "a>b", 0, 10)) == ["refused group.impacted s"]
    assert given.check(move("t", "a>b", 0, 10)) == []


def test_the_default_holds_for_groups_and_servers_that_nothing_is_said_of() -> None:
    never = MaintenanceInfo("", max_impacted=most((1, 0)))
    said = MaintenanceInfo("g"), MaintenanceInfo("u")
    given = Fleet(HOSTS, SERVERS, (group("g", "", "s"), group("h", "", "t")), infos=said, default=never)
    assert given.check(*two(0, "s", "u")) == []
    assert given.check(*two(0, "t", "v")) == ["refused group.impacted h", "refused group.impacted v"]
