"""capacity.fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checked_fleet import Fleet, host, move, server
from escalator.model.compute import Hypervisor, Stock


def fleet(resource: str, stock: Stock, *demands: int) -> Fleet:
    """The last server is on a, all others on b; b has this stock."""
    servers = [server(f"s{i}", "b", resources={resource: d}) for i, d in enumerate(demands[:-1])]
    last = server("s", "a", resources={resource: demands[-1]})
    return Fleet(
        (_with(host("a"), resource, Stock(1000)), _with(host("b"), resource, stock), host("c")), (*servers, last)
    )


def _with(plain: Hypervisor, resource: str, stock: Stock) -> Hypervisor:
    return replace(plain, stock={resource: stock})


@pytest.mark.parametrize("resource", ["VCPU", "MEMORY_MB", "DISK_GB", "PCPU", "CUSTOM_FPGA"])
def test_no_host_takes_more_of_any_resource_class_than_it_has(resource: str) -> None:
    coming = move("s", "a>b", 0, 10)
    assert fleet(resource, Stock(8), 5, 3).check(coming) == []
    assert fleet(resource, Stock(8), 5, 4).check(coming) == ["refused capacity.fits b"]


def test_ratio_and_reserved_count_as_placement_has_them() -> None:
    coming = move("s", "a>b", 0, 10)
    assert fleet("VCPU", Stock(10, 2, 1.5), 8, 4).check(coming) == []
    assert fleet("VCPU", Stock(10, 2, 1.5), 8, 5).check(coming) == ["refused capacity.fits b"]


def test_a_host_that_has_nothing_of_a_class_takes_none_of_it() -> None:
    given = fleet("CUSTOM_FPGA", Stock(0), 1)
    assert given.check(move("s", "a>c", 0, 10)) == ["refused capacity.fits c"]


def test_a_server_under_way_counts_at_both_ends() -> None:
    given = Fleet(
        (host("a", stock={"VCPU": Stock(4)}), host("b", stock={"VCPU": Stock(4)}), host("c")),
        (server("s", "a", resources={"VCPU": 4}), server("t", "b", resources={"VCPU": 4})),
    )
    away, there = move("s", "a>c", 0, 10), move("t", "b>a", 10, 20)
    assert given.check(away, there) == []
    assert given.check(away, move("t", "b>a", 9.999, 20)) == ["refused capacity.fits a"]
    swap = given.check(move("s", "a>b", 0, 10), move("t", "b>a", 0, 10))
    assert swap == ["refused capacity.fits a", "refused capacity.fits b"]


def test_what_was_too_much_before_is_a_warning_and_takes_nothing_more() -> None:
    given = fleet("VCPU", Stock(8), 9, 1)
    assert given.check() == ["warning capacity.fits b"]
    assert given.check(move("s", "a>b", 0, 10)) == ["warning capacity.fits b", "refused capacity.fits b"]


def test_the_finding_says_when_how_much_and_what_is_worst() -> None:
    given = fleet("VCPU", Stock(3), 3, 1)
    given = replace(given, servers=(*given.servers, server("t", "a", resources={"VCPU": 2})))
    assert given.text(move("s", "a>b", 5, 10), move("t", "a>b", 7, 10)) == (
        "at 5 s it would hold 4 VCPU, and can hold 3 (most: 6 at 7 s)"
    )
