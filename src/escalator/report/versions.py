"""Which versions ran: what the processes themselves said, now or when a run ended."""

from __future__ import annotations

from collections.abc import Iterable

from escalator.journal.fold import View
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan
from escalator.model.states import State


def versions_now(plan: Plan, inventory: Inventory) -> dict[str, dict[str, str]]:
    """``{component: {"from", "to"}}`` of what the plan changes, ``to`` read back from what runs now."""
    return _changed(plan, ((i.component, i.version) for i in inventory.instances if i.active))


def versions_then(plan: Plan, view: View) -> dict[str, dict[str, str]]:
    """The same of an earlier run: ``to`` as the processes said when it was carried out, or taken back."""
    if view.state in (State.ROLLBACK_COMPLETED, State.ROLLBACK_COMMITTED):
        return _changed(plan, ())
    verified = (a for s in plan.steps() for a in s.actions if a.kind == "unit.verify")
    return _changed(plan, ((a.args["component"], str(view.of(a.id).facts.get("version", ""))) for a in verified))


def _changed(plan: Plan, said: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """What nobody said anything of runs what it ran before; more than one version in the middle of an upgrade."""
    found: dict[str, set[str]] = {}
    for component, version in said:
        if version:
            found.setdefault(component, set()).add(version)
    return {
        c.component: {"from": c.from_version, "to": ", ".join(sorted(found.get(c.component, {c.from_version})))}
        for c in plan.changes
    }
