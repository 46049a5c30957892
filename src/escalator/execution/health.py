"""Health lines of a run: what is out of the ordinary, since when, what it touches, what to do. A fold, like all status.

Built from the plan, the journal's view and the meter's totals alone. Their form is that of OpenShift's
``oc adm upgrade status``: SINCE, LEVEL, IMPACT, MESSAGE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from escalator.execution.aside import remaining
from escalator.execution.deadlines import limit_s, spent_s, too_long_back
from escalator.execution.forecast import eta_s
from escalator.execution.forecast import spent_s as spent_on
from escalator.execution.gates import next_hold
from escalator.execution.wayback import possible, predicted_s
from escalator.journal.fold import ActionState, View
from escalator.model.plan import Action, Plan
from escalator.model.states import COUNTING, COUNTING_BACK, State

#: An action is slow when it takes so many times what was expected, and so many seconds more.
SLOW_TIMES, SLOW_S = 1.5, 5.0
#: The meter writes its totals each second; silence beyond this is more than a busy machine.
SILENT_S = 15.0


class Level(StrEnum):
    """How much a line weighs."""

    INFO = "Info"
    WARNING = "Warning"
    ERROR = "Error"


class Touches(StrEnum):
    """What a line is about: the column IMPACT."""

    NONE = "none"
    SPEED = "speed"
    STALLED = "stalled"  # nothing goes on until somebody acts
    USERS = "availability"  # users notice
    UNKNOWN = "unknown"  # whether users notice is not known


@dataclass(frozen=True)
class HealthLine:
    """One line. ``since_s``: seconds ago; None where it has no beginning."""

    since_s: float | None
    level: Level
    impact: Touches
    message: str


NOTHING = HealthLine(None, Level.INFO, Touches.NONE, "nothing unusual")
_GRAVITY = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}


def health(plan: Plan, view: View, totals: dict[str, Any], now: float) -> tuple[HealthLine, ...]:
    """The lines, the gravest first; exactly one that says so where nothing is unusual."""
    found = [*_standing(plan, view, now), *_deadlines(plan, view, now), *_actions(plan, view, now)]
    found += _requests(plan, totals, now)
    found += [
        HealthLine(None, Level.WARNING, Touches.NONE, f"{title} was set aside, the next plan has it again: {why}")
        for title, why in remaining(plan, view).items()
    ]
    found += _meter(plan, view, totals, now)
    found = [replace(x, message=" ".join(x.message.split()), since_s=_rounded(x.since_s)) for x in found]
    return tuple(sorted(found, key=lambda line: _GRAVITY[line.level])) or (NOTHING,)


def _rounded(since: float | None) -> float | None:
    return None if since is None else round(max(0.0, since), 1)


def _standing(plan: Plan, view: View, now: float) -> Iterator[HealthLine]:
    """A run that stands still, or turns: why, for how long, and the command that comes next."""
    since = now - view.since if view.since else None
    way_back = f", or 'escalator rollback' (about {span(predicted_s(plan, view))})" if possible(plan, view) else ""
    back = f"about {span(predicted_s(plan, view))}"
    why = "; ".join(view.problems) or view.why or "no reason is written down"
    hold = next_hold(plan, view, now)  # says itself which commands go on
    if view.committing and view.state is State.EXECUTION_COMPLETED:
        yield HealthLine(
            since, Level.WARNING, Touches.NONE,
            "a commit has begun, there is no undo any more; next, where it does not run: 'escalator commit'",
        )  # fmt: skip
    elif view.state is State.EXECUTION_COMPLETED:
        what = hold or "waits for a decision; next: 'escalator commit'"
        text = f"{what}{way_back}"
        yield HealthLine(since, Level.INFO, Touches.STALLED, text)
    elif view.state is State.EXECUTION_SUSPENDED:
        what = hold or f"suspended: {why}; next: 'escalator resume'"
        text = f"{what}{way_back}"
        yield HealthLine(since, Level.WARNING, Touches.STALLED, text)
    elif view.state is State.SUSPENDED_BY_ERROR_DETECTED:
        text = f"suspended by an error: {why}; next: mend it, then 'escalator resume'{way_back}"
        yield HealthLine(since, Level.ERROR, Touches.STALLED, text)
    elif view.state is State.ROLLBACK_SUSPENDED:
        text = f"the roll-back stands still: {why}; next: 'escalator rollback' ({back})"
        yield HealthLine(since, Level.ERROR, Touches.STALLED, text)
    elif view.state is State.ROLLING_BACK:
        yield HealthLine(since, Level.WARNING, Touches.NONE, f"rolling back; {back} as expected")
    elif view.state in (State.EXECUTION_FAILED, State.ROLLBACK_FAILED):
        text = f"it can't go on: {why}; next: 'escalator restore' brings the backup's state back"
        yield HealthLine(since, Level.ERROR, Touches.STALLED, text)
    elif view.suspend_asked and view.state in COUNTING | COUNTING_BACK:
        yield HealthLine(
            None, Level.INFO, Touches.STALLED, f"suspends behind what is under way: {view.suspend_asked}"
        )  # fmt: skip


def _deadlines(plan: Plan, view: View, now: float) -> Iterator[HealthLine]:
    """A limit that will not be kept as it goes, or could not be kept on the way back."""
    limit, ends = limit_s(plan, view), spent_s(view, now) + eta_s(plan, view, now)
    if view.state is State.EXECUTING and limit and ends > limit:
        follows = "rolls back" if plan.policy.at_deadline == "rollback" else "suspends"
        text = f"as it goes it ends {span(ends - limit)} behind its deadline, where it {follows}; 'escalator extend'"
        yield HealthLine(None, Level.WARNING, Touches.SPEED, text)
    if text := too_long_back(plan, view):
        yield HealthLine(None, Level.WARNING, Touches.SPEED, text)


def _actions(plan: Plan, view: View, now: float) -> Iterator[HealthLine]:
    known = {a.id: a for s in (*plan.steps(), *plan.commit_steps()) for a in s.actions}
    for name in view.in_doubt:
        if name in known:
            yield from _slow(known[name], view, now)
    for name, seen in view.actions.items():
        if seen.attempts > 1 and name in known:
            done = seen.state is ActionState.DONE
            end = "done at last" if done else "not done yet"
            yield HealthLine(
                now - seen.started, Level.INFO if done else Level.WARNING, Touches.SPEED,
                f"'{known[name].title}' was tried {seen.attempts} times; {end}",
            )  # fmt: skip


def _slow(action: Action, view: View, now: float) -> Iterator[HealthLine]:
    """An action under way for longer than expected, or than it may."""
    seen = view.of(action.id)
    spent = spent_on(seen, now)
    title = f"undo of '{action.title}'" if seen.state is ActionState.UNDOING else f"'{action.title}'"
    times = f"{span(spent)} so far, {action.expected_s:g} s expected, at most {action.longest_s:g} s"
    if spent > action.longest_s:
        text = f"{title} is beyond its longest time: {times}; if nothing runs any more: 'escalator resume' looks first"
        yield HealthLine(spent, Level.ERROR, Touches.STALLED, text)
    elif spent > max(SLOW_TIMES * action.expected_s, action.expected_s + SLOW_S):
        yield HealthLine(spent, Level.WARNING, Touches.SPEED, f"{title} takes longer than expected: {times}")


def _requests(plan: Plan, totals: dict[str, Any], now: float) -> Iterator[HealthLine]:
    """Failed requests, against the campaign's budget; ``since`` is the last of them."""
    failed = int(totals.get("failed", 0))
    if not failed:
        return
    apis = {name: api for name, api in totals.get("apis", {}).items() if api.get("failed")}
    last = max((float(api.get("last_failure", 0.0)) for api in apis.values()), default=0.0)
    allowed = plan.budgets.get("failed_requests", 0)
    if plan.smooth:
        level = Level.ERROR if failed > allowed else Level.WARNING
        limit = f"{allowed:g} are allowed"
    else:
        level, limit = Level.WARNING, "an outage is accepted"
    which = ", ".join(f"{name} {api['failed']}" for name, api in sorted(apis.items()))
    text = f"{failed} of {int(totals.get('requests', 0))} requests failed, {limit}" + (f" ({which})" if which else "")
    yield HealthLine(now - last if last else None, level, Touches.USERS, text)


