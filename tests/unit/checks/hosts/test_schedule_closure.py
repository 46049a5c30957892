"""host.closed."""

from __future__ import annotations

from checked_fleet import Fleet, move, visit

FLEET = Fleet()


def test_nothing_is_under_way_to_a_host_when_it_closes() -> None:
    leaves = move("s", "b>c", 20, 25)
    passes = FLEET.check(move("s", "a>b", 0, 10), leaves, visit("b", 10, 30, 40))
    assert [f for f in passes if f.startswith("refused")] == []
    refused = FLEET.check(move("s", "a>b", 0, 10.001), leaves, visit("b", 10, 30, 40))
    assert [f for f in refused if f.startswith("refused")] == ["refused host.closed s"]


def test_nothing_lands_on_a_host_before_it_is_back() -> None:
    assert FLEET.check(move("s", "a>b", 20, 30), visit("b", 0, 10, 20)) == []
    found = FLEET.check(move("s", "a>b", 19.999, 30), visit("b", 0, 10, 20))
    assert found == ["refused host.empty b", "refused host.closed s"]


def test_the_finding_has_both_times() -> None:
    found = FLEET.findings(move("s", "a>b", 5, 15), move("s", "b>c", 20, 25), visit("b", 10, 30, 40))
    (finding,) = [f for f in found if f.rule == "host.closed"]
    assert finding.text == "moves to b from 5 s to 15 s, which is closed from 10 s to 40 s"
    assert finding.requirement == "EX-6"
