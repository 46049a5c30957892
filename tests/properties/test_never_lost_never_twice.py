"""Killed at every record and inside every call, and resumed: no effect is lost, none is done twice."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.engine.memory import MemoryEngine
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.rollback import roll_back
from escalator.journal.fold import fold
from escalator.journal.journal import verify
from escalator.model.plan import Mode, Plan
from escalator.model.states import State
from world import KillableJournal, KilledError, Verbs, World, context, plan


def driver(world: World, made: Plan, journal: KillableJournal) -> Driver:
    verbs = Verbs(world)
    return Driver(made, journal, MemoryEngine(), lambda _: verbs, context)


def live_on(world: World, made: Plan, verb, kills: list[int]) -> KillableJournal:
    """Run ``verb`` to its end, being killed at each of ``kills`` (ticks since the last start) and started again."""
    journal = KillableJournal(world)
    return go_on(world, made, verb, kills, journal)


def go_on(world: World, made: Plan, verb, kills: list[int], journal: KillableJournal) -> KillableJournal:
    for kill in [*kills, -1]:
        world.kill_at = world.ticks + kill if kill > 0 else -1
        d = driver(world, made, journal)
        try:
            asyncio.run(verb(d))
        except KilledError:
            journal = KillableJournal(world, journal.read())
        else:
            break
    world.kill_at = -1
    verify(journal.read())
    return journal


async def forwards(d: Driver) -> None:
    if d.view.state is not State.EXECUTION_COMPLETED:
        await execute(d)


async def backwards(d: Driver) -> None:
    if d.view.state is not State.ROLLBACK_COMPLETED:
        await roll_back(d)


def ticks_of(made: Plan, verb, before: list) -> int:
    world = World()
    journal = KillableJournal(world)
    for first in before:
        journal = go_on(world, made, first, [], journal)
    start = world.ticks
    go_on(world, made, verb, [], journal)
    return world.ticks - start


SMALL = plan(steps=2, actions=2)


@pytest.mark.parametrize("kill", range(1, ticks_of(SMALL, forwards, []) + 1))
def test_killed_once_anywhere_in_execute(kill: int) -> None:
    world = World()
    journal = live_on(world, SMALL, forwards, [kill])
    assert [n for v, n in world.ledger if v == "do"] == [a.id for s in SMALL.steps() for a in s.actions]
    assert fold(journal.read()).state is State.EXECUTION_COMPLETED


@pytest.mark.parametrize("kill", range(1, ticks_of(SMALL, backwards, [forwards]) + 1))
def test_killed_once_anywhere_in_roll_back(kill: int) -> None:
    world = World()
    journal = live_on(world, SMALL, forwards, [])
    journal = go_on(world, SMALL, backwards, [kill], journal)
    assert not world.on
    assert fold(journal.read()).state is State.ROLLBACK_COMPLETED
    does = [n for v, n in world.ledger if v == "do"]
    assert [n for v, n in world.ledger if v == "undo"] == does[::-1]


@pytest.mark.parametrize("kill", range(1, ticks_of(SMALL, forwards, [])))
def test_rolled_back_right_after_a_kill_in_execute(kill: int) -> None:
    world = World(kill_at=kill)
    journal = KillableJournal(world)
    with pytest.raises(KilledError):
        asyncio.run(forwards(driver(world, SMALL, journal)))
    if fold(journal.read()).state is State.INITIAL:
        return
    journal = go_on(world, SMALL, backwards, [], KillableJournal(world, journal.read()))
    assert not world.on
    assert fold(journal.read()).state is State.ROLLBACK_COMPLETED


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 40), max_size=8), st.lists(st.integers(1, 40), max_size=8), st.sampled_from(list(Mode)))
def test_killed_again_and_again(kills: list[int], back: list[int], mode: Mode) -> None:
    world, made = World(), plan(steps=4, actions=2, mode=mode)
    journal = live_on(world, made, forwards, kills)
    wanted = {a.id for s in made.steps() for a in s.actions}
    assert world.on == wanted
    assert len([1 for v, _ in world.ledger if v == "do"]) == len(wanted)
    journal = go_on(world, made, backwards, back, journal)
    assert not world.on
    assert fold(journal.read()).state is State.ROLLBACK_COMPLETED
