"""No control service of a component starts from new version files before the component's schema was expanded."""

from __future__ import annotations

from escalator.catalogue.components import Catalogue
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Walk through the plan and remember what was expanded."""
    del inventory
    expanded: set[str] = set()
    found = []
    for step in plan.steps():
        for action in step.actions:
            if action.kind == "schema.expand":
                expanded.add(step.component)
            if action.kind != "unit.switch" or step.component in expanded:
                continue
            known = catalogue.of_unit(str(action.args["unit"]))
            if known and known[0].expand and known[1].kind != "host":
                text = f"{action.args['unit']} would start on a schema that it does not know"
                found.append(Finding(Severity.REFUSED, "schema.expand-first", action.id, text, "EX-1"))
    return tuple(found)
