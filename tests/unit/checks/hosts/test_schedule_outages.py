"""hosts.at-once, hosts.per-set."""

from __future__ import annotations

from dataclasses import replace

from checked_fleet import LOOSE, Fleet, host, visit

HOSTS = (
    host("a", failure_sets=("rack:1", "power:x")),
    host("b", failure_sets=("rack:1",)),
    host("c", failure_sets=("rack:2",)),
)
EMPTY = Fleet(HOSTS, ())


def test_a_host_counts_from_its_closing_until_it_is_back() -> None:
    given = replace(EMPTY, limits=replace(LOOSE, hosts_at_once=1))
    assert given.check(visit("a", 0, 5, 10), visit("b", 10, 15, 20)) == []
    assert given.check(visit("a", 0, 5, 10), visit("b", 9.999, 15, 20)) == ["refused hosts.at-once lab"]
    assert given.text(visit("a", 0, 5, 10), visit("b", 9, 15, 20)) == "at 9 s 2 hosts are closed or offline, 1 may be"
    assert EMPTY.check(visit("a", 0, 5, 10), visit("b", 0, 5, 10), visit("c", 0, 5, 10)) == []


def test_of_a_failure_set_so_many_are_offline_at_once() -> None:
    given = replace(EMPTY, limits=replace(LOOSE, offline_per_set=(("rack", 1),)))
    assert given.check(visit("a", 0, 0, 10), visit("b", 0, 10, 20), visit("c", 0, 0, 20)) == []
    assert given.check(visit("a", 0, 0, 10), visit("b", 0, 9.999, 20)) == ["refused hosts.per-set rack:1"]


def test_a_host_counts_in_each_of_its_sets() -> None:
    hosts = (*HOSTS[:2], replace(HOSTS[2], failure_sets=("rack:2", "power:x")))
    given = Fleet(hosts, (), limits=replace(LOOSE, offline_per_set=(("rack", 1), ("power", 1), ("chassis", 1))))
    assert given.check(visit("a", 0, 0, 10), visit("c", 0, 0, 10)) == ["refused hosts.per-set power:x"]


def test_nought_is_no_limit() -> None:
    given = replace(EMPTY, limits=replace(LOOSE, offline_per_set=(("rack", 0),)))
    assert given.check(visit("a", 0, 0, 10), visit("b", 0, 0, 10)) == []
