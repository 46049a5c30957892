"""The campaign's limits leave time for what is expected: for the upgrade, and for a roll-back behind it."""

from __future__ import annotations

from escalator.catalogue.components import Catalogue
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan
from escalator.model.windows import Window

DAY_MIN = 24 * 60


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Warnings only: expected times are expected, and what follows at a limit is the campaign's policy."""
    del inventory, catalogue
    if plan.empty:
        return ()
    policy, ahead = plan.policy, sum(p.expected_s for p in plan.procedures)
    back = sum(action.back_s for step in plan.steps() for action in step.actions)
    found = []
    if policy.max_duration_s and ahead > policy.max_duration_s:
        text = f"it is expected to take {ahead:.0f} s, {policy.max_duration_s:g} are allowed"
        found.append(_warning(plan, "deadline.execute", text, "DU-5", "budgets: max_duration, or a smaller scope"))
    if policy.max_rollback_s and back > policy.max_rollback_s:
        text = f"a roll-back from the end would take about {back:.0f} s, {policy.max_rollback_s:g} are allowed"
        hint = "budgets: max_rollback, or a smaller scope; else it suspends on the way back"
        found.append(_warning(plan, "deadline.rollback", text, "DU-6", hint))
    longest = max((_seconds(w) for w in plan.windows), default=0.0)
    begun = min(ahead, policy.max_duration_s or ahead)
    if longest and longest < DAY_MIN * 60 and begun + back > longest:
        text = f"{begun:.0f} s ahead and {back:.0f} s back do not fit into the longest window of {longest:.0f} s"
        hint = "a roll-back is not held by windows: a shorter max_duration keeps it inside"
        found.append(_warning(plan, "deadline.window", text, "DU-6", hint))
    return tuple(found)


def _seconds(window: Window) -> float:
    """How long a window is open, nights on which clocks are changed apart."""
    opens, closes = (_minutes(text) for text in (window.opens, window.closes))
    return 60.0 * (closes - opens if opens < closes else closes - opens + DAY_MIN)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _warning(plan: Plan, rule: str, text: str, requirement: str, hint: str) -> Finding:
    return Finding(Severity.WARNING, rule, plan.site, text, requirement, hint)
