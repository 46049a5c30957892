"""move.continuous."""

from __future__ import annotations

from checked_fleet import Fleet, move, server
from escalator.model.findings import Severity

FLEET = Fleet()
TWICE = "warning move.once s"


def test_a_move_starts_where_the_server_is() -> None:
    assert FLEET.check(move("s", "b>c", 0, 10)) == ["refused move.continuous s"]
    assert FLEET.text(move("s", "b>c", 3, 10)) == "at 3 s it is to leave b, and is on a by then"
    assert FLEET.check(move("s", "a>b", 0, 10)) == []


def test_the_next_move_starts_where_the_last_one_ended() -> None:
    assert FLEET.check(move("s", "a>b", 0, 10), move("s", "b>c", 10, 20)) == [TWICE]
    assert FLEET.check(move("s", "a>b", 0, 10), move("s", "a>c", 10, 20)) == ["refused move.continuous s", TWICE]


def test_a_server_is_on_one_way_at_a_time() -> None:
    found = FLEET.check(move("s", "a>b", 0, 10), move("s", "b>c", 9.999, 20))
    # with no time to recover it is also impacted twice at once
    assert found == ["refused move.continuous s", "refused group.recovery s", TWICE]


def test_the_order_in_which_moves_are_listed_means_nothing() -> None:
    assert FLEET.check(move("s", "b>c", 10, 20), move("s", "a>b", 0, 10)) == [TWICE]


def test_a_start_that_differs_from_the_end_before_by_the_rounding_of_a_sum_passes() -> None:
    end = 0.1 + 0.2
    assert end > 0.3
    assert FLEET.check(move("s", "a>b", 0, end), move("s", "b>c", 0.3, 20)) == [TWICE]


def test_nobody_moves_to_where_it_is() -> None:
    assert FLEET.check(move("s", "a>a", 0, 10)) == ["refused move.continuous s"]


def test_a_server_on_no_known_host_moves_from_nowhere() -> None:
    assert Fleet(servers=(server("s", "gone"),)).check(move("s", "a>b", 0, 10)) == ["refused move.continuous s"]


def test_findings_carry_what_they_come_from() -> None:
    (finding,) = FLEET.findings(move("s", "b>c", 0, 10))
    assert (finding.severity, finding.subject, finding.requirement) == (Severity.REFUSED, "lab/s", "PR-4")
