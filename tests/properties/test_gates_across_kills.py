"""Killed at any record while it waits: a word that was given meanwhile counts, none given lets nothing pass."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from escalator.engine.memory import MemoryEngine
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.journal.events import Kind, Record
from escalator.journal.fold import fold
from escalator.journal.journal import verify
from escalator.model.gates import Gate, GateKind
from escalator.model.plan import Mode, Plan
from escalator.model.states import State
from world import KillableJournal, KilledError, Verbs, World, context, plan

APPROVAL = Gate("word", GateKind.APPROVAL, "look first", before=("s1",))
PAUSE = Gate("before s1", GateKind.PAUSE, before=("s1",))
BEFORE = {"s0.0", "s0.1"}


def gated(gate: Gate, mode: Mode = Mode.SEQUENCE) -> Plan:
    return replace(plan(steps=2, actions=2, mode=mode), gates=(gate,))


def resume(world: World, made: Plan, journal: KillableJournal, kill: int = -1) -> State | None:
    """One life; None where it was killed. ``kill``: ticks after its start."""
    world.kill_at = world.ticks + kill if kill > 0 else -1
    verbs = Verbs(world)
    d = Driver(made, journal, MemoryEngine(lambda: 5000.0), lambda _: verbs, context)
    try:
        return asyncio.run(execute(d))
    except KilledError:
        return None
    finally:
        world.kill_at = -1


def reborn(world: World, journal: KillableJournal) -> KillableJournal:
    verify(journal.read())
    return KillableJournal(world, journal.read())


def ticks(made: Plan) -> int:
    world = World()
    assert resume(world, made, KillableJournal(world)) is State.EXECUTION_SUSPENDED
    return world.ticks


def approve(journal: KillableJournal) -> None:
    said = Record(Kind.ASKED, "", {"what": "approve", "gate": APPROVAL.id, "who": "ann"})
    asyncio.run(journal.append(said))


@pytest.mark.parametrize("mode", [Mode.SEQUENCE, Mode.PARALLEL])
def test_a_word_given_while_nobody_drives_is_enough_and_without_it_the_run_still_waits(mode: Mode) -> None:
    made = gated(APPROVAL, mode)
    for kill in range(1, ticks(made) + 1):
        world = World()
        journal = KillableJournal(world)
        assert resume(world, made, journal, kill) is None
        journal = reborn(world, journal)
        assert resume(world, made, journal) is State.EXECUTION_SUSPENDED, kill
        assert world.on == BEFORE

        world = World()
        journal = KillableJournal(world)
        assert resume(world, made, journal, kill) is None
        journal = reborn(world, journal)
        approve(journal)
        assert resume(world, made, journal) is State.EXECUTION_COMPLETED, kill
        assert len(world.on) == 4


def test_a_pause_is_passed_only_by_a_resume_of_a_run_that_stood_at_it() -> None:
    made = gated(PAUSE)
    for kill in range(1, ticks(made)):  # at the last tick the suspension is in the journal
        world = World()
        journal = KillableJournal(world)
        assert resume(world, made, journal, kill) is None
        journal = reborn(world, journal)
        assert resume(world, made, journal) is State.EXECUTION_SUSPENDED, kill
        assert world.on == BEFORE
        assert resume(world, made, journal) is State.EXECUTION_COMPLETED, kill


def test_a_request_to_suspend_survives_a_kill_until_it_is_carried_out() -> None:
    made = plan(steps=2, actions=2)
    heard = 0
    for kill in range(1, 40):
        world = World()
        journal = KillableJournal(world)

        class Asking(Verbs):
            async def do(self, context, action):
                outcome = await super().do(context, action)
                if action.id == "s0.0":
                    await journal.append(Record(Kind.ASKED, "", {"what": "suspend", "why": "lunch"}))  # noqa: B023
                return outcome

        world.kill_at = kill
        asked = Driver(made, journal, MemoryEngine(lambda: 5000.0), lambda _: Asking(world), context)  # noqa: B023
        try:
            asyncio.run(execute(asked))
        except KilledError:
            journal = reborn(world, journal)
        else:
            break
        before = fold(journal.read())
        wanted = State.EXECUTION_COMPLETED
        if before.suspend_asked and before.state is State.EXECUTING:
            wanted, heard = State.EXECUTION_SUSPENDED, heard + 1
        assert resume(world, made, journal) is wanted, kill
    assert heard > 5
