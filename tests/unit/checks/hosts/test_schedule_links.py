"""links.host, links.trunk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checked_fleet import LOOSE, Fleet, host, move, server

SERVERS = (server("s", "a"), server("t", "a"), server("u", "b"), server("v", "c"))


def fleet(*, trunk: float = 0, each: float = 1000, **of_a: Any) -> Fleet:
    """a and b are in one rack, c is in another."""
    hosts = (
        host("a", failure_sets=("rack:1",), **of_a),
        host("b", failure_sets=("rack:1",)),
        host("c", failure_sets=("rack:2",)),
    )
    limits = replace(LOOSE, migration_mbit_s=each, set_mbit_s=(("rack", trunk),))
    return Fleet(hosts, SERVERS, limits=limits)


OUT = move("s", "a>c", 0, 10)


def test_migrations_out_of_a_host_share_its_link() -> None:
    given = fleet(link_mbit_s=1999)
    assert given.check(OUT, move("t", "a>b", 10, 20)) == []
    assert given.check(OUT, move("t", "a>b", 9.999, 20)) == ["refused links.host a"]
    assert given.text(OUT, move("t", "a>b", 5, 20)) == "at 5 s 2 migrations out of it take 2000 Mbit/s of 1999"
    assert fleet(link_mbit_s=2000).check(OUT, move("t", "a>b", 5, 20)) == []
    assert fleet().check(OUT, move("t", "a>b", 5, 20)) == []


def test_and_so_do_those_into_it_but_not_both_together() -> None:
    given = fleet(link_mbit_s=1000)
    back = move("v", "c>a", 0, 10)
    assert given.check(OUT, back) == []
    assert given.check(move("u", "b>a", 5, 20), back) == ["refused links.host a"]


def test_a_link_that_does_not_carry_one_migration_carries_none() -> None:
    assert fleet(link_mbit_s=999).check(OUT) == ["refused links.host a"]
    assert fleet(link_mbit_s=0.3, each=0.1).check(OUT, move("t", "a>c", 0, 10)) == []


def test_a_trunk_carries_what_leaves_its_rack() -> None:
    given = fleet(trunk=1000)
    assert given.check(OUT, move("u", "b>c", 10, 20)) == []
    # what leaves rack 1 enters rack 2
    assert given.check(OUT, move("u", "b>c", 9.999, 20)) == ["refused links.trunk rack:1", "refused links.trunk rack:2"]
    assert fleet(trunk=2000).check(OUT, move("u", "b>c", 0, 20)) == []


def test_what_stays_in_the_rack_or_comes_the_other_way_is_not_on_it() -> None:
    given = fleet(trunk=1000)
    assert given.check(OUT, move("t", "a>b", 0, 10), move("v", "c>a", 0, 10)) == []


def test_a_prefix_means_whole_parts_of_a_name() -> None:
    given = fleet(trunk=1)
    for prefix, found in (("rack:1", True), ("rack:", True), ("rac", False), ("rack:11", False)):
        limited = replace(given, limits=replace(given.limits, set_mbit_s=((prefix, 999.0),)))
        assert bool(limited.check(OUT)) is found, prefix
