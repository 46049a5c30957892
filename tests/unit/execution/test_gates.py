"""Approvals, pauses, windows: where a run waits, what lets it go on, and what is never held."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from escalator.engine.memory import MemoryEngine
from escalator.execution.commit import commit
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.gates import next_hold
from escalator.execution.rollback import roll_back
from escalator.journal.events import Kind, Record
from escalator.journal.fold import fold
from escalator.journal.journal import MemoryJournal
from escalator.model.gates import COMMIT, Gate, GateKind
from escalator.model.plan import Mode, Plan
from escalator.model.states import State
from escalator.model.windows import Window
from world import Verbs, World, context, plan, step

NIGHT = (Window(("wed",), "22:00", "04:00", "UTC"),)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class Clock:
    """Time that the test turns."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def driver(world: World, made: Plan, clock: Clock | None = None, journal: MemoryJournal | None = None) -> Driver:
    verbs, clock = Verbs(world), clock or Clock()
    return Driver(made, journal or MemoryJournal(clock), MemoryEngine(clock), lambda _: verbs, context)


def approve(d: Driver, gate: str) -> None:
    said = {"what": "approve", "gate": gate, "why": "seen", "who": "ann"}
    asyncio.run(d.journal.append(Record(Kind.ASKED, "", said)))


def approval(name: str, *before: str) -> Gate:
    return Gate(name, GateKind.APPROVAL, "look first", before=before)


def why(d: Driver) -> str:
    return str(next(r for r in reversed(d.journal.read()) if r.data.get("event") == "suspend").data["why"])


def test_a_run_waits_for_an_approval_names_the_commands_and_goes_on_when_it_is_there() -> None:
    world = World()
    d = driver(world, replace(plan(), gates=(approval("late", "s1"),)))
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert world.on == {"s0.0", "s0.1", "s0.2"}
    assert "'escalator approve late --why REASON', then 'escalator resume'" in why(d)
    assert "look first" in next_hold(d.plan, d.view, 1000.0)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED  # resume alone is no word
    approve(d, "late")
    assert not next_hold(d.plan, d.view, 1000.0)
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    assert d.view.approved == {"late": "ann"}


def test_an_approval_given_ahead_does_not_stop_the_run() -> None:
    d = driver(World(), replace(plan(), gates=(approval("late", "s1"),)))
    approve(d, "late")
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


def test_a_pause_holds_once() -> None:
    world = World()
    pauses = (Gate("before s1", GateKind.PAUSE, before=("s1",)), Gate("after s1", GateKind.PAUSE, after=("s1.2",)))
    d = driver(world, replace(plan(), gates=pauses))
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 3
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 6
    assert why(d).startswith("pause after s1")
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


def test_a_crash_at_a_pause_does_not_pass_it() -> None:
    world, journal = World(), MemoryJournal(lambda: 1.0)
    made = replace(plan(), gates=(Gate("before s1", GateKind.PAUSE, before=("s1",)),))
    asyncio.run(execute(driver(world, made, journal=journal)))
    records = journal.read()
    noted = next(r.seq for r in records if r.data.get("what") == "held")
    d = driver(world, made, journal=MemoryJournal(lambda: 1.0, records[:noted]))  # killed before it was suspended
    assert d.view.state is State.EXECUTING
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 3


def test_a_pause_behind_one_of_several_side_by_side_lets_the_others_end_their_step() -> None:
    world = World()
    made = plan(steps=5, actions=2, mode=Mode.PARALLEL)
    d = driver(world, replace(made, gates=(Gate("after s0", GateKind.PAUSE, after=("s0.1",)),)))
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert {"s0.0", "s0.1"} <= world.on
    assert len(world.on) in (2, 4)  # whole steps only
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


def test_a_pause_at_a_time_holds_a_run_that_began_before_it_and_no_other() -> None:
    made = replace(plan(), gates=(Gate("at noon", GateKind.PAUSE, at=2000.0),))
    late = Clock(3000.0)
    assert asyncio.run(execute(driver(World(), made, late))) is State.EXECUTION_COMPLETED

    clock, world = Clock(1000.0), World()

    class Slow(Verbs):
        async def do(self, context, action):
            clock.at += 400
            return await super().do(context, action)

    d = driver(world, made, clock)
    d.verbs_of = lambda _: Slow(world)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 3  # the step under way at 2000 went on to its end
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


def test_outside_a_window_nothing_begins_and_the_reason_says_when_the_next_one_opens() -> None:
    world, clock = World(), Clock(moment("2026-11-25T21:59"))
    d = driver(world, replace(plan(), windows=NIGHT), clock)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert not world.on
    assert "the next one opens at 2026-11-25 22:00+00:00" in why(d)
    clock.at = moment("2026-11-25T22:00")
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