def _meter(plan: Plan, view: View, totals: dict[str, Any], now: float) -> Iterator[HealthLine]:
    """A meter that says nothing while the run goes on: its silence is no proof that nobody noticed anything."""
    runs = view.state in COUNTING | COUNTING_BACK or (view.committing and view.in_doubt)
    at = float(totals.get("at", 0.0))
    silent = now - max(at, view.since)  # a meter of an earlier stretch of the run is not expected to have gone on
    if not plan.changes or not runs or silent <= SILENT_S:  # a restore runs without a meter
        return
    text = "the meter is silent" if at else "the meter's totals can't be read"
    yield HealthLine(
        silent, Level.ERROR, Touches.UNKNOWN,
        f"{text}: what users notice is not known; if nothing runs any more: 'escalator resume' looks first",
    )  # fmt: skip


def table(lines: tuple[HealthLine, ...]) -> list[str]:
    """The lines as a table for a screen."""
    rows = [("SINCE", "LEVEL", "IMPACT", "MESSAGE")]
    rows += [
        ("-" if x.since_s is None else span(x.since_s), x.level.value, x.impact.value, x.message) for x in lines
    ]  # fmt: skip
    return [f"{since:<10}{level:<9}{impact:<14}{message}" for since, level, impact, message in rows]


def span(seconds: float) -> str:
    """Seconds as people read them, ``4m05s``."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m{rest:02}s" if hours else f"{minutes}m{rest:02}s"
