"""group.soft."""

from __future__ import annotations

from checked_fleet import Fleet, group, move, server


def fleet(policy: str, *at: str, most: int = 1) -> Fleet:
    servers = tuple(server(f"s{i}", where) for i, where in enumerate(at))
    return Fleet(servers=servers, groups=(group("g", policy, *(s.id for s in servers), max_per_host=most),))


def test_more_members_that_share_a_host_than_before_are_a_warning_with_both_numbers() -> None:
    given = fleet("soft-anti-affinity", "a", "b")
    assert given.check(move("s0", "a>c", 0, 10)) == []
    assert given.check(move("s0", "a>b", 0, 10)) == ["warning group.soft g"]
    assert given.text(move("s0", "a>b", 0, 10)) == "members share a host with another: 0 before, 1 after"
    assert fleet("soft-anti-affinity", "a", "b", most=2).check(move("s0", "a>b", 0, 10)) == []


def test_as_many_as_before_are_none() -> None:
    given = fleet("soft-anti-affinity", "a", "a", "b")
    assert given.check(move("s0", "a>b", 0, 10)) == []


def test_more_hosts_than_before_are_a_warning() -> None:
    given = fleet("soft-affinity", "a", "a")
    assert given.check(move("s0", "a>b", 0, 10)) == ["warning group.soft g"]
    assert given.text(move("s0", "a>b", 0, 10)) == "hosts more than one hold members: 0 before, 1 after"
    assert given.check(move("s0", "a>b", 0, 10), move("s1", "a>b", 20, 30)) == []
