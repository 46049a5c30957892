"""group.anti-affinity."""

from __future__ import annotations

from checked_fleet import Fleet, group, move, server

SERVERS = (server("s", "a"), server("t", "b"), server("u", "c"))
REFUSED = ["refused group.anti-affinity g"]


def fleet(most: int = 1, policy: str = "anti-affinity") -> Fleet:
    return Fleet(servers=SERVERS, groups=(group("g", policy, "s", "t", "u", max_per_host=most),))


def test_members_do_not_share_a_host() -> None:
    assert fleet().check(move("s", "a>b", 0, 10)) == REFUSED
    assert fleet(policy="").check(move("s", "a>b", 0, 10)) == []


def test_one_that_comes_waits_until_the_other_has_left() -> None:
    leaves = move("t", "b>a", 20, 30)
    away = move("s", "a>b", 30, 40)
    assert fleet(2).check(leaves, away) == []
    assert fleet().check(move("u", "c>b", 0, 10)) == REFUSED


def test_a_member_under_way_counts_at_both_ends() -> None:
    # b is free of t from 10 s on
    free = Fleet(servers=(server("s", "a"), server("t", "b")), groups=(group("g", "anti-affinity", "s", "t"),))
    leaves = move("t", "b>c", 0, 10)
    assert free.check(leaves, move("s", "a>b", 10, 20)) == []
    assert free.check(leaves, move("s", "a>b", 9.999, 20)) == REFUSED
    # c is taken from the start of the move there
    assert free.check(leaves, move("s", "a>c", 0, 5)) == REFUSED


def test_as_many_as_the_groups_rule_allows_may() -> None:
    assert fleet(2).check(move("s", "a>b", 0, 10)) == []
    assert fleet(2).check(move("s", "a>b", 0, 10), move("u", "c>b", 0, 10)) == REFUSED
    assert "at 5 s 3 of its members, where 2 may be, are on, or on their way from or to, b" in fleet(2).text(
        move("s", "a>b", 0, 10), move("u", "c>b", 5, 10)
    )


def test_what_shared_a_host_before_is_a_warning_and_gets_no_company() -> None:
    given = Fleet(
        servers=(server("s", "a"), server("t", "a"), server("u", "b")),
        groups=(group("g", "anti-affinity", "s", "t", "u"),),
    )
    before = "warning group.anti-affinity g"
    assert given.check() == [before]
    assert given.check(move("s", "a>c", 0, 10)) == [before]
    assert given.check(move("u", "b>a", 0, 10)) == [before, *REFUSED]


def test_others_may_be_there() -> None:
    given = Fleet(servers=(*SERVERS, server("other", "a")), groups=(group("g", "anti-affinity", "s", "t", "u"),))
    assert given.check(move("other", "a>b", 0, 10)) == []
