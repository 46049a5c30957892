"""Execute, suspend, fail, roll back, commit: the campaign's life over a small world."""

from __future__ import annotations

import asyncio

import pytest

from escalator.engine.memory import MemoryEngine
from escalator.errors import IllegalMoveError, RefusedError, SiteError
from escalator.execution.commit import commit
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.rollback import roll_back
from escalator.execution.wayback import order
from escalator.journal.events import Kind, Record
from escalator.journal.journal import MemoryJournal
from escalator.model.plan import Mode, Plan
from escalator.model.states import State
from world import Verbs, World, context, plan


def driver(world: World, made: Plan, journal: MemoryJournal | None = None) -> Driver:
    verbs = Verbs(world)
    return Driver(made, journal or MemoryJournal(lambda: 1.0), MemoryEngine(), lambda _: verbs, context)


def test_everything_is_done_in_order_and_then_committed() -> None:
    world, made = World(), plan()
    d = driver(world, made)
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    assert [name for _, name in world.ledger] == [a.id for s in made.steps() for a in s.actions]
    assert asyncio.run(commit(d)) == (State.CAMPAIGN_COMMITTED, ())
    assert {"c0.0", "c0.1"} <= world.on


def test_roll_back_after_success_is_the_exact_reverse() -> None:
    world, made = World(), plan()
    d = driver(world, made)
    asyncio.run(execute(d))
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_COMPLETED
    does = [n for verb, n in world.ledger if verb == "do"]
    undoes = [n for verb, n in world.ledger if verb == "undo"]
    assert undoes == does[::-1]
    assert not world.on


def test_a_failure_is_retried_and_then_suspends_with_the_reason() -> None:
    world, made = World(fail={"s1.1": 2}), plan(retries=1)
    d = driver(world, made)
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert "s1.1: it does not turn [ESC-300]" in d.view.problems[0]
    assert "s1.2" not in world.on
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED  # the fault is gone: it goes on where it stood


def test_one_retry_mends_one_failure() -> None:
    world = World(fail={"s1.1": 1})
    assert asyncio.run(execute(driver(world, plan(retries=1)))) is State.EXECUTION_COMPLETED


def test_a_request_to_suspend_is_seen_between_two_actions_and_resume_goes_on() -> None:
    world, made, journal = World(), plan(), MemoryJournal(lambda: 1.0)
    d = driver(world, made, journal)

    class Asking(Verbs):
        async def do(self, context, action):
            if action.id == "s0.1":
                await journal.append(Record(Kind.ASKED, "", {"what": "suspend", "why": "lunch"}))
            return await super().do(context, action)

    d.verbs_of = lambda _: Asking(world)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert world.on == {"s0.0", "s0.1"}
    d.verbs_of = lambda _: Verbs(world)
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED


def test_the_guard_stops_a_campaign() -> None:
    world = World()
    d = driver(world, plan())
    d.guard = lambda _: "3 requests failed, 0 are allowed" if len(world.on) >= 2 else ""
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert world.on == {"s0.0", "s0.1"}
    assert d.view.problems == ("3 requests failed, 0 are allowed",)


def test_a_failing_parallel_step_lets_running_ones_end_and_starts_no_other() -> None:
    world = World(fail={"s0.0": 9})
    d = driver(world, plan(steps=5, actions=1, mode=Mode.PARALLEL))
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert len(world.on) < 5


def test_no_roll_back_once_a_commit_has_begun() -> None:
    world = World(fail={"c0.1": 1})
    d = driver(world, plan())
    asyncio.run(execute(d))
    state, halts = asyncio.run(commit(d))
    assert state is State.EXECUTION_COMPLETED
    assert "c0.1" in halts[0].why
    with pytest.raises(RefusedError, match="a commit has begun"):
        asyncio.run(roll_back(d))
    assert asyncio.run(commit(d))[0] is State.CAMPAIGN_COMMITTED


def test_a_finished_campaign_cannot_be_executed_again() -> None:
    world = World()
    d = driver(world, plan())
    asyncio.run(execute(d))
    with pytest.raises(IllegalMoveError):
        asyncio.run(execute(d))
    assert not order(plan(), driver(World(), plan()).view)


def test_a_request_to_suspend_that_came_too_late_does_not_block_the_commit() -> None:
    world, journal = World(), MemoryJournal(lambda: 1.0)
    d = driver(world, plan(), journal)
    asyncio.run(execute(d))
    asyncio.run(journal.append(Record(Kind.ASKED, "", {"what": "suspend"})))
    assert asyncio.run(commit(d)) == (State.CAMPAIGN_COMMITTED, ())


def test_a_verb_with_a_bug_suspends_and_names_it() -> None:
    class Broken(Verbs):
        async def do(self, context, action):
            raise TimeoutError("pool")

    world = World()
    d = driver(world, plan())
    d.verbs_of = lambda _: Broken(world)
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert "pool" in d.view.problems[0]
    assert "not done within" not in d.view.problems[0]


def test_what_has_no_undo_and_lost_its_answer_is_looked_at_not_repeated() -> None:
    class LosesAnswers(Verbs):
        lost = False

        async def do(self, context, action):
            outcome = await super().do(context, action)  # the world asserts that nothing is done twice
            if action.id == "c0.0" and not self.lost:
                self.lost = True
                raise SiteError("the answer is lost")
            return outcome

    for retries in (0, 1):
        world = World()
        d = driver(world, plan(retries=retries))
        verbs = LosesAnswers(world)
        d.verbs_of = lambda _, verbs=verbs: verbs
        asyncio.run(execute(d))
        state, halts = asyncio.run(commit(d))
        if halts:
            state, halts = asyncio.run(commit(d))
        assert (state, halts) == (State.CAMPAIGN_COMMITTED, ())
        assert world.ledger.count(("do", "c0.0")) == 1
