"""The steps that a plan is made of: each returns frozen data with times, undo class and impact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from escalator.catalogue.components import Component, Service
from escalator.model.inventory import Bundle, Inventory, ServiceInstance
from escalator.model.plan import Action, Basis, Impact, Phase, Step, UndoClass

#: kind -> expected and longest seconds; measured on a small cloud on two cores, the longest with room for a loaded one
TIMES: dict[str, tuple[float, float]] = {
    "bundle.verify": (1, 120), "bundle.stage": (10, 900), "check.command": (3, 300), "check.site": (1, 120),
    "backup.take": (15, 3600), "schema.expand": (4, 1800), "balancer.drain": (1, 120), "balancer.ready": (1, 120),
    "compute.disable": (9, 400), "compute.enable": (1, 400), "unit.stop": (2, 30), "unit.start": (7, 240),
    "unit.switch": (0.1, 60), "unit.enable": (0.5, 60), "unit.verify": (0.2, 90), "api.probe": (2, 180),
    "data.migrate": (6, 3600), "schema.contract": (4, 3600), "bundle.remove": (2, 300), "test.command": (5, 15),
    "test.http": (1, 15),
}  # fmt: skip
#: kinds whose longest time depends on one of their arguments: it comes on top
ON_TOP = {"unit.stop": "stop_s", "test.command": "timeout_s", "test.http": "timeout_s"}
#: kinds whose times grow with the bundle
OF_BUNDLE = ("bundle.verify", "bundle.stage", "bundle.remove")
MEGA = 1_000_000
DRAIN_S = 90.0
QUIET_S = 300.0
SETTLED_S = 5.0
UNDO = {
    "bundle.verify": UndoClass.NOTHING, "check.command": UndoClass.NOTHING, "check.site": UndoClass.NOTHING,
    "backup.take": UndoClass.NOTHING, "schema.expand": UndoClass.NOTHING, "unit.verify": UndoClass.NOTHING,
    "api.probe": UndoClass.NOTHING, "test.command": UndoClass.NOTHING, "test.http": UndoClass.NOTHING,
    "soak": UndoClass.NOTHING, "unit.switch": UndoClass.MIXED,
    "data.migrate": UndoClass.RESTORE, "schema.contract": UndoClass.RESTORE, "bundle.remove": UndoClass.NOTHING,
}  # fmt: skip


@dataclass(frozen=True)
class Kit:
    """What all steps of one plan need."""

    site: str
    root: str
    bundle: Bundle
    inventory: Inventory
    backends: dict[str, str]
    database_host: str
    schemas: dict[str, list[str]]

    def action(
        self, step: str, kind: str, host: str, title: str, impact: Impact = Impact.NONE, /, **args: Any
    ) -> Action:
        """One action; its id is the step's and its kind, with what tells it from others of the step."""
        expected, longest = TIMES[kind] if kind in TIMES else (args["duration_s"], args["duration_s"] + 60)
        if kind in ON_TOP:
            longest += args[ON_TOP[kind]]
        tail = f":{args['unit']}" if "unit" in args and args["unit"] not in step else ""
        return Action(
            f"{step}/{kind}{tail}", kind, self.site, host, args, title, expected, longest,
            UNDO.get(kind, UndoClass.REVERSE), impact, self._basis(kind),
        )  # fmt: skip

    def _basis(self, kind: str) -> Basis:
        sized = kind in OF_BUNDLE and self.bundle.size > 0
        return Basis(self.bundle.size / MEGA, "MB") if sized else Basis()

    def held_schema(self, component: Component) -> str:
        """The schema whose change requests wait for; "" where none do (or where a component has several)."""
        schemas = self.schemas.get(component.component, [])
        return schemas[0] if component.expand_held and len(schemas) == 1 else ""

    @property
    def bin(self) -> str:
        """Where the target's commands are."""
        return f"{self.root}/{self.bundle.id}/bin"

    def health(self, service: Service, instance: ServiceInstance) -> list[dict[str, Any]]:
        """When an instance counts as healthy."""
        if service.kind == "api":
            return [{"kind": "http", "url": f"http://{instance.address}/", "ok": list(service.ok)}]
        if service.health:
            binary = service.name if service.health == "compute_service" else ""
            return [
                {"kind": "settled", "seconds": SETTLED_S},
                {"kind": service.health, "binary": binary, "host": instance.host},
            ]
        return [{"kind": "settled", "seconds": SETTLED_S + 3}]


