"""How much longer a run takes: what is left of the plan, at the pace at which it has gone so far."""

from __future__ import annotations

from escalator.execution.wayback import predicted_s
from escalator.journal.fold import ActionState, ActionView, View
from escalator.model.plan import Action, Mode, Plan, Procedure, Step
from escalator.model.states import State

#: Seconds of plan that count as done at the expected pace beforehand: the first short actions say little of the rest.
PRIOR_S = 30.0
#: An action that is beyond its time is taken to need this share of its time again.
AGAIN = 0.25
_FIXED = ("soak",)  # takes what it takes, on a slow machine too


def eta_s(plan: Plan, view: View, now: float) -> float:
    """Seconds until the run ends as it goes now (execute, or roll-back); 0 where it does not go."""
    if view.state is State.ROLLING_BACK:
        return predicted_s(plan, view) * pace(plan, view, now)
    if view.state is not State.EXECUTING:
        return 0.0
    return sum(_left(p, view, pace(plan, view, now), now) for p in plan.procedures)


def pace(plan: Plan, view: View, now: float) -> float:
    """Time that actions took, over what was expected of them; what is beyond its time already counts too."""
    took = expected = PRIOR_S
    for action in (a for s in plan.steps() for a in s.actions if a.kind not in _FIXED):
        seen = view.of(action.id)
        done, spent = seen.state is ActionState.DONE, spent_s(seen, now)
        if done or (seen.state is ActionState.DOING and spent > action.expected_s):
            took += spent
            expected += action.expected_s
    return took / expected


def spent_s(seen: ActionView, now: float) -> float:
    """Seconds that the last attempt at an action took, or has taken so far."""
    return max(0.0, (seen.ended or now) - seen.started) if seen.started else 0.0


def _left(node: Procedure | Step, view: View, speed: float, now: float) -> float:
    if isinstance(node, Step):
        return sum(_of_action(a, view.of(a.id), speed, now) for a in node.actions)
    if node.id in view.aside:
        return 0.0
    times = [_left(child, view, speed, now) for child in node.children]
    if node.mode is Mode.SEQUENCE or not times:
        return sum(times)
    return max(*times, sum(times) / (node.limit or len(times)))


def _of_action(action: Action, seen: ActionView, speed: float, now: float) -> float:
    if seen.state is ActionState.DONE:
        return 0.0
    whole = action.expected_s * (1.0 if action.kind in _FIXED else speed)
    if seen.state is not ActionState.DOING:
        return whole
    spent = spent_s(seen, now)
    return max(whole - spent, AGAIN * spent if spent > whole else 0.0)
