"""A plan as a tree that an operator can read."""

from __future__ import annotations

from collections.abc import Callable

from escalator.model.gates import COMMIT, Gate, GateKind
from escalator.model.plan import Action, Impact, Mode, Plan, Procedure, Step, UndoClass
from escalator.plan.gates import edge
from escalator.plan.impact import lines as impact_lines
from escalator.plan.limits import limits_of


def tree(plan: Plan) -> str:
    """The plan, one line per step and action; times in seconds (expected, longest)."""
    if plan.empty:
        return f"Nothing is left to do: {plan.site} runs what '{plan.campaign}' wants."
    lines = [
        f"Plan {plan.id}: {plan.campaign} on {plan.site}, {plan.hop[0]} -> {plan.hop[1]} with bundle {plan.bundle}"
    ]
    if len(plan.chain) > 1:
        lines.append(f"Way: {' -> '.join(plan.chain)}")
    for c in plan.changes:
        lines.append(f"  {c.component:<10} {c.from_version} -> {c.to_version} ({c.size})")
    expected = sum(p.expected_s for p in plan.procedures)
    lines.append(f"Expected: {expected:.0f} s in {len(plan.steps())} steps; everything up to 'Commit' can be undone.")
    lines += [_limits(plan), *_learned(plan)]
    if plan.windows:
        lines.append(f"Steps begin only: {'; '.join(str(w) for w in plan.windows)}.")
    limits = [f"{name} {most}" for name, most in limits_of(plan).items()]
    lines += [f"At most at once: {', '.join(limits)}."] if limits else []
    lines += [f"The run {gate_line(g)}." for g in plan.gates if g.at]
    if plan.impacts:
        lines += ["Impact of its upgrade:", *(f"  {text}" for i in plan.impacts for text in impact_lines(i))]
    lines.append("")
    signs = [g for g in plan.gates if not g.at]
    for procedure in plan.procedures:
        lines += _node(procedure, 0, signs)
    if plan.commit or any(COMMIT in g.before for g in signs):
        before = _taken(signs, lambda g: COMMIT in g.before)
        lines += ["", *before, "Commit  (point of no return: behind it only a restore brings the old state back)"]
        for procedure in plan.commit:
            lines += _node(procedure, 1, signs)
    return "\n".join(lines)


def _limits(plan: Plan) -> str:
    """What executing and a roll-back may take, and what follows (DU-5, DU-6)."""
    policy = plan.policy
    then = "rolls back" if policy.at_deadline == "rollback" else "suspends"
    return (
        f"Deadline: {policy.max_duration_s:g} s, then it {then}. A roll-back from the end: about {plan.back_s:.0f} s,"
        f" at most {policy.max_rollback_s:g}."
    )


def _learned(plan: Plan) -> list[str]:
    """How much of the expected time was measured here; nothing is said where nothing was."""
    actions = [a for s in plan.steps() for a in s.actions]
    measured = [a for a in actions if a.basis.runs]
    if not measured:
        return []
    runs = max(a.basis.runs for a in measured)
    share = 100 * sum(a.expected_s for a in measured) / max(0.001, sum(a.expected_s for a in actions))
    how = f"{len(measured)} of {len(actions)} actions, {share:.0f} % of the time"
    return [f"Measured on this site: {how}, from up to {runs} run{'s' * (runs != 1)}; the rest is the catalogue's."]


def gate_line(gate: Gate) -> str:
    """What a run does at a gate, behind 'the run'."""
    text = f": {gate.text}" if gate.text else ""
    return f"waits for approval '{gate.id}'{text}" if gate.kind is GateKind.APPROVAL else f"pauses {gate.id}{text}"


def _node(node: Procedure | Step, depth: int, signs: list[Gate], outer: tuple[str, ...] = ()) -> list[str]:
    """A procedure or step between its gates; each gate stands once, at the outermost node that it fits.

    ``outer``: the last steps of the procedure around it.
    """
    first, last = edge((node,)), edge((node,), last=True)
    before = _taken(signs, lambda g: g.before == first)
    if isinstance(node, Step):
        lines = _step(node, depth)
    else:
        lines = [_title(node, depth)]
        for child in node.children:
            lines += _node(child, depth + 1, signs, last)
    after = [] if last == outer else _taken(signs, lambda g: g.after == last)
    pad = "  " * depth
    return [*(pad + line for line in before), *lines, *(pad + line for line in after)]


def _taken(signs: list[Gate], fits: Callable[[Gate], bool]) -> list[str]:
    """The lines of the gates that fit; they leave ``signs``."""
    found = [g for g in signs if fits(g)]
    signs[:] = [g for g in signs if g not in found]
    return [f"|| {gate_line(g)}" for g in found]


def _title(procedure: Procedure, depth: int) -> str:
    how = f", at most {procedure.limit} at once" if procedure.mode is Mode.PARALLEL and procedure.limit else ""
    return f"{'  ' * depth}{procedure.title}  [{procedure.mode.value}{how}; {procedure.expected_s:.0f} s]"


def _step(step: Step, depth: int) -> list[str]:
    pad = "  " * depth
    if len(step.actions) == 1:
        lines = [f"{pad}- {step.title}{_marks(step.actions[0])}"]
    else:
        lines = [
            f"{pad}- {step.title}  [{step.expected_s:.0f} s]",
            *(f"{pad}    {a.title}{_marks(a)}" for a in step.actions),
        ]
    return [*lines, *([f"{pad}    because: {step.why}"] if step.why else [])]


def source(action: Action) -> str:
    """Where an expected time comes from, behind it; "" where it is the catalogue's."""
    if action.basis.fixed:
        return ", as times.yaml says"
    runs = action.basis.runs
    return f" from {runs} run{'s' * (runs != 1)}" if runs else ""


def _marks(action: Action) -> str:
    marks = [f"{action.expected_s:g} s{source(action)}, at most {action.longest_s:g}", f"undo {action.undo.value}"]
    if action.undo in (UndoClass.RESTORE, UndoClass.NEVER):
        marks[-1] = f"NO UNDO ({action.undo.value})"
    if action.impact is not Impact.NONE:
        marks.append(action.impact.value)
    return f"  ({'; '.join(marks)})"
