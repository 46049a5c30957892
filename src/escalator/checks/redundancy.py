"""At every moment another instance of a service serves: none stops while it is in rotation, or as the last one."""

from __future__ import annotations

from collections.abc import Iterator

from escalator.catalogue.components import Catalogue
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Action, Mode, Plan, Procedure, Step


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """Walk through the plan with the units that run and the servers in rotation."""
    running = {(i.host, i.unit): i for i in inventory.instances if i.active}
    rotation = {(i.host, i.unit) for i in inventory.instances if i.balancer_state == "ready"}
    found = [
        Finding(
            Severity.REFUSED,
            "service.one-at-a-time",
            procedure.id,
            "instances of one service change side by side",
            "DU-1",
        )
        for procedure in plan.procedures
        if _side_by_side(procedure, catalogue)
    ]
    for step, action in _actions(plan):
        unit = (action.host, str(action.args.get("unit", step.object.rsplit("/", 1)[-1])))
        known = catalogue.of_unit(unit[1])
        if known is None or known[1].kind == "host":
            continue
        name = known[1].name
        mates = [k for k in running if k != unit and (at := catalogue.of_unit(k[1])) and at[1].name == name]
        if action.kind == "balancer.drain":
            rotation.discard(unit)
            if not any(k in rotation for k in mates):
                found.append(_last(action, f"{unit[1]} is the last instance of {name} in rotation"))
        elif action.kind == "balancer.ready":
            rotation.add(unit)
        elif action.kind == "unit.start":
            running[unit] = next(i for i in inventory.instances if (i.host, i.unit) == unit)
        elif action.kind == "unit.stop":
            running.pop(unit, None)
            if unit in rotation:
                found.append(_last(action, f"{unit[1]} is stopped while it is in rotation"))
            elif not mates:
                found.append(_last(action, f"{unit[1]} is the last running instance of {name}"))
    return tuple(found)


def _last(action: Action, text: str) -> Finding:
    return Finding(
        Severity.REFUSED, "service.always-one", action.id, text, "DU-1", "give the service a second instance"
    )


def _actions(plan: Plan) -> Iterator[tuple[Step, Action]]:
    for step in plan.steps():
        for action in step.actions:
            yield step, action


def _side_by_side(procedure: Procedure, catalogue: Catalogue) -> bool:
    """Whether a parallel procedure holds units of one balanced or slotted service in two of its children."""
    children = [c for c in procedure.children if isinstance(c, Procedure)]
    if any(_side_by_side(c, catalogue) for c in children):
        return True
    if procedure.mode is not Mode.PARALLEL or procedure.limit == 1:
        return False
    seen: set[str] = set()
    for child in procedure.children:
        steps = (child,) if isinstance(child, Step) else tuple(child.steps())
        units = {str(a.args["unit"]) for s in steps for a in s.actions if a.kind == "unit.stop"}
        names = {at[1].name for unit in units if (at := catalogue.of_unit(unit)) and at[1].kind != "host"}
        if names & seen:
            return True
        seen |= names
    return False
