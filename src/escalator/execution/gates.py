"""What holds a run back between two steps: maintenance windows, approvals, pauses. Pure, but for :func:`insist`."""

from __future__ import annotations

from dataclasses import dataclass

from escalator.execution.driver import Driver, Halt
from escalator.journal.events import Kind
from escalator.journal.fold import ActionState, View
from escalator.model.gates import COMMIT, Gate, GateKind
from escalator.model.plan import Plan, Step
from escalator.model.states import State
from escalator.model.windows import local_text, next_opening

HELD = "held"  # data["what"] of the note that a pause holds; the next resume passes it
_BEGUN = (ActionState.DONE, ActionState.DOING, ActionState.UNDOING)


@dataclass(frozen=True)
class Hold:
    """Why nothing begins now, with the commands that go on; ``gate`` is "" where a window is closed."""

    gate: str
    why: str


async def insist(driver: Driver, step: Step | None) -> None:
    """Raise Halt where the plan holds this step now (None: the commit as a whole); a pause is noted in the journal."""
    hold = hold_of(driver.plan, driver.view, step, driver.engine.now())
    if hold is None:
        return
    if hold.gate:
        await driver.write(Kind.NOTE, what=HELD, gate=hold.gate, text=hold.why)
    raise Halt(hold.why, failed=False)


def hold_of(plan: Plan, view: View, step: Step | None, now: float) -> Hold | None:
    """What holds a step (None: the commit as a whole) at ``now``, seconds since the epoch; None where nothing does.

    What has begun goes on to its end: the rest of a step, and a commit behind the closing of a window.
    """
    if step is not None and has_begun(step, view):
        return None
    if plan.windows and not view.committing and not any(w.is_open(now) for w in plan.windows):
        return Hold("", _outside(plan, step, now))
    name = COMMIT if step is None else step.id
    for kind in (GateKind.APPROVAL, GateKind.PAUSE):
        for gate in plan.gates:
            if gate.kind is kind and _stands(gate, view, name, now):
                return Hold(gate.id, _why(gate, committing=step is None or view.committing))
    return None


def has_begun(step: Step, view: View) -> bool:
    """Whether some of it was done, or is: it goes on to its end, as its object stands in the middle."""
    return any(view.of(a.id).state in _BEGUN for a in step.actions)


def next_hold(plan: Plan, view: View, now: float) -> str:
    """What the run, as it stands, would wait for next; "" where nothing holds it, or where it does not go forwards."""
    if view.state is State.EXECUTION_COMPLETED and not view.committing:
        hold = hold_of(plan, view, None, now)
    elif view.state in (State.INITIAL, State.EXECUTION_SUSPENDED, State.SUSPENDED_BY_ERROR_DETECTED):
        following = next((s for s in plan.steps() if not _is_done(s, view)), None)
        hold = hold_of(plan, view, following, now) if following else None
    else:
        hold = None
    return hold.why if hold else ""


def _stands(gate: Gate, view: View, name: str, now: float) -> bool:
    """Whether a gate stands before what is about to begin, and nobody has opened it."""
    if gate.kind is GateKind.APPROVAL:
        return name in gate.before and gate.id not in view.approved
    if gate.id in view.passed:
        return False
    if gate.at:
        return view.started < gate.at <= now
    if gate.after:
        return all(view.of(action).state is ActionState.DONE for action in gate.after)
    return name in gate.before


def _is_done(step: Step, view: View) -> bool:
    return all(view.of(a.id).state is ActionState.DONE for a in step.actions)


def _why(gate: Gate, *, committing: bool) -> str:
    go_on = "escalator commit" if committing else "escalator resume"
    text = f" ({gate.text})" if gate.text else ""
    if gate.kind is GateKind.APPROVAL:
        return (
            f"waits for approval '{gate.id}'{text}: 'escalator approve {gate.id} --why REASON', then '{go_on}' goes on"
        )
    return f"pause {gate.id}{text}: '{go_on}' goes on"


def _outside(plan: Plan, step: Step | None, now: float) -> str:
    found = next_opening(plan.windows, now)
    if found is None:
        return "outside the maintenance windows, and none of them opens any more"
    opening, window = found
    go_on = "escalator commit" if step is None else "escalator resume"
    moment = f"{local_text(opening, window.timezone)} ({window.timezone})"
    return f"outside the maintenance windows: the next one opens at {moment}; then '{go_on}' goes on"
