"""Components as data: one YAML file each, beside this one; operators lay their own over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from escalator.catalogue.parts import BackupSet, Loss, Signals, Strict, TimedAct, Times, UndoByPhase
from escalator.catalogue.times import NAME as TIMES
from escalator.catalogue.times import Learned, load_times
from escalator.config.document import parse
from escalator.errors import InputError
from escalator.model.plan import UndoClass
from escalator.serial import digest, to_data


class Service(Strict):
    """A service of a component.

    ``api``: instances behind the load balancer; ``worker``: two slots, of which one runs; ``host``: changed in place
    on each host. ``ok``: lowest and highest HTTP status of a healthy instance. ``stop_s``: longest seconds of a stop in
    good order, by the service's own defaults. ``signals``: where the service itself answers to them (an API's are its
    web server's). ``undo``: what it takes to bring its old version back; ``impact``: what its own absence costs, where
    that is not the component's as a whole.
    """

    name: str
    kind: Literal["api", "worker", "host"]
    ok: tuple[int, int] = (200, 300)
    health: Literal["", "compute_service", "network_agent"] = ""
    stop_s: float = 120.0
    signals: Signals | None = None
    undo: UndoClass | None = None
    impact: Loss | None = None


class Check(Strict):
    """A check of the component itself, run from the target's version files.

    ``ok``: exit statuses that let it pass. ``broken``: target release -> why its own check can't be run there.
    """

    argv: tuple[str, ...]
    ok: tuple[int, ...] = (0,)
    broken: dict[str, str] = Field(default={})


class Migration(Strict):
    """A data migration in batches: repeated while the exit status is in ``again``."""

    argv: tuple[str, ...]
    again: tuple[int, ...] = ()
    done: tuple[int, ...] = (0,)


class Component(Strict):
    """What is known of one component.

    ``after``: component that goes before it -> why. ``times`` and ``undo`` stand over the defaults per kind of action.
    """

    component: str
    package: str
    config: str
    after: dict[str, str] = Field(default={})
    services: tuple[Service, ...]
    checks: tuple[Check, ...] = ()
    expand: tuple[tuple[str, ...], ...] = ()
    expand_held: bool = False  # it alters tables that requests read: these wait meanwhile (escalator.actions.held)
    migrate: tuple[Migration, ...] = ()
    contract: tuple[tuple[str, ...], ...] = ()
    unpin: tuple[str, ...] = ()
    backup: BackupSet = BackupSet()
    times: dict[TimedAct, Times] = Field(default={})
    undo: UndoByPhase = Field(default={})
    impact: Loss | None = None

    @property
    def saved_folders(self) -> tuple[str, ...]:
        """Folders and key folders of its backup set; its configuration where the file names none."""
        return (*(self.backup.folders or (self.config,)), *self.backup.keys)

    @property
    def saved_schemas(self) -> tuple[str, ...]:
        """The components whose schemas its backup set holds."""
        return self.backup.schemas or (self.component,)


@dataclass(frozen=True)
class Catalogue:
    """All components, and the times that were measured on this site."""

    components: dict[str, Component]
    learned: Learned = field(default_factory=Learned)

    @property
    def digest(self) -> str:
        """SHA-256 of all that is in it."""
        parts = {name: to_data(c) for name, c in sorted(self.components.items())}
        times = [to_data(self.learned.entries[key]) for key in sorted(self.learned.entries)]
        return digest({**parts, TIMES: times} if times else parts)

    def of_service(self, name: str) -> tuple[Component, Service] | None:
        """The component and service of that name."""
        for component in self.components.values():
            for service in component.services:
                if service.name == name:
                    return component, service
        return None

    def of_unit(self, unit: str) -> tuple[Component, Service, str] | None:
        """Component, service and slot (``a``, ``b`` or "") of a unit."""
        stem, _, slot = unit.rpartition("-")
        if slot in ("a", "b") and (found := self.of_service(stem)):
            return (*found, slot)
        found = self.of_service(unit)
        return (*found, "") if found else None

    def ordered(self) -> tuple[Component, ...]:
        """Components so that each stands behind all that go before it; InputError where they run in a circle."""
        left, order = dict(sorted(self.components.items())), []
        while left:
            free = [c for c in left.values() if not set(c.after) & set(left)]
            if not free:
                raise InputError(f"the catalogue's order runs in a circle: {', '.join(left)}")
            order.append(left.pop(min(free, key=lambda c: (len(c.after), c.component)).component))
        return tuple(order)


def load_catalogue(overlay: Path | None = None) -> Catalogue:
    """The catalogue; files of ``overlay`` (``NAME.yaml``) stand in for, or beside, ours; ``times.yaml`` adds times."""
    found = dict(_own())
    if overlay is not None and overlay.is_dir():
        for path in sorted(overlay.glob("[!.]*.yaml")):
            if path.name != TIMES:
                component = parse(Component, path.read_text(encoding="utf-8"), str(path))
                found[component.component] = component
    return Catalogue(found, load_times(overlay))


@cache
def _own() -> tuple[tuple[str, Component], ...]:
    folder = resources.files("escalator.catalogue").joinpath("components")
    texts = sorted(f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".yaml"))
    found = [Component.model_validate(yaml.safe_load(text)) for text in texts]
    return tuple((c.component, c) for c in found)
