"""How a run stands: a fold over its journal, and the screen that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from escalator.execution.aside import remaining
from escalator.execution.deadlines import limit_s, spent_back_s, spent_s
from escalator.execution.forecast import eta_s
from escalator.execution.gates import next_hold
from escalator.execution.health import HealthLine, health, span, table
from escalator.execution.wayback import possible, predicted_s
from escalator.journal.fold import ActionState, View
from escalator.model.plan import Plan, Step
from escalator.model.states import COUNTING, COUNTING_BACK, State

_WORDS = {
    State.INITIAL: "Not started",
    State.EXECUTING: "Progressing",
    State.EXECUTION_COMPLETED: "Done, to be committed or rolled back",
    State.EXECUTION_SUSPENDED: "Suspended",
    State.CAMPAIGN_COMMITTED: "Committed",
    State.ROLLING_BACK: "Rolling back",
    State.ROLLBACK_COMPLETED: "Rolled back",
    State.ROLLBACK_SUSPENDED: "Roll-back suspended",
}


@dataclass(frozen=True)
class Status:
    """A run at one moment. Times are seconds."""

    run: str
    campaign: str
    site: str
    hop: tuple[str, str]
    state: str
    assessment: str
    done: int
    total: int
    duration_s: float
    eta_s: float
    under_way: tuple[str, ...]
    problems: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    requests: dict[str, int] = field(default_factory=dict)
    remains: dict[str, str] = field(default_factory=dict)  # hosts that were set aside -> why
    held: str = ""  # what the run waits for, with the commands that go on
    health: tuple[HealthLine, ...] = ()
    rollback_s: float = 0.0  # how long a roll-back from here is expected to take (DU-6); 0 = none is possible
    spent_s: float = 0.0  # of executing, or of the roll-back that is under way: what the limit is about
    limit_s: float = 0.0  # 0 = none
    rollback_limit_s: float = 0.0


def status_of(run: str, plan: Plan, view: View, totals: dict[str, Any], now: float) -> Status:
    """What the journal and the meter say together."""
    counting = view.state in COUNTING | COUNTING_BACK
    duration = view.executing_s + view.rolling_back_s + (now - view.since if counting and view.since else 0.0)
    actions = [a for s in plan.steps() for a in s.actions]
    done = sum(view.of(a.id).state is ActionState.DONE for a in actions)
    titles = {a.id: a.title for s in (*plan.steps(), *plan.commit_steps()) for a in s.actions}
    back = view.state in COUNTING_BACK
    rows = tuple(_row(plan, s, view) for s in plan.steps() if any(a.kind == "unit.verify" for a in s.actions))
    return Status(
        run=run, campaign=plan.campaign, site=plan.site, hop=plan.hop, state=view.state.value,
        assessment=_assessment(view), done=done, total=len(actions), duration_s=duration,
        eta_s=round(eta_s(plan, view, now), 1),
        under_way=tuple(titles.get(name, name) for name in view.in_doubt), problems=view.problems, rows=rows,
        requests={"total": int(totals.get("requests", 0)), "failed": int(totals.get("failed", 0))},
        held=next_hold(plan, view, now), remains=remaining(plan, view),
        health=health(plan, view, totals, now),
        rollback_s=round(predicted_s(plan, view), 1) if possible(plan, view) else 0.0,
        spent_s=round(spent_back_s(view, now) if back else spent_s(view, now), 1),
        limit_s=plan.policy.max_rollback_s if back else limit_s(plan, view),
        rollback_limit_s=plan.policy.max_rollback_s,
    )  # fmt: skip


def _assessment(view: View) -> str:
    if view.problems:
        return "Stopped by an error"
    if view.committing and view.state is not State.CAMPAIGN_COMMITTED:
        return "Committing"
    return _WORDS.get(view.state, view.state.value)


def _row(plan: Plan, step: Step, view: View) -> dict[str, str]:
    change = next(c for c in plan.changes if c.component == step.component)
    states = [view.of(a.id).state for a in step.actions]
    phase = "waiting"
    if all(s is ActionState.DONE for s in states):
        phase = "done"
    elif any(s in (ActionState.FAILED, ActionState.UNDO_FAILED) for s in states):
        phase = "failed"
    elif any(s is ActionState.UNDONE for s in states):
        phase = "undone"
    elif any(s is not ActionState.PENDING for s in states):
        phase = "under way"
    _, host, unit = step.object.split("/", 2)
    return {
        "component": step.component, "node": host, "unit": unit, "from": change.from_version, "to": change.to_version,
        "phase": f"{step.phase.value}: {phase}",
    }  # fmt: skip


def screen(status: Status) -> str:
    """The status as text."""
    percent = 100 * status.done // max(1, status.total)
    lines = [
        f"= {status.campaign} on {status.site}: {status.hop[0]} -> {status.hop[1]}  (run {status.run}) =",
        f"Assessment:  {status.assessment} [{status.state}]",
        f"Completion:  {percent} % ({status.done} of {status.total} actions)",
        f"Duration:    {span(status.duration_s)}" + (f" (estimated {span(status.eta_s)} left)" if status.eta_s else ""),
        f"Requests:    {status.requests['failed']} of {status.requests['total']} failed",
    ]
    if status.limit_s and status.spent_s:
        lines.append(f"Deadline:    {span(status.spent_s)} of {span(status.limit_s)} spent")
    if status.rollback_s:
        most = f", at most {span(status.rollback_limit_s)}" if status.rollback_limit_s else ""
        lines.append(f"Roll-back:   about {span(status.rollback_s)} from here{most}")
    if status.under_way:
        lines.append(f"Under way:   {'; '.join(status.under_way)}")
    if status.held:
        lines.append(f"Held:        {status.held}")
    lines += ["", "= Health =", *table(status.health)]
    lines += ["", f"{'COMPONENT':<11}{'NODE':<13}{'UNIT':<28}{'VERSION':<22}PHASE"]
    lines += [
        f"{r['component']:<11}{r['node']:<13}{r['unit']:<28}{r['from'] + ' -> ' + r['to']:<22}{r['phase']}"
        for r in status.rows
    ]
    if status.remains:
        lines += ["", "= Set aside, to be upgraded later =", *(f"  {k}: {v}" for k, v in status.remains.items())]
    return "\n".join(lines)
