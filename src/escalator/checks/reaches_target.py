"""Carried out to its end, the plan leaves every running unit of its components on the version that it promises."""

from __future__ import annotations

from escalator.catalogue.components import Catalogue
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Play starts, stops and switches over the inventory."""
    del catalogue
    link = {(i.host, i.unit): i.installed for i in inventory.instances}
    runs = {(i.host, i.unit): i.running for i in inventory.instances if i.active}
    found = []
    for step in plan.steps():
        for action in step.actions:
            unit = (action.host, str(action.args.get("unit", "")))
            if action.kind == "unit.switch":
                if link.get(unit) != action.args["from"]:
                    text = (
                        f"{unit[1]} is on {link.get(unit)} by then, not on {action.args['from']}: undo would be wrong"
                    )
                    found.append(Finding(Severity.REFUSED, "plan.consistent", action.id, text, "RO-1"))
                link[unit] = str(action.args["to"])
            elif action.kind == "unit.start":
                runs[unit] = link.get(unit, "")
            elif action.kind == "unit.stop":
                runs.pop(unit, None)
    touched = {(a.host, str(a.args["unit"])) for s in plan.steps() for a in s.actions if a.kind == "unit.switch"}
    for host, name in sorted(touched):
        if runs.get((host, name), plan.bundle) != plan.bundle:
            text = f"would run {runs[host, name]} in the end, not {plan.bundle}"
            found.append(Finding(Severity.REFUSED, "plan.reaches-target", f"{plan.site}/{host}/{name}", text, "PR-3"))
    return tuple(found)
