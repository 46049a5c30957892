"""A plan as a tree that an operator can read."""

from __future__ import annotations

from escalator.model.plan import Action, Impact, Mode, Plan, Procedure, Step, UndoClass


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
    lines.append("")
    for procedure in plan.procedures:
        lines += _procedure(procedure, 0)
    if plan.commit:
        lines += ["", "Commit  (point of no return: behind it only a restore brings the old state back)"]
        for procedure in plan.commit:
            lines += _procedure(procedure, 1)
    return "\n".join(lines)


def _procedure(procedure: Procedure, depth: int) -> list[str]:
    how = f", at most {procedure.limit} at once" if procedure.mode is Mode.PARALLEL and procedure.limit else ""
    lines = [f"{'  ' * depth}{procedure.title}  [{procedure.mode.value}{how}; {procedure.expected_s:.0f} s]"]
    for child in procedure.children:
        lines += _procedure(child, depth + 1) if isinstance(child, Procedure) else _step(child, depth + 1)
    return lines


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


def _marks(action: Action) -> str:
    marks = [f"{action.expected_s:g} s, at most {action.longest_s:g}", f"undo {action.undo.value}"]
    if action.undo in (UndoClass.RESTORE, UndoClass.NEVER):
        marks[-1] = f"NO UNDO ({action.undo.value})"
    if action.impact is not Impact.NONE:
        marks.append(action.impact.value)
    return f"  ({'; '.join(marks)})"