def roll_api(
    kit: Kit, component: Component, service: Service, instance: ServiceInstance, *, phase: Phase, switch: bool
) -> Step:
    """One API instance: out of rotation, changed, proved, back."""
    backend = kit.backends[service.name]
    step = f"{phase.value}/{instance.host}/{instance.unit}"
    where: dict[str, Any] = {"backend": backend, "server": instance.slot, "wait_s": DRAIN_S}
    health = kit.health(service, instance)
    unit: dict[str, Any] = {"unit": instance.unit, "health": health, "stop_s": service.stop_s}
    actions = [
        kit.action(step, "balancer.drain", instance.host, f"drain {backend}/{instance.slot}", **where),
        kit.action(step, "unit.stop", instance.host, f"stop {instance.unit}", **unit),
        *([_switch(kit, step, instance)] if switch else []),
        kit.action(step, "unit.start", instance.host, f"start {instance.unit}", **unit),
        _verify(kit, step, component, instance),
        kit.action(step, "balancer.ready", instance.host, f"put {backend}/{instance.slot} back in rotation", **where),
    ]
    what = f"{instance.unit} -> {kit.bundle.components[component.component]}" if switch else f"restart {instance.unit}"
    return Step(step, what, phase, component.component, f"{kit.site}/{instance.host}/{instance.unit}", tuple(actions))


def overlap(
    kit: Kit, component: Component, service: Service, old: ServiceInstance, new: ServiceInstance, *, phase: Phase
) -> Step:
    """A worker with two slots: the idle one starts with the new version files before the running one stops."""
    step = f"{phase.value}/{old.host}/{service.name}"
    args_new: dict[str, Any] = {"unit": new.unit, "health": kit.health(service, new), "stop_s": service.stop_s}
    args_old: dict[str, Any] = {"unit": old.unit, "health": kit.health(service, old), "stop_s": service.stop_s}
    actions = [
        *([_switch(kit, step, new)] if new.installed != kit.bundle.id or phase is Phase.UNPIN else []),
        kit.action(step, "unit.start", new.host, f"start {new.unit} beside {old.unit}", **args_new),
        _verify(kit, step, component, new),
        kit.action(step, "unit.stop", old.host, f"stop {old.unit}", Impact.SLOWER, **args_old),
        kit.action(step, "unit.enable", new.host, f"start {new.unit} at boot", unit=new.unit, enabled=True, was=False),
        kit.action(
            step, "unit.enable", old.host, f"no start of {old.unit} at boot", unit=old.unit, enabled=False, was=True
        ),
    ]
    title = f"{service.name}: {new.unit} takes over from {old.unit}"
    return Step(step, title, phase, component.component, f"{kit.site}/{old.host}/{service.name}", tuple(actions))


def in_place(kit: Kit, component: Component, service: Service, instance: ServiceInstance) -> Step:
    """A service of a host: stopped, changed, started; what it manages goes on running."""
    step = f"{Phase.ROLL.value}/{instance.host}/{instance.unit}"
    unit: dict[str, Any] = {"unit": instance.unit, "health": kit.health(service, instance), "stop_s": service.stop_s}
    fence: dict[str, Any] = {"reason": f"escalator: {instance.unit} is being upgraded", "wait_s": QUIET_S}
    enabled = any(
        s.host == instance.host and s.binary == service.name and s.status == "enabled"
        for s in kit.inventory.compute_services
    )
    fenced = service.health == "compute_service" and enabled  # what the operator disabled stays so
    disable = [kit.action(step, "compute.disable", instance.host, f"no new servers on {instance.host}", **fence)]
    enable = [kit.action(step, "compute.enable", instance.host, f"new servers on {instance.host} again", **fence)]
    actions = (
        *(disable if fenced else ()),
        kit.action(step, "unit.stop", instance.host, f"stop {instance.unit}", Impact.SLOWER, **unit),
        _switch(kit, step, instance),
        kit.action(step, "unit.start", instance.host, f"start {instance.unit}", Impact.SLOWER, **unit),
        _verify(kit, step, component, instance),
        *(enable if fenced else ()),
    )
    title = f"{instance.unit} on {instance.host} -> {kit.bundle.components[component.component]}"
    return Step(step, title, Phase.ROLL, component.component, f"{kit.site}/{instance.host}/{instance.unit}", actions)


def _switch(kit: Kit, step: str, instance: ServiceInstance) -> Action:
    title = f"{instance.unit}: {instance.installed} -> {kit.bundle.id}"
    turned: dict[str, Any] = {"from": instance.installed}  # "from" is a word of the language
    return kit.action(
        step, "unit.switch", instance.host, title, unit=instance.unit, root=kit.root, to=kit.bundle.id,
        **turned,
    )  # fmt: skip


def _verify(kit: Kit, step: str, component: Component, instance: ServiceInstance) -> Action:
    version = kit.bundle.components[component.component]
    return kit.action(
        step, "unit.verify", instance.host, f"{instance.unit} really runs {version}", unit=instance.unit, root=kit.root,
        bundle=kit.bundle.id, component=component.component, version=version,
    )  # fmt: skip


def one(  # noqa: PLR0917
    kit: Kit, phase: Phase, name: str, component: str, kind: str, host: str, title: str, why: str = "", **args: Any
) -> Step:
    """A step of a single action."""
    step = f"{phase.value}/{name}"
    return Step(
        step, title, phase, component, f"{kit.site}/{host or name}", (kit.action(step, kind, host, title, **args),), why
    )
