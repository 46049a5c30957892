"""The limits of a plan hold while it is carried out, on every engine: of the site, of a zone, of a kind of action."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from conformance.stores import Store
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.journal.journal import MemoryJournal
from escalator.model.plan import Mode, Phase, Plan, Procedure
from escalator.model.states import State
from world import Verbs, World, context, plan, step

Gates = dict[str, int]


class Crowded(Verbs):
    """Counts how many actions are under way at once behind each gate of their steps, and the most there ever were.

    The first of them wait for each other until ``wanted`` are there, so that a slow machine reaches the limit too.
    """

    def __init__(self, world: World, made: Plan, wanted: int) -> None:
        super().__init__(world)
        self.wanted, self.there = wanted, asyncio.Event()
        self.gates = {a.id: [name for name, _ in s.gates] for s in made.steps() for a in s.actions}
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def do(self, context, action):
        names = ["all", *self.gates[action.id]]
        self.inside.update(names)
        for name in names:
            self.most[name] = max(self.most[name], self.inside[name])
        if self.inside["all"] >= self.wanted:
            self.there.set()
        await asyncio.wait_for(self.there.wait(), 60)
        await asyncio.sleep(0.02)
        self.inside.subtract(names)
        return await super().do(context, action)


def hosts(count: int, limit: int, **gates: Gates) -> Plan:
    """Branches of two steps each, side by side; ``gates``: those of all branches whose number leaves no rest."""
    branches = []
    for n in range(count):
        mine = tuple(gate for name, some in gates.items() if n % int(name[1:]) == 0 for gate in some.items())
        steps = tuple(replace(step(f"h{n}.{m}", 2), gates=mine) for m in range(2))
        branches.append(Procedure(f"hosts/h{n}", f"h{n}", Phase.ROLL, Mode.SEQUENCE, steps))
    rolling = Procedure("hosts", "hosts", Phase.ROLL, Mode.PARALLEL, tuple(branches), limit=limit)
    return replace(plan(), procedures=(rolling,))


def carry_out(store: Store, made: Plan, wanted: int) -> Crowded:
    world = World()
    verbs = Crowded(world, made, wanted)

    async def whole() -> State:
        engine = store.engine()
        driver = Driver(made, MemoryJournal(lambda: 1.0), engine, lambda _: verbs, context)
        try:
            return await asyncio.wait_for(execute(driver), 120)
        finally:
            await engine.close()

    assert asyncio.run(whole()) is State.EXECUTION_COMPLETED
    assert world.on == {a.id for s in made.steps() for a in s.actions}
    return verbs


def test_all_limits_hold_at_once_and_the_narrowest_decides(store: Store) -> None:
    verbs = carry_out(store, hosts(9, 6, _1={"site/s": 4, "kind/s/x": 3}, _2={"zone/s/a": 2}, _3={"zone/s/b": 1}), 3)
    assert verbs.most["kind/s/x"] == verbs.most["all"] == 3
    assert verbs.most["zone/s/a"] in (1, 2)
    assert verbs.most["zone/s/b"] == 1


def test_without_gates_the_procedure_limits_alone(store: Store) -> None:
    assert carry_out(store, hosts(6, 4), 4).most["all"] == 4


@pytest.mark.parametrize("limit", [1, 2])
def test_one_gate_before_all_is_one_row(store: Store, limit: int) -> None:
    assert carry_out(store, hosts(4, 4, _1={"site/s": limit}), limit).most["all"] == limit


def test_who_waits_before_a_full_zone_keeps_nobody_out_of_the_site(store: Store) -> None:
    """Five of a zone that takes one come first: they must not take the site's two places while they wait."""
    branches = [
        Procedure(
            f"hosts/h{n}", f"h{n}", Phase.ROLL, Mode.SEQUENCE,
            (replace(step(f"h{n}", 1), gates=(("site/s", 2), ("zone/s/full" if n < 5 else "zone/s/free", 1))),),
        )
        for n in range(6)
    ]  # fmt: skip
    made = replace(plan(), procedures=(Procedure("hosts", "hosts", Phase.ROLL, Mode.PARALLEL, tuple(branches)),))
    verbs = carry_out(store, made, 2)  # the first one ends only when the one of the other zone is there
    assert verbs.most["site/s"] == 2
    assert verbs.most["zone/s/full"] == verbs.most["zone/s/free"] == 1
