"""What the catalogue says of a component, laid over the defaults per kind of action: times, undo classes, impact.

A last pass over finished steps, so that those who make steps need not know of it.
"""

from __future__ import annotations

from dataclasses import replace

from escalator.catalogue.components import Catalogue, Component, Service
from escalator.catalogue.parts import MILLION, TimedAct
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.plan import Action, Basis, Impact, Phase, Procedure, Step, UndoClass

#: kind of action -> the act whose times the catalogue may give
_TIMED: dict[str, TimedAct] = {
    "check.command": "check", "schema.expand": "expand", "data.migrate": "migrate", "schema.contract": "contract",
}  # fmt: skip
#: the kinds that carry a phase's effect: what it takes to go back behind them is the component's to say
_CHANGING = ("schema.expand", "unit.switch", "data.migrate", "schema.contract")


def tailored(
    procedures: tuple[Procedure, ...], catalogue: Catalogue, inventory: Inventory
) -> tuple[Procedure, ...]:  # fmt: skip
    """The procedures with what the catalogue says of their components."""
    rows = rows_of(inventory)

    def node(this: Procedure | Step) -> Procedure | Step:
        if isinstance(this, Procedure):
            return replace(this, children=tuple(node(child) for child in this.children))
        component = catalogue.components.get(this.component)
        return this if component is None else _step(this, component, catalogue, rows.get(this.component, 0))

    return tuple(replace(p, children=tuple(node(child) for child in p.children)) for p in procedures)


def rows_of(inventory: Inventory) -> dict[str, int]:
    """Component -> estimated rows in all its schemas."""
    found: dict[str, int] = {}
    for database in inventory.databases:
        found[database.component] = found.get(database.component, 0) + database.rows
    return found


def rows_basis(rows: int, per_million_s: float) -> Basis:
    """What times stand on that grow with rows; where nobody counted them, they are taken not to."""
    return Basis(rows / MILLION, "million rows", per_million_s) if rows else Basis()


def service_of(action: Action, catalogue: Catalogue) -> Service | None:
    """The service whose unit an action is about."""
    found = catalogue.of_unit(str(action.args.get("unit", "")))
    return found[1] if found else None


def _step(step: Step, component: Component, catalogue: Catalogue, rows: int) -> Step:
    actions = tuple(_action(a, step.phase, component, service_of(a, catalogue), rows) for a in step.actions)
    return replace(step, actions=actions, why=step.why or _why(step, catalogue))


def _action(action: Action, phase: Phase, component: Component, service: Service | None, rows: int) -> Action:
    times = component.times.get(_TIMED[action.kind]) if action.kind in _TIMED else None
    if times is not None:
        action = replace(action, expected_s=times.expected(rows), longest_s=times.longest(rows))
    if action.kind in _TIMED:
        action = replace(action, basis=rows_basis(rows, times.expected_per_million_s if times else 0.0))
    if action.kind in _CHANGING:
        action = replace(action, undo=_undo(action.undo, phase, component, service))
    return replace(action, impact=_impact(action, phase, component, service))


def _undo(default: UndoClass, phase: Phase, component: Component, service: Service | None) -> UndoClass:
    if service is not None and service.undo is not None:
        return service.undo
    return component.undo.get(phase, default)


def _impact(action: Action, phase: Phase, component: Component, service: Service | None) -> Impact:
    """Of an instance's change it is the stop that users may notice, and the start where none else serves meanwhile."""
    loss = (service.impact if service else None) or component.impact
    noticed = action.kind in _CHANGING or action.kind == "unit.stop" or action.impact is not Impact.NONE
    if loss is None or not noticed or action.kind == "unit.switch":
        return action.impact
    return loss.levels.get(phase, action.impact)


def _why(step: Step, catalogue: Catalogue) -> str:
    """Why a service is started again where a signal to the running one would seem to do."""
    if step.phase is not Phase.UNPIN:
        return ""
    services = [s for a in step.actions if (s := service_of(a, catalogue)) is not None and s.signals is not None]
    reasons = {f"no {signal}: {why}" for s in services if s.signals for signal, why in s.signals.avoid.items()}
    return "; ".join(sorted(reasons))


def stop_signals(changed: list[Component], inventory: Inventory) -> list[Finding]:
    """Warnings: units that systemd stops by another signal than the one that ends their service in good order."""
    wanted = {s.name: s.signals for c in changed for s in c.services if s.signals is not None}
    found = []
    for i in inventory.instances:
        signals = wanted.get(i.service)
        if signals is None or i.stop_signal in ("", signals.stop):
            continue
        reason = signals.avoid.get(i.stop_signal, f"what is under way is lost; {signals.stop} ends it in good order")
        found.append(
            Finding(
                Severity.WARNING, "unit.stop-signal", f"{inventory.site}/{i.host}/{i.unit}",
                f"its stop sends {i.stop_signal}: {reason}", requirement="OB-7",
                hint=f"KillSignal={signals.stop} in the unit, or another file of the component in the catalogue",
            )
        )  # fmt: skip
    return found
