"""How long a campaign and its roll-back may take, and what is said and done at each limit (DU-5, DU-6).

Time counts while it executes, and while it rolls back; not while it is suspended, or while nobody drives it. A step
that has begun at the campaign's limit goes on to its end, so that its object is whole; behind it nothing begins until
somebody extends the limit. A roll-back suspends between two actions, and each further one has the whole time again:
there is no other way out of it.
"""

from __future__ import annotations

from escalator.execution.wayback import order, possible, predicted_s
from escalator.journal.fold import View
from escalator.model.plan import Plan
from escalator.model.states import COUNTING, COUNTING_BACK, State

DEADLINE = "deadline"  # cause of a halt


def spent_s(view: View, now: float) -> float:
    """Seconds of executing so far."""
    return view.executing_s + (max(0.0, now - view.since) if view.state in COUNTING and view.since else 0.0)


def spent_back_s(view: View, now: float) -> float:
    """Seconds of this roll-back since somebody last began it, or went on with it; 0 where none is under way."""
    return max(0.0, now - view.since) if view.state in COUNTING_BACK and view.since else 0.0


def limit_s(plan: Plan, view: View) -> float:
    """Seconds that executing may take, with what it was extended by; 0 = no limit."""
    most = plan.policy.max_duration_s
    return most + view.extended_s if most else 0.0


def overdue(plan: Plan, view: View, now: float) -> str:
    """Why nothing new begins any more; "" while there is time, and where it does not execute."""
    limit, spent = limit_s(plan, view), spent_s(view, now)
    if view.state not in COUNTING or not limit or spent <= limit:
        return ""
    return (
        f"deadline: {spent:.0f} s spent, {limit:g} are allowed; 'escalator rollback' takes it back, 'escalator extend"
        " --by SECONDS --why REASON' and then 'escalator resume' go on"
    )


def overdue_back(plan: Plan, view: View, now: float) -> str:
    """Why the roll-back suspends; "" while there is time."""
    limit, spent = plan.policy.max_rollback_s, spent_back_s(view, now)
    if not limit or spent <= limit:
        return ""
    left = len(order(plan, view))
    return (
        f"deadline of the roll-back: {spent:.0f} s spent, {limit:g} are allowed; {left} actions are left, about"
        f" {predicted_s(plan, view):.0f} s: 'escalator rollback' goes on"
    )


def too_long_back(plan: Plan, view: View) -> str:
    """That a roll-back from here would not end within its limit; "" where it would, or where none is possible."""
    limit, back = plan.policy.max_rollback_s, predicted_s(plan, view)
    standing_still = view.state is State.ROLLBACK_SUSPENDED  # says by itself what is left
    if not limit or back <= limit or standing_still or not possible(plan, view):
        return ""
    return f"a roll-back from here would take about {back:.0f} s, {limit:g} are allowed: it would suspend on the way"
