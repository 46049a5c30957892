"""A host that fails is taken back and left out, within the policy's bounds; the campaign goes on without it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from escalator.engine.memory import MemoryEngine
from escalator.execution.aside import remaining
from escalator.execution.commit import commit
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.rollback import roll_back
from escalator.journal.journal import MemoryJournal
from escalator.model.plan import Mode, Phase, Plan, Policy, Procedure
from escalator.model.states import State
from world import Verbs, World, context, plan, step


def hosts(count: int, *, number: int, percent: float = 100, mode: Mode = Mode.SEQUENCE) -> Plan:
    """Hosts of two steps each, and something behind them."""
    branches = tuple(
        Procedure(f"hosts/h{n}", f"h{n}", Phase.ROLL, Mode.SEQUENCE, (step(f"h{n}a", 2), step(f"h{n}b", 2)), apart=True)
        for n in range(count)
    )
    all_hosts = Procedure("hosts", "hosts", Phase.ROLL, mode, branches, limit=2)
    last = Procedure("last", "last", Phase.VERIFY, Mode.SEQUENCE, (step("v", 1),))
    policy = Policy(retries=0, aside_number=number, aside_percent=percent)
    return replace(plan(), procedures=(all_hosts, last), policy=policy)


def driver(world: World, made: Plan) -> Driver:
    verbs = Verbs(world)
    return Driver(made, MemoryJournal(lambda: 1.0), MemoryEngine(), lambda _: verbs, context)


@pytest.mark.parametrize("mode", list(Mode))
def test_one_sick_host_is_taken_back_and_the_others_are_upgraded(mode: Mode) -> None:
    world, made = World(fail={"h1b.1": 9}), hosts(4, number=1, mode=mode)
    d = driver(world, made)
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    assert not {name for name in world.on if name.startswith("h1")}
    assert {f"h{n}{s}.{a}" for n in (0, 2, 3) for s in "ab" for a in (0, 1)} | {"v.0"} == world.on
    assert list(remaining(made, d.view)) == ["h1"]
    assert "h1b.1: it does not turn" in remaining(made, d.view)["h1"]
    assert asyncio.run(commit(d)) == (State.CAMPAIGN_COMMITTED, ())


def test_what_was_set_aside_is_not_undone_again() -> None:
    world = World(fail={"h1b.1": 9})
    d = driver(world, hosts(3, number=1))
    asyncio.run(execute(d))
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_COMPLETED
    assert not world.on
    assert len([1 for verb, name in world.ledger if (verb, name) == ("undo", "h1a.0")]) == 1


@pytest.mark.parametrize(("number", "percent"), [(0, 100), (1, 100), (9, 40)])
def test_beyond_either_bound_a_failure_is_the_campaigns(number: int, percent: float) -> None:
    world = World(fail={"h0a.0": 9, "h1a.1": 9})
    d = driver(world, hosts(4, number=number, percent=percent))
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert len(d.view.aside) == (1 if number else 0)


def test_a_failure_elsewhere_is_never_set_aside() -> None:
    d = driver(World(fail={"v.0": 9}), hosts(2, number=2))
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert not d.view.aside


def test_a_host_that_can_not_be_taken_back_stops_the_campaign() -> None:
    class Stuck(Verbs):
        async def undo(self, context, action):
            raise RuntimeError("stuck")

    world = World(fail={"h1b.1": 9})
    d = driver(world, hosts(3, number=1))
    d.verbs_of = lambda _: Stuck(world)
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert "h1 could not be taken back" in d.view.problems[0]
