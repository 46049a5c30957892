"""What can't be undone stands in commit, nowhere else, and a backup before the first change of a schema."""

from __future__ import annotations

from escalator.catalogue.components import Catalogue
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan, UndoClass

FINAL_KINDS = ("data.migrate", "schema.contract")


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Look at every action of execute, in order."""
    del inventory, catalogue
    found, saved = [], False
    for step in plan.steps():
        for action in step.actions:
            if action.undo in (UndoClass.RESTORE, UndoClass.NEVER) or action.kind in FINAL_KINDS:
                text = f"'{action.title}' can't be undone and stands before the commit"
                found.append(Finding(Severity.REFUSED, "undo.until-commit", action.id, text, "RO-1"))
            saved = saved or action.kind == "backup.take"
            if action.kind == "schema.expand" and not saved:
                text = (
                    "a schema is changed, and no backup was taken before: there would be no way back from a bad change"
                )
                found.append(Finding(Severity.WARNING, "backup.first", action.id, text, "BA-1", "backup: full"))
    return tuple(found)
