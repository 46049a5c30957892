"""Limits of executing and of rolling back: where they hold, what follows, how people go on (DU-5, DU-6)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from escalator.engine.memory import MemoryEngine
from escalator.execution.commit import commit
from escalator.execution.consequences import goes_back, rolls_back
from escalator.execution.deadlines import limit_s, overdue, spent_back_s, spent_s, too_long_back
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.rollback import roll_back
from escalator.execution.status import screen, status_of
from escalator.journal.events import Kind, Record
from escalator.journal.fold import View, fold
from escalator.journal.journal import MemoryJournal
from escalator.model.plan import Plan, Policy
from escalator.model.states import State
from world import Verbs, World, context, plan


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Slow(Verbs):
    """Each act takes 100 seconds."""

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(world)
        self.clock = clock

    async def do(self, context, action):
        self.clock.at += 100
        return await super().do(context, action)

    async def undo(self, context, action):
        self.clock.at += 100
        return await super().undo(context, action)


def slow(**policy: Any) -> tuple[Driver, World, Clock]:
    """A run of three steps of three acts: 900 seconds."""
    world, clock = World(), Clock()
    made = replace(plan(), policy=Policy(**{"retries": 0, "max_duration_s": 0, "max_rollback_s": 0, **policy}))
    verbs = Slow(world, clock)
    return Driver(made, MemoryJournal(clock), MemoryEngine(clock), lambda _: verbs, context), world, clock


def extend(d: Driver, by_s: float) -> None:
    asyncio.run(d.journal.append(Record(Kind.ASKED, "", {"what": "extend", "by_s": by_s, "who": "ann"})))


def test_behind_the_limit_no_step_begins_and_the_one_that_has_ends() -> None:
    d, world, _ = slow(max_duration_s=350)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 6  # the second step began at 300
    assert d.view.problems == ()
    assert "600 s spent, 350 are allowed" in d.view.why
    assert "'escalator extend --by SECONDS --why REASON'" in d.view.why


def test_resume_alone_is_no_more_time_an_extension_is() -> None:
    d, world, clock = slow(max_duration_s=350)
    asyncio.run(execute(d))
    clock.at += 10_000  # suspended: that does not count
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert len(world.on) == 6
    extend(d, 300)
    assert limit_s(d.plan, d.view) == 650
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    assert spent_s(d.view, clock.at) == 900


def test_a_commit_is_not_held_by_a_limit_that_the_last_step_overran() -> None:
    d, _, _ = slow(max_duration_s=700)
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    assert asyncio.run(commit(d))[0] is State.CAMPAIGN_COMMITTED


def test_no_limit_is_none() -> None:
    d, _, clock = slow()
    clock.at += 1
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    assert limit_s(d.plan, d.view) == 0


@pytest.mark.parametrize(("at_deadline", "follows"), [("suspend", False), ("rollback", True)])
def test_what_follows_at_the_limit_is_policy(at_deadline: str, *, follows: bool) -> None:
    d, _, _ = slow(max_duration_s=350, at_deadline=at_deadline)
    asyncio.run(execute(d))
    assert bool(rolls_back(d.plan, d.view)) is follows


def test_a_failure_is_not_taken_for_the_deadline() -> None:
    d, world, _ = slow(max_duration_s=350, at_deadline="rollback")
    world.fail = {"s0.1": 1}
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert rolls_back(d.plan, d.view) == ""
    assert rolls_back(replace(d.plan, policy=replace(d.plan.policy, on_failure="rollback")), d.view)


def test_a_request_to_suspend_is_not_taken_for_the_deadline() -> None:
    d, world, clock = slow(max_duration_s=350, at_deadline="rollback", on_failure="rollback")

    class Asking(Slow):
        async def do(self, context, action):
            if action.id == "s1.0":
                await d.journal.append(Record(Kind.ASKED, "", {"what": "suspend", "why": "lunch"}))
            return await super().do(context, action)

    d.verbs_of = lambda _: Asking(world, clock)
    assert asyncio.run(execute(d)) is State.EXECUTION_SUSPENDED
    assert spent_s(d.view, clock.at) == 400
    assert rolls_back(d.plan, d.view) == ""


def test_a_roll_back_suspends_at_its_limit_says_what_is_left_and_goes_on_with_the_whole_time_again() -> None:
    d, world, clock = slow(max_rollback_s=350)
    asyncio.run(execute(d))
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_SUSPENDED
    assert len(world.on) == 5
    assert "400 s spent, 350 are allowed; 5 actions are left, about 5 s: 'escalator rollback' goes on" in d.view.why
    assert spent_back_s(d.view, clock.at) == 0
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_SUSPENDED
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_COMPLETED
    assert not world.on


def records(*told: tuple[float, Kind, dict[str, Any]]) -> View:
    return fold(Record(kind, "", data, at, seq) for seq, (at, kind, data) in enumerate(told, 1))


def test_time_in_which_nobody_drove_does_not_count() -> None:
    execute_ = (1000.0, Kind.MOVED, {"event": "execute"})
    last = (1100.0, Kind.NOTE, {"text": "killed behind it"})
    word = (5000.0, Kind.ASKED, {"what": "approve", "gate": "g", "who": "ann"})
    over = (8990.0, Kind.NOTE, {"text": "taken over", "who": "ann"})
    taken = (9000.0, Kind.TAKEN, {"epoch": 2, "who": "ann"})
    view = records(execute_, last, word, over, taken)
    assert spent_s(view, 9010.0) == 110
    made = replace(plan(), policy=Policy(max_duration_s=100))
    assert "110 s spent" in overdue(made, view, 9010.0)
    back = [(1200.0, Kind.MOVED, {"event": e}) for e in ("suspend", "quiet", "rollback")]
    view = records(execute_, *back, (1300.0, Kind.NOTE, {}), taken)
    assert (spent_back_s(view, 9020.0), view.rolling_back_s) == (20, 100)


def test_a_run_that_can_not_go_back_in_time_and_one_that_ends_too_late_say_so() -> None:
    made: Plan = replace(plan(), policy=Policy(max_duration_s=10, max_rollback_s=2))
    done = [("s0.0", 0.0), ("s0.1", 1.0), ("s0.2", 2.0)]
    told = [Record(Kind.MOVED, "", {"event": "execute"}, 1000.0, 1)]
    for name, at in done:
        told += [
            Record(Kind.INTENT, name, {"verb": "do"}, 1000 + at, len(told) + 1),
            Record(Kind.OUTCOME, name, {"verb": "do", "result": "ok"}, 1001 + at, len(told) + 2),
        ]
    view = fold(told)
    assert "a roll-back from here would take about 3 s, 2 are allowed" in too_long_back(made, view)
    status = status_of("r", made, view, {}, 1008.0)
    assert (status.spent_s, status.limit_s, status.rollback_s, status.rollback_limit_s) == (8.0, 10.0, 3.0, 2.0)
    text = screen(status)
    assert "Deadline:    0m08s of 0m10s spent" in text
    assert "Roll-back:   about 0m03s from here, at most 0m02s" in text
    assert "as it goes it ends 0m04s behind its deadline, where it suspends; 'escalator extend'" in text
    assert "it would suspend on the way" in text


def test_a_roll_back_that_was_cut_off_is_what_resume_goes_on_with() -> None:
    d, _, _ = slow()
    asyncio.run(execute(d))
    assert not goes_back(d.view)
    told = d.journal.read()
    asyncio.run(roll_back(d))
    begun = next(r.seq for r in d.journal.read(told[-1].seq) if r.data.get("event") == "rollback")
    assert goes_back(fold(d.journal.read()[:begun]))
