"""What an upgrade costs, component by component (OB-7): the catalogue's words, the plan's times."""

from __future__ import annotations

from collections.abc import Iterable

from escalator.catalogue.components import Catalogue, Component
from escalator.catalogue.parts import Loss
from escalator.model.inventory import Inventory
from escalator.model.plan import Action, ComponentImpact, DataPlane, Impact, Procedure, Step
from escalator.plan.backup import restore_s
from escalator.plan.tailor import service_of

_LEVELS = {
    Impact.NONE: "not lost", Impact.SLOWER: "slower", Impact.SOME_FAIL: "some requests fail", Impact.DOWN: "lost",
}  # fmt: skip
_VNFS = {
    DataPlane.NONE: "VNFs do not notice", DataPlane.PACKETS: "VNFs lose packets for less than a second",
    DataPlane.SECONDS: "VNFs are cut off for seconds", DataPlane.STOPPED: "VNFs stop",
}  # fmt: skip
_GRAVITY = (Impact.NONE, Impact.SLOWER, Impact.SOME_FAIL, Impact.DOWN)


def impacts(
    procedures: tuple[Procedure, ...], changed: list[Component], catalogue: Catalogue, inventory: Inventory
) -> tuple[ComponentImpact, ...]:
    """One entry per changed component, and one per service of it whose absence costs something else."""
    steps = [s for p in procedures for s in p.steps()]
    found = []
    for component in changed:
        mine = [s for s in steps if s.component == component.component]
        own = [s.name for s in component.services if s.impact is not None]
        groups: list[tuple[str, Loss | None]] = [("", component.impact)]
        groups += [(s.name, s.impact) for s in component.services if s.impact is not None]
        for name, loss in groups:
            parts = [part for s in mine if (part := _part(s, name, own, catalogue))]
            if loss is not None and parts:
                found.append(_entry(component, name, loss, parts, inventory))
    return tuple(found)


def _part(step: Step, name: str, own: list[str], catalogue: Catalogue) -> list[Action]:
    """The actions of a step on behalf of one service, or ("") of all that have no entry of their own."""
    services = {s.name for a in step.actions if (s := service_of(a, catalogue)) is not None}
    if name:
        return list(step.actions) if name in services else []
    return [] if services & set(own) else list(step.actions)


def _entry(
    component: Component, name: str, loss: Loss, parts: Iterable[list[Action]], inventory: Inventory
) -> ComponentImpact:  # fmt: skip
    noticed = [a.impact for part in parts for a in part]
    level = max(noticed, key=_GRAVITY.index)
    lasting = [sum(a.expected_s for a in part if a.impact is level) for part in parts]
    times = [s for s in lasting if s] if level is not Impact.NONE else []
    return ComponentImpact(
        component=component.component, service=name, lost=loss.lost, whom=loss.whom, level=level,
        lasts_s=round(max(times, default=0.0), 1), times=len(times), vnfs=loss.vnfs, incompatible=loss.incompatible,
        backup=(*component.saved_folders, *(f"database of {c}" for c in component.saved_schemas)),
        restore_s=restore_s(component, inventory),
    )  # fmt: skip


def lines(impact: ComponentImpact) -> list[str]:
    """An entry as one line, and a second one where something does not work together."""
    name, level = impact.service or impact.component, impact.level
    often = f" {impact.times} x {impact.lasts_s:g} s" if level is not Impact.NONE else ""
    text = f"{name:<17} {_LEVELS[level] + often:<16} {impact.lost} ({impact.whom}); {_VNFS[impact.vnfs]}"
    text += f"; restore {impact.restore_s:.0f} s" if not impact.service else ""
    return [text, *([f"    incompatible: {impact.incompatible}"] if impact.incompatible else [])]