def test_a_step_that_began_in_a_window_ends_behind_it_and_the_next_one_waits() -> None:
    world, clock = World(), Clock(moment("2026-11-26T03:59"))

    class Slow(Verbs):
        async def do(self, context, action):
            clock.at += 40
            return await super().do(context, action)

    d = driver(world, replace(plan(), windows=NIGHT), clock)
    d.verbs_of = lambda _: Slow(world)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert world.on == {"s0.0", "s0.1", "s0.2"}
    assert "opens at 2026-12-02 22:00+00:00" in why(d)


def test_a_half_done_step_goes_on_outside_a_window_behind_a_crash() -> None:
    world, clock = World(), Clock(moment("2026-11-26T03:59"))
    made = replace(plan(), windows=NIGHT)
    d = driver(world, made, clock)
    asyncio.run(execute(d))
    seq = next(r.seq for r in d.journal.read() if r.subject == "s1.0" and r.kind is Kind.OUTCOME)
    begun = d.journal.read()[:seq]
    clock.at, world.on = moment("2026-11-26T12:00"), {"s0.0", "s0.1", "s0.2", "s1.0"}
    again = driver(world, made, clock, MemoryJournal(clock, begun))
    assert asyncio.run(execute(again)) is State.EXECUTION_SUSPENDED
    assert world.on == {"s0.0", "s0.1", "s0.2", "s1.0", "s1.1", "s1.2"}


def test_roll_back_is_held_by_nothing() -> None:
    world, clock = World(fail={"s1.1": 9}), Clock(moment("2026-11-25T23:00"))
    gates = (approval("late", "s2"), Gate("before s2", GateKind.PAUSE, before=("s2",)))
    d = driver(world, replace(plan(), windows=NIGHT, gates=gates), clock)
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    clock.at = moment("2026-11-26T12:00")
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_COMPLETED
    assert not world.on


def test_a_commit_that_waits_for_a_word_has_not_begun_so_roll_back_is_still_possible() -> None:
    world = World()
    d = driver(world, replace(plan(), gates=(approval(COMMIT, COMMIT),)))
    asyncio.run(execute(d))
    state, halts = asyncio.run(commit(d))
    assert state is State.EXECUTION_COMPLETED
    assert "then 'escalator commit' goes on" in halts[0].why
    assert not d.view.committing
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_COMPLETED


def test_a_commit_goes_on_when_the_word_is_there() -> None:
    d = driver(World(), replace(plan(), gates=(approval(COMMIT, COMMIT),)))
    asyncio.run(execute(d))
    asyncio.run(commit(d))
    approve(d, COMMIT)
    assert asyncio.run(commit(d)) == (State.CAMPAIGN_COMMITTED, ())


def test_a_commit_begins_in_a_window_only() -> None:
    clock = Clock(moment("2026-11-26T03:00"))
    d = driver(World(), replace(plan(), windows=NIGHT), clock)
    asyncio.run(execute(d))
    clock.at = moment("2026-11-26T04:00")
    _, halts = asyncio.run(commit(d))
    assert "outside the maintenance windows" in halts[0].why
    clock.at = moment("2026-12-02T22:00")
    assert asyncio.run(commit(d))[0] is State.CAMPAIGN_COMMITTED


def test_a_pause_in_the_middle_of_a_commit_holds_it_once() -> None:
    made = plan()
    (last,) = made.commit
    second = replace(last, id="more", children=(step("more", 1),))
    gates = (Gate("after last", GateKind.PAUSE, after=("c0.1",)),)
    d = driver(World(), replace(made, commit=(last, second), gates=gates))
    asyncio.run(execute(d))
    state, halts = asyncio.run(commit(d))
    assert (state, d.view.committing) == (State.EXECUTION_COMPLETED, True)
    assert halts[0].why == "pause after last: 'escalator commit' goes on"
    assert asyncio.run(commit(d)) == (State.CAMPAIGN_COMMITTED, ())


def test_a_crash_behind_the_record_of_a_halt_does_not_pass_the_gate() -> None:
    world, journal = World(), MemoryJournal(lambda: 1.0)
    made = replace(plan(), gates=(Gate("before s1", GateKind.PAUSE, before=("s1",)),))
    asyncio.run(execute(driver(world, made, journal=journal)))
    halted = next(r.seq for r in journal.read() if r.kind is Kind.HALTED)
    d = driver(world, made, journal=MemoryJournal(lambda: 1.0, journal.read()[:halted]))
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 3
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


@pytest.mark.parametrize("what", ["approve", "held"])
def test_the_journal_alone_tells_what_was_given_and_what_holds(what: str) -> None:
    kind = Kind.ASKED if what == "approve" else Kind.NOTE
    view = fold([Record(kind, "", {"what": what, "gate": "g", "who": "ann"}, at=1.0, seq=1)])
    assert (view.approved, view.held) == (({"g": "ann"}, set()) if what == "approve" else ({}, {"g"}))
    assert not view.passed
