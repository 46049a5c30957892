"""The way back from where a run stands: what a roll-back would undo, how long that takes, whether it can be. Pure."""

from __future__ import annotations

from escalator.journal.fold import ActionState, View
from escalator.model.plan import Action, Plan, UndoClass
from escalator.model.states import FINAL

_TO_UNDO = (ActionState.DONE, ActionState.DOING, ActionState.FAILED, ActionState.UNDOING, ActionState.UNDO_FAILED)


def can_undo(action: Action) -> bool:
    """Whether the action's undo is more than a restore from backup."""
    return action.undo not in (UndoClass.RESTORE, UndoClass.NEVER)


def order(plan: Plan, view: View) -> tuple[Action, ...]:
    """What a roll-back from here would undo, in its order."""
    actions = {a.id: a for s in plan.steps() for a in s.actions}
    done = [(v.order, name) for name, v in view.actions.items() if v.state in _TO_UNDO and name in actions]
    return tuple(actions[name] for _, name in sorted(done, reverse=True))


def predicted_s(plan: Plan, view: View) -> float:
    """How long a roll-back from here is expected to take, seconds (DU-6)."""
    return sum(a.back_s for a in order(plan, view))


def possible(plan: Plan, view: View) -> bool:
    """Whether all that was done can still be taken back by undo."""
    return not view.committing and view.state not in FINAL and all(can_undo(action) for action in order(plan, view))
