"""capacity.numa."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from checked_fleet import Fleet, host, move, server
from escalator.checks.hosts import cells, numa
from escalator.model.compute import Server, Stock

COMING = move("s", "a>b", 0, 10)
STOCK = {"PCPU": Stock(100), "VCPU": Stock(100, 0, 2.0), "MEMORY_MB": Stock(100000)}


def fleet(*servers: Server, **of_b: Any) -> Fleet:
    two = {"PCPU": 4, "MEMORY_MB": 4096}
    return Fleet((host("a", stock=STOCK), host("b", stock=STOCK, **({"cells": (two, two)} | of_b)), host("c")), servers)


def pinned(name: str, at: str, cores: int, nodes: int, memory: int = 0) -> Server:
    return server(name, at, resources={"PCPU": cores, "MEMORY_MB": memory}, numa_nodes=nodes)


def test_a_server_in_one_cell_needs_room_in_one_cell() -> None:
    # 3 + 3 of 8 are taken: 2 are free, one in each cell
    there = pinned("t", "b", 3, 1), pinned("u", "b", 3, 1)
    assert fleet(*there, pinned("s", "a", 1, 1)).check(COMING) == []
    assert fleet(*there, pinned("s", "a", 2, 1)).check(COMING) == ["refused capacity.numa b"]
    assert fleet(*there, pinned("s", "a", 2, 2)).check(COMING) == []


def test_a_server_takes_as_many_different_cells_as_it_has_nodes() -> None:
    assert fleet(pinned("s", "a", 8, 2)).check(COMING) == []
    assert fleet(pinned("s", "a", 9, 2)).check(COMING) == ["refused capacity.numa b"]  # 5 in one of them
    assert fleet(pinned("s", "a", 3, 3)).check(COMING) == ["refused capacity.numa b"]


def test_memory_counts_in_cells_as_well() -> None:
    assert fleet(pinned("s", "a", 1, 1, memory=4096)).check(COMING) == []
    assert fleet(pinned("s", "a", 1, 1, memory=4097)).check(COMING) == ["refused capacity.numa b"]


def test_the_allocation_ratio_holds_in_cells_but_no_server_exceeds_a_cell_by_itself() -> None:
    def vcpus(name: str, at: str, count: int) -> Server:
        return server(name, at, resources={"VCPU": count}, numa_nodes=1)

    one = ({"VCPU": 4},)
    assert fleet(vcpus("t", "b", 4), vcpus("s", "a", 4), cells=one).check(COMING) == []
    refused = ["refused capacity.numa b"]
    assert fleet(vcpus("t", "b", 4), vcpus("u", "b", 1), vcpus("s", "a", 4), cells=one).check(COMING) == refused
    assert fleet(vcpus("s", "a", 5), cells=one).check(COMING) == refused


def test_one_that_leaves_makes_room_at_its_end() -> None:
    there = pinned("t", "b", 4, 1), pinned("u", "b", 4, 1)
    given = fleet(*there, pinned("s", "a", 4, 1))
    assert given.check(move("t", "b>a", 0, 10), move("s", "a>b", 10, 20)) == ["warning capacity.numa a"]
    found = given.check(move("t", "b>a", 0, 10), move("s", "a>b", 9.999, 20))
    assert found == ["warning capacity.numa a", "refused capacity.numa b"]


def test_room_only_in_another_order_of_arrival_is_a_warning() -> None:
    # 2 and 1 lie in one cell, 2 in the other: 3 more fit beside the 1 alone, which Nova does not make room for
    servers = [pinned(n, "a", cores, 1) for n, cores in (("t", 2), ("u", 1), ("v", 2), ("s", 3))]
    steps = [move(s.id, "a>b", 10 * i, 10 * i + 5) for i, s in enumerate(servers)]
    assert fleet(*servers).check(*steps) == ["warning capacity.numa b"]
    assert fleet(*servers).text(*steps).startswith("at 30 s s fits only if those there lie in other cells")
    assert fleet(*servers[:1], *servers[2:]).check(steps[0], *steps[2:]) == []


def test_a_host_whose_cells_were_not_collected_proves_nothing() -> None:
    assert fleet(pinned("s", "a", 1, 1), cells=()).check(COMING) == ["warning capacity.numa b"]
    assert fleet(server("s", "a"), cells=()).check(COMING) == []


@pytest.mark.parametrize(("module", "name", "few"), [(cells, "SEARCH", 1), (numa, "TRIES", -200)])
def test_a_search_that_is_too_long_says_so(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, few: int
) -> None:
    monkeypatch.setattr(module, name, few)
    given = fleet(pinned("t", "b", 3, 1), pinned("u", "b", 3, 1), pinned("s", "a", 2, 1))
    assert given.check(COMING) == ["warning capacity.numa b"]
    assert "could not be decided" in given.text(COMING)
