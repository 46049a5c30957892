"""destination.allowed, destination.usable."""

from __future__ import annotations

from typing import Any

import pytest

from checked_fleet import Fleet, host, move, server, visit

COMING = move("s", "a>b", 0, 10)
ALLOWED, USABLE = ["refused destination.allowed s"], ["refused destination.usable s"]


def fleet(asks: dict[str, Any], **of_b: Any) -> Fleet:
    return Fleet((host("a"), host("b", **of_b)), (server("s", "a", **asks),))


@pytest.mark.parametrize(
    ("asks", "right", "wrong"),
    [
        ({"zone": "z"}, {"zone": "z"}, {"zone": "y"}),
        ({"aggregates": ("x", "y")}, {"aggregates": ("y", "w")}, {"aggregates": ("w",)}),
        ({"aggregates": ("x",)}, {"aggregates": ("x",)}, {"aggregates": ()}),
        ({"traits": frozenset("TU")}, {"traits": frozenset("TUV")}, {"traits": frozenset("T")}),
        ({"forbidden": frozenset("TU")}, {"traits": frozenset("V")}, {"traits": frozenset("VU")}),
        ({}, {"kind": "QEMU"}, {"kind": "VMware"}),
    ],
)
def test_a_server_moves_only_to_where_it_may_be(
    asks: dict[str, Any], right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    assert fleet(asks, **right).check(COMING) == []
    assert fleet(asks, **wrong).check(COMING) == ALLOWED


def test_a_server_that_asks_for_nothing_goes_anywhere() -> None:
    assert fleet({}, zone="z", aggregates=("x",), traits=frozenset("T")).check(COMING) == []


@pytest.mark.parametrize("state", [{"state": "down"}, {"status": "disabled"}])
def test_a_server_moves_only_to_a_host_that_is_up_and_enabled(state: dict[str, str]) -> None:
    assert fleet({}, **state).check(COMING) == USABLE


def test_a_host_that_was_disabled_stays_so_after_its_visit() -> None:
    assert fleet({}, status="disabled").check(visit("b", 0, 0, 10), move("s", "a>b", 20, 30)) == USABLE


def test_all_that_speaks_against_a_host_is_said() -> None:
    given = fleet({"zone": "z", "traits": frozenset("T")}, state="down")
    assert given.check(COMING) == [*ALLOWED, *ALLOWED, *USABLE]
    texts = [f.text for f in given.findings(COMING)]
    assert texts[0] == "at 0 s it is to move to b, which is in zone nova, not in z"
    assert texts[2] == "at 0 s it is to move to b, which is down and enabled"
