"""The start of each migration, when destinations are fixed: as early an end of all as can be found.

1. What binds is counted (``needs``) and what can't be is refused; parts that share nothing that binds are timed apart.
2. Each part is list-scheduled in several orders (``listed``); one that ends at a lower bound (``bounds``) is done.
3. CP-SAT times the others exactly (``exact``), or, where a part is too large or the effort runs out, piece by piece
   (``windows``).

The answer carries a lower bound, and whether it is proven that nothing ends sooner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from escalator.model.findings import Finding, Severity
from escalator.model.schedule import Move
from escalator.model.transfers import Transfers
from escalator.plan.timing import exact, listed, windows
from escalator.plan.timing.bounds import Least, least
from escalator.plan.timing.needs import Needs, impossible, needs_of
from escalator.plan.timing.parts import parts_of

EXACT_MOST = 2000
"""Larger parts are not handed to CP-SAT as a whole."""
ROUNDS = 40
"""Squeaky-wheel passes for a part of up to ROUNDS_AT migrations, fewer for larger ones."""
ROUNDS_AT = 500
REQUIREMENT = "EN-2"


@dataclass(frozen=True)
class Timing:
    """Moves in order of the transfers; () where ``findings`` refuse. Times are seconds.

    ``bound_s``: nothing ends sooner, because of ``binds``. ``proven``: the makespan is the least possible one, to the
    tick that times are counted in (a millisecond or a whole part of a second above it).
    """

    moves: tuple[Move, ...]
    makespan_s: float
    bound_s: float
    binds: str
    proven: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One part's state: its positions in the whole, its best starts, and what is known of it."""

    positions: tuple[int, ...]
    needs: Needs
    starts: tuple[int, ...]
    stuck: tuple[int, ...]
    bound: Least
    infeasible: bool = False

    @property
    def makespan(self) -> int:
        return self.needs.makespan(self.starts)


def time_transfers(case: Transfers, *, effort: float = 2.0, seed: int = 0, solver: bool = True) -> Timing:
    """Decide all starts. ``effort`` limits CP-SAT (unit: exact.py); without ``solver`` it is not asked."""
    needs = needs_of(case)
    if refused := impossible(case, needs):
        return Timing((), 0.0, 0.0, "", proven=False, findings=refused)
    parts = [_first(positions, part) for positions, part in parts_of(needs)]
    solver = solver and exact.available()
    if solver:
        parts = _improve(parts, effort, seed)
    if any(part.infeasible or part.stuck for part in parts):
        return Timing((), 0.0, 0.0, "", proven=False, findings=_stuck(case, parts, solver=solver))
    return _timing(case, needs, parts, solver=solver)


def _first(positions: tuple[int, ...], needs: Needs) -> _Part:
    bound = least(needs)
    rounds = min(ROUNDS, ROUNDS * ROUNDS_AT // max(1, needs.count))
    found = listed.best(needs, bound.ticks, rounds)
    return _Part(positions, needs, found.starts, found.stuck, bound)


def _improve(parts: list[_Part], effort: float, seed: int) -> list[_Part]:
    """Work on those that end later than the highest bound of all, the latest first."""
    order = sorted(range(len(parts)), key=lambda n: (not parts[n].stuck, -parts[n].makespan, n))
    left = effort
    for n in order:
        target = max(part.bound.ticks for part in parts)
        if left <= 0 or (not parts[n].stuck and parts[n].makespan <= target):
            continue
        parts[n], spent = _exactly(parts[n], target, left, seed)
        left -= spent
    return parts


def _exactly(part: _Part, target: int, effort: float, seed: int) -> tuple[_Part, float]:
    """The whole part by CP-SAT where it is small enough; what that leaves open, in windows."""
    spent = 0.0
    if part.needs.count <= EXACT_MOST:
        whole = effort if part.needs.count <= min(windows.SIZES) else effort / 2
        part, spent = _whole(part, whole, seed)
    if not part.infeasible and not part.stuck and part.makespan > max(target, part.bound.ticks) and spent < effort:
        better = windows.improve(part.needs, part.starts, max(target, part.bound.ticks), effort - spent, seed)
        part, spent = replace(part, starts=better.starts), spent + better.spent
    return part, spent


def _whole(part: _Part, effort: float, seed: int) -> tuple[_Part, float]:
    needs = part.needs
    lag = max((pool.lag for pool in needs.pools), default=0)
    serial = sum(needs.durations) + lag * needs.count + max(needs.readies) + max(needs.tails)
    ask = exact.Ask(
        serial if part.stuck else part.makespan, () if part.stuck else part.starts, floor=part.bound.ticks,
        effort=effort, seed=seed,
    )  # fmt: skip
    answer = exact.solve(needs, ask)
    if answer.infeasible:
        return replace(part, infeasible=True), answer.spent
    if answer.bound > part.bound.ticks:
        part = replace(part, bound=Least(answer.bound, "all of it together (CP-SAT)"))
    if answer.starts and (part.stuck or needs.makespan(answer.starts) < part.makespan):
        part = replace(part, starts=answer.starts, stuck=())
    return part, answer.spent


def _stuck(case: Transfers, parts: list[_Part], *, solver: bool) -> tuple[Finding, ...]:
    """Who finds no room, and whether it is proven that there is none."""
    found = []
    for part in parts:
        names = [case.transfers[part.positions[i]].server for i in part.stuck]
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004
        if part.infeasible:
            text = f"no order of these migrations leaves room for all at every moment; waiting for room: {some}"
        elif part.stuck:
            text = f"no order was found that leaves room for all at every moment; waiting for room: {some}"
            text += "" if solver else " (ortools is not used: it might find one, or prove that there is none)"
        else:
            continue
        hint = "free room on the destinations, or let some move twice"
        found.append(Finding(Severity.REFUSED, "timing.no-room", names[0] if names else "", text, REQUIREMENT, hint))
    return tuple(found)


def _timing(case: Transfers, needs: Needs, parts: list[_Part], *, solver: bool) -> Timing:
    starts = [0] * needs.count
    for part in parts:
        for position, start in zip(part.positions, part.starts, strict=True):
            starts[position] = start
    moves = tuple(
        Move(t.server, t.source, t.destination, start / needs.ticks_per_s, start / needs.ticks_per_s + t.duration_s)
        for t, start in zip(case.transfers, starts, strict=True)
    )
    makespan = max((m.end_s + t.tail_s for m, t in zip(moves, case.transfers, strict=True)), default=0.0)
    bound = max((part.bound for part in parts), key=lambda b: b.ticks, default=Least(0, ""))
    proven = needs.makespan(starts) <= bound.ticks
    bound_s = min(makespan, bound.ticks / needs.ticks_per_s)
    return Timing(
        moves, makespan, bound_s, bound.binds, proven, _notes(makespan, bound_s, proven=proven, solver=solver)
    )


def _notes(makespan_s: float, bound_s: float, *, proven: bool, solver: bool) -> tuple[Finding, ...]:
    if proven:
        return ()
    text = f"the last migration ends at {makespan_s:g} s; nothing can end before {bound_s:g} s; the least is not known"
    if not solver:
        text += ": list schedule only, as ortools is not used"
    return (
        Finding(Severity.INFO, "timing.not-proven", "", text, "", "" if solver else "pip install escalator[exact]"),
    )
