"""capacity.reserve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checked_fleet import LOOSE, Fleet, host, move, server, visit
from escalator.model.compute import Server, Stock
from escalator.model.maintenance import Limits

ONE = replace(LOOSE, reserve_hosts=1)


def fleet(*servers: Server, limits: Limits = ONE, **of_c: Any) -> Fleet:
    """Three hosts of 8 VCPU."""
    stock = {"VCPU": Stock(8)}
    c = host("c", **({"stock": stock} | of_c))
    return Fleet((host("a", stock=stock), host("b", stock=stock), c), servers, limits=limits)


def vcpus(name: str, at: str, count: int) -> Server:
    return server(name, at, resources={"VCPU": count})


REFUSED = ["refused capacity.reserve nova"]


def test_a_hosts_worth_stays_free_in_those_that_are_not_offline() -> None:
    # a is out: b and c have 16, of which 8 are to stay free
    assert fleet(vcpus("s", "b", 8)).check(visit("a", 0, 10, 20)) == []
    assert fleet(vcpus("s", "b", 8), vcpus("t", "c", 1)).check(visit("a", 0, 10, 20)) == REFUSED


def test_a_closed_host_still_has_its_capacity() -> None:
    given = fleet(vcpus("s", "b", 8), vcpus("t", "c", 8))
    assert given.check(visit("a", 0, 10, 20)) == REFUSED
    assert "at 10 s 0 are free: 8 VCPU are to stay free" in given.text(visit("a", 0, 10, 20))


def test_two_hosts_never_go_where_there_is_room_for_one() -> None:
    given = fleet()
    assert given.check(visit("a", 0, 0, 10), visit("b", 0, 10, 20)) == []
    assert given.check(visit("a", 0, 0, 10), visit("b", 0, 9.999, 20)) == []
    assert given.check(visit("a", 0, 0, 10), visit("b", 0, 9, 20), visit("c", 0, 9, 20)) == REFUSED


def test_a_server_under_way_takes_from_the_reserve_at_both_ends() -> None:
    # 24 in all, 8 to stay free, 12 taken; on the way 4 more are
    given = fleet(vcpus("s", "a", 4), vcpus("t", "b", 8))
    assert given.check(move("s", "a>c", 0, 10)) == []
    more = fleet(vcpus("s", "a", 5), vcpus("t", "b", 7))
    assert more.check(move("s", "a>c", 0, 10)) == REFUSED


def test_the_largest_hosts_are_the_measure() -> None:
    # two of 8 and one of 9: 9 are to stay free; a is out
    assert fleet(vcpus("s", "b", 8), stock={"VCPU": Stock(9)}).check(visit("a", 0, 10, 20)) == []
    assert (
        fleet(vcpus("s", "b", 8), vcpus("t", "c", 1), stock={"VCPU": Stock(9)}).check(visit("a", 0, 10, 20)) == REFUSED
    )


def test_a_reserve_of_several_hosts_and_none() -> None:
    assert fleet(limits=replace(ONE, reserve_hosts=2)).check(visit("a", 0, 10, 20)) == []
    assert fleet(vcpus("s", "b", 1), limits=replace(ONE, reserve_hosts=2)).check(visit("a", 0, 10, 20)) == REFUSED
    assert fleet(vcpus("s", "b", 8), vcpus("t", "c", 8), limits=LOOSE).check(visit("a", 0, 10, 20)) == []


def test_each_class_of_interchangeable_hosts_has_its_own() -> None:
    out = visit("a", 0, 10, 20)
    taken = vcpus("s", "b", 1)
    assert fleet(taken).check(out) == []
    assert fleet(taken, zone="elsewhere").check(out) == REFUSED
    assert fleet(taken, aggregates=("x",)).check(out) == REFUSED
    assert fleet(taken, traits=frozenset("T")).check(out) == []  # nobody speaks of it
    assert fleet(replace(taken, forbidden=frozenset("T")), traits=frozenset("T")).check(out) == REFUSED
    assert fleet(taken, state="down").check(out) == REFUSED
    assert fleet(taken, status="disabled").check(out) == REFUSED


def test_every_resource_class_counts_by_itself() -> None:
    given = Fleet(
        servers=(server("s", "b", resources={"MEMORY_MB": 8192}), server("t", "c", resources={"MEMORY_MB": 1}))
    )
    assert replace(given, limits=ONE).check(visit("a", 0, 10, 20)) == REFUSED


def test_what_is_lacking_before_and_gets_no_worse_is_a_warning() -> None:
    given = fleet(vcpus("s", "a", 8), vcpus("t", "b", 8), vcpus("u", "c", 1))
    assert given.check() == ["warning capacity.reserve nova"]
    assert given.check(move("u", "c>a", 0, 10))[0] == "refused capacity.fits a"
    assert "refused capacity.reserve nova" in given.check(visit("c", 0, 10, 20))


def test_a_host_that_holds_too_much_does_not_lend_the_others_less_than_nothing() -> None:
    # b holds 12 of 8: c is free as a whole
    found = fleet(vcpus("s", "b", 12)).check(visit("a", 0, 10, 20))
    assert found == ["warning capacity.fits b"]
