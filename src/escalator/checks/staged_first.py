"""A unit is switched only to version files that are on its host by then."""

from __future__ import annotations

from escalator.catalogue.components import Catalogue
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Walk through the plan with what each host holds."""
    del catalogue
    holds = {host.name: set(host.bundles) for host in inventory.hosts}
    found = []
    for step in plan.steps():
        for action in step.actions:
            if action.kind == "bundle.stage":
                holds.setdefault(action.host, set()).add(str(action.args["bundle"]))
            elif action.kind == "unit.switch" and action.args["to"] not in holds.get(action.host, set()):
                text = f"{action.host} does not hold {action.args['to']} by then"
                found.append(Finding(Severity.REFUSED, "bundle.staged-first", action.id, text, "PR-2"))
    return tuple(found)
