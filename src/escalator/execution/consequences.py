"""What policy says follows when a walk has ended early (EX-2).

Pure: a fold of the journal decides, so a crash in between changes nothing.
"""

from __future__ import annotations

from escalator.execution.deadlines import DEADLINE
from escalator.journal.fold import View
from escalator.model.plan import Plan
from escalator.model.states import COUNTING_BACK, State


def rolls_back(plan: Plan, view: View) -> str:
    """Why the run is rolled back now without asking anybody; "" where it is not."""
    if view.state is State.SUSPENDED_BY_ERROR_DETECTED and plan.policy.on_failure == "rollback":
        return "rolling back after the failure, as the policy says"
    late = any(halt.cause == DEADLINE for halt in view.halts)
    if view.state is State.EXECUTION_SUSPENDED and late and plan.policy.at_deadline == "rollback":
        return "rolling back as the deadline is over, as the policy says"
    return ""


def goes_back(view: View) -> bool:
    """Whether a roll-back is under way that was cut off: to go on with the run is to go on with that."""
    return view.state in COUNTING_BACK
