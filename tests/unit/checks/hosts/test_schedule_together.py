"""group.affinity."""

from __future__ import annotations

from checked_fleet import Fleet, group, host, move, server

HOSTS = tuple(host(n) for n in "abcd")


def fleet(*at: str) -> Fleet:
    """Members s0, s1 ... on these hosts."""
    servers = tuple(server(f"s{i}", where) for i, where in enumerate(at))
    return Fleet(HOSTS, servers, (group("g", "affinity", *(s.id for s in servers)),))


def test_members_that_go_together_pass() -> None:
    assert fleet("a", "a").check(move("s0", "a>b", 0, 10), move("s1", "a>b", 5, 15)) == []
    # the second starts as the first ends
    assert fleet("a", "a").check(move("s0", "a>b", 0, 10), move("s1", "a>b", 10, 20)) == []


def test_a_group_that_is_apart_on_its_way_is_a_warning_with_the_time() -> None:
    steps = move("s0", "a>b", 0, 10), move("s1", "a>b", 10.001, 20)
    assert fleet("a", "a").check(*steps) == ["warning group.affinity g"]
    long = move("s0", "a>b", 0, 10), move("s1", "a>b", 70, 80)
    assert fleet("a", "a").text(*long) == "at 10 s its members are apart for 60 s, on the way: a, b"


def test_a_group_that_is_never_together_again_is_refused() -> None:
    assert fleet("a", "a").check(move("s0", "a>b", 0, 10)) == ["refused group.affinity g"]
    assert "apart, to the end: a, b" in fleet("a", "a").text(move("s0", "a>b", 0, 10))


def test_a_third_host_on_the_way_is_refused() -> None:
    steps = move("s0", "a>b", 0, 10), move("s1", "a>c", 20, 30), move("s1", "c>b", 40, 50)
    assert fleet("a", "a").check(*steps) == ["refused group.affinity g", "warning move.once s1"]


def test_one_that_goes_and_comes_back_is_refused() -> None:
    steps = move("s0", "a>b", 0, 10), move("s0", "b>a", 20, 30)
    assert fleet("a", "a").check(*steps) == ["refused group.affinity g", "warning move.once s0"]


def test_one_apart_before_is_a_warning_until_they_are_together() -> None:
    apart = "warning group.affinity g"
    assert fleet("a", "b").check() == [apart]
    assert fleet("a", "b").check(move("s0", "a>b", 0, 10)) == [apart]
    again = fleet("a", "b").check(move("s0", "a>b", 0, 10), move("s1", "b>c", 20, 30))
    assert again == [apart, "refused group.affinity g"]


def test_a_group_of_one_is_always_together() -> None:
    assert fleet("a").check(move("s0", "a>b", 0, 10)) == []
