"""Start times by CP-SAT: of all migrations, or of some while the others stay where they are.

ortools is optional (extra ``exact``): ``available()`` says whether it is there. One worker, a fixed seed and a limit in
CP-SAT's deterministic time, so that the same input gives the same answer on any machine. A unit of it is what one core
does in 1 to 10 s; a wall-clock limit stands far behind it, against a hang only. The model is cumulative constraints
only: what a host holds of a class is taken from a start to the horizon at a destination, and from the beginning to an
end at a source.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from escalator.plan.timing.bounds import in_flight
from escalator.plan.timing.needs import Needs, Pool, Store

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

WALL_S = 200
"""Seconds on the wall for each unit of effort, after which a search is stopped all the same."""


def available() -> bool:
    """Whether ortools is installed."""
    return importlib.util.find_spec("ortools") is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """``starts``: by position, None: none was found. ``bound``: of the objective. ``spent``: deterministic time."""

    starts: tuple[int, ...] | None
    bound: int
    optimal: bool
    infeasible: bool
    spent: float


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked: no start later than ``horizon`` allows; ``fixed``: position -> start of those that stay.

    With ``target`` 0 the makespan is made small; else what comes later than it: first the latest, then their sum.
    """

    horizon: int
    hint: Sequence[int] = ()
    fixed: Mapping[int, int] | None = None
    floor: int = 0  # a known lower bound of the makespan
    target: int = 0
    effort: float = 2.0
    seed: int = 0


class _Model:
    """Variables and constraints of one question."""

    def __init__(self, needs: Needs, ask: Ask) -> None:
        from ortools.sat.python import cp_model  # noqa: PLC0415 - optional, and slow to import

        self.cp = cp_model
        self.model = cp_model.CpModel()
        self.needs, self.ask = needs, ask
        fixed = ask.fixed or {}
        self.starts: dict[int, cp_model.IntVar] = {
            i: self.model.new_int_var(needs.readies[i], ask.horizon - needs.end(i, 0), f"s{i}")
            for i in range(needs.count)
            if i not in fixed
        }
        self.fixed = fixed
        self.last = max([ask.horizon, *(needs.end(i, s) for i, s in fixed.items())])
        self._lagged: dict[tuple[int, int], cp_model.IntervalVar] = {}
        for pool in (*needs.pools, *in_flight(needs)):
            self.add_pool(pool)
        for store in needs.stores:
            self.add_store(store)

    def running(self, i: int, lag: int) -> cp_model.IntervalVar:
        """From the start of ``i`` until ``lag`` past its end."""
        if (i, lag) not in self._lagged:
            size = self.needs.durations[i] + lag
            self._lagged[i, lag] = self.model.new_fixed_size_interval_var(self.starts[i], size, f"r{i}+{lag}")
        return self._lagged[i, lag]

    def add_pool(self, pool: Pool) -> None:
        free = [(i, a) for i, a in pool.users if i in self.starts]
        if not free:
            return
        steps: list[tuple[int, int]] = []
        for i, a in pool.users:
            if i not in self.starts:
                steps += [(self.fixed[i], a), (self.fixed[i] + self.needs.durations[i] + pool.lag, -a)]
        intervals = [self.running(i, pool.lag) for i, _ in free]
        blocks, amounts = self.blocks(steps)
        smallest = sorted([a for _, a in free])[:2]
        if not blocks and sum(smallest) > pool.capacity and len(free) > 1:
            self.model.add_no_overlap(intervals)
        else:
            self.model.add_cumulative(intervals + blocks, [a for _, a in free] + amounts, pool.capacity)

    def add_store(self, store: Store) -> None:
        """Its load counted from the level where all that is to go has gone."""
        coming = [(i, a) for i, a in store.coming if i in self.starts]
        going = [(i, a) for i, a in store.going if i in self.starts]
        if not coming and not going:
            return
        steps = [(self.fixed[i], a) for i, a in store.coming if i not in self.starts]
        for i, a in store.going:
            if i not in self.starts:
                steps += [(0, a), (self.fixed[i] + self.needs.durations[i], -a)]
        intervals = [self.held_from(i) for i, _ in coming] + [self.held_until(i) for i, _ in going]
        blocks, amounts = self.blocks(steps)
        capacity = store.free + sum(a for _, a in store.going)
        self.model.add_cumulative(intervals + blocks, [a for _, a in coming + going] + amounts, capacity)

    def held_from(self, i: int) -> cp_model.IntervalVar:
        start = self.starts[i]
        return self.model.new_interval_var(start, self.last - start, self.last, f"from{i}")

    def held_until(self, i: int) -> cp_model.IntervalVar:
        end = self.starts[i] + self.needs.durations[i]
        return self.model.new_interval_var(0, end, end, f"until{i}")

    def blocks(self, steps: Sequence[tuple[int, int]]) -> tuple[list[cp_model.IntervalVar], list[int]]:
        """What stays as it is, as few intervals of constant level."""
        change: dict[int, int] = {}
        for time, amount in steps:
            change[time] = change.get(time, 0) + amount
        intervals, amounts, level = [], [], 0
        times = sorted(time for time, amount in change.items() if amount)
        for time, until in zip(times, [*times, self.last][1:], strict=True):
            level += change[time]
            if level and until > time:
                intervals.append(self.model.new_fixed_size_interval_var(time, until - time, f"b{time}"))
                amounts.append(level)
        return intervals, amounts

    def minimise(self) -> None:
        needs, ask = self.needs, self.ask
        lateness = max(0, ask.horizon - ask.target)
        last = self.model.new_int_var(max(0, ask.floor - ask.target), lateness, "last")
        for i, start in self.starts.items():
            self.model.add(last >= start + needs.end(i, 0) - ask.target)
        if not ask.target:
            self.model.minimize(last)
            return
        late = {i: self.model.new_int_var(0, lateness, f"late{i}") for i in self.starts}
        for i, start in self.starts.items():
            self.model.add(late[i] >= start + needs.end(i, 0) - ask.target)
        self.model.minimize(last * len(late) + sum(late.values()))

    def solve(self) -> Answer:
        self.minimise()
        for i, start in self.starts.items():
            if self.ask.hint:
                self.model.add_hint(start, self.ask.hint[i])
        solver = self.cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.ask.seed
        solver.parameters.interleave_search = True
        solver.parameters.max_deterministic_time = self.ask.effort
        solver.parameters.max_time_in_seconds = WALL_S * self.ask.effort
        status = solver.solve(self.model)
        spent = solver.deterministic_time
        if status == self.cp.INFEASIBLE:
            return Answer(None, 0, optimal=False, infeasible=True, spent=spent)
        bound = round(solver.best_objective_bound)
        if status not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return Answer(None, bound, optimal=False, infeasible=False, spent=spent)
        starts = tuple(
            solver.value(self.starts[i]) if i in self.starts else self.fixed[i] for i in range(self.needs.count)
        )
        return Answer(starts, bound, status == self.cp.OPTIMAL, infeasible=False, spent=spent)


def solve(needs: Needs, ask: Ask) -> Answer:
    """Ask CP-SAT (ortools must be there)."""
    return _Model(needs, ask).solve()
