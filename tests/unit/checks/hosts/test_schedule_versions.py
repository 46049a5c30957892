"""destination.newer, move.twice."""

from __future__ import annotations

from checked_fleet import Fleet, host, move, server, visit
from escalator.model.findings import Severity

LEAVES = move("s", "a>b", 20, 30)
OUT = visit("a", 30, 30, 40)
NEWER = ["refused destination.newer s"]


def fleet(a: str = "7.2", b: str = "7.2") -> Fleet:
    return Fleet((host("a", version=a), host("b", version=b)))


def test_a_move_to_a_host_that_is_back_from_its_visit_is_as_it_should_be() -> None:
    assert fleet().check(visit("b", 0, 10, 20), LEAVES, OUT) == []


def test_one_to_a_host_whose_visit_is_to_come_moves_twice() -> None:
    again = move("s", "b>a", 40, 50)
    found = fleet().check(LEAVES, OUT, again, visit("b", 50, 50, 60))
    assert found == ["warning move.twice s", "warning move.once s"]


def test_no_server_goes_back_from_an_upgraded_host_to_one_that_is_not_yet() -> None:
    given = Fleet((host("a"), host("b")), (server("s", "b"),))
    up, down, up_again = move("s", "b>a", 10, 20), move("s", "a>b", 20, 30), move("s", "b>a", 40, 50)
    first, second = visit("a", 0, 5, 10), visit("b", 60, 60, 70)
    assert given.check(first, up, second) == []
    assert given.check(first, up, down, up_again, second) == [*NEWER, "warning move.once s"]


def test_an_upgraded_host_is_left_for_one_without_visit_only_if_that_is_newer_than_what_was() -> None:
    def given(b: str) -> Fleet:
        return Fleet((host("a"), host("b", version=b), host("c")), (server("s", "a"),))

    steps = visit("c", 0, 5, 10), move("s", "a>c", 10, 20), move("s", "c>b", 20, 30)
    assert given("8.0").check(*steps) == ["warning move.once s"]
    assert given("7.2").check(*steps) == [*NEWER, "warning move.once s"]


def test_no_server_moves_to_an_older_hypervisor() -> None:
    assert fleet("8.0", "7.2").check(LEAVES) == NEWER
    assert fleet("8.0", "8.0").check(LEAVES) == []
    assert fleet("10.0", "9.2").check(LEAVES) == NEWER  # by number, not by letter
    assert fleet("8.0", "7.2").check(visit("b", 0, 10, 20), LEAVES) == []  # upgraded by then


def test_a_host_that_nothing_upgrades_is_a_warning_unless_it_is_newer() -> None:
    found = fleet().findings(LEAVES, OUT)
    assert [(f.severity, f.rule) for f in found] == [(Severity.WARNING, "destination.newer")]
    assert "which nothing upgrades: it leaves a only to stay on the old version" in found[0].text
    assert fleet(b="8.0").check(LEAVES, OUT) == []
