"""What is carried out: a campaign of about 20 steps with every kind of action, and one of 200 cheap ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import small_site
from chaos.cloud import FRONT
from chaos.sandbox import HOSTS, World, make_bundle
from escalator.catalogue.components import load_catalogue
from escalator.catalogue.releases import load_releases
from escalator.config.campaign import CampaignFile
from escalator.config.site import SiteFile
from escalator.model.inventory import Bundle, ComputeService, Host, Inventory, ServiceInstance
from escalator.model.plan import Action, Mode, Phase, Plan, Policy, Procedure, Step, UndoClass
from escalator.plan.planner import make_plan
from escalator.plan.steps import TIMES

OLD, NEW = "2025.1", "2026.1"
SITE = SiteFile.model_validate(
    {
        "schema": "escalator/site/v1",
        "name": "sandbox",
        "cloud": {"clouds_yaml": "clouds.yaml", "entry": "admin"},
        "ssh": {"key": "key", "known_hosts": "known_hosts"},
        "hosts": {
            HOSTS[0]: {"address": "127.0.0.1", "roles": ["controller", "database", "load_balancer"]},
            HOSTS[1]: {"address": "127.0.0.1", "roles": ["compute"]},
        },
        "load_balancer": {"kind": "haproxy", "hosts": [HOSTS[0]], "backends": {"keystone-api": "keystone"}},
        "databases": {"kind": "mariadb", "host": HOSTS[0], "schemas": {"keystone": ["keystone"], "nova": ["nova"]}},
        "installer": {"kind": "venv"},
        "artefacts": {"folder": "/artefacts"},
    }
)  # fmt: skip
PROGRAM = """#!/bin/sh
# A prepared test: it takes its time, and tells the ledger.
printf 'operator\\tbegun\\ttest program\\n' >> "$1"
sleep 0.05
printf 'operator\\tdone\\ttest program\\n' >> "$1"
"""
UNITS = 90  # of the long campaign: each is switched and enabled
SYNCS = 20


@dataclass(frozen=True)
class Scene:
    """A world that is made, and the plan for it."""

    world: World
    plan: Plan


def every_kind(world: World, artefacts: Path) -> Scene:
    """The planner's own plan of a release hop on a small site; its clean-up, which it does not plan yet, by hand."""
    bundles = {release: _bundle(artefacts, release) for release in (OLD, NEW)}
    rows = _instances(bundles[OLD], world.port)
    _make(world, bundles, rows)
    program = artefacts / "test-program"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    wanted = CampaignFile.model_validate(
        {
            "schema": "escalator/campaign/v1", "name": "every-kind", "target": {"release": NEW}, "soak_s": 0.2,
            "policy": {"retries": 0},
            "tests": [
                {"name": "program", "when": "after", "command": [str(program), str(world.ledger)], "timeout_s": 20},
                {"name": "ready", "when": "before", "http": {"url": f"http://{FRONT}:{world.port}/ready"}},
            ],
        }
    )  # fmt: skip
    wanted._folder = str(world.top)
    hosts = tuple(
        Host(n, "127.0.0.1", tuple(SITE.hosts[n].roles), reachable=True, bundles=(bundles[OLD].id,)) for n in HOSTS
    )
    found = Inventory(
        "sandbox", "2026-01-01T00:00:00+00:00", hosts, rows, tuple(bundles.values()),
        compute_services=(ComputeService(HOSTS[1], "nova-compute", "enabled", "up"),),
    )  # fmt: skip
    made = make_plan(wanted, SITE, found, load_catalogue(), load_releases(), now="2026-01-01T00:00:00+00:00")
    for step in made.steps():
        for action in (a for a in step.actions if a.kind == "backup.take"):
            _configure(world, action.args["paths"])
    return Scene(world, replace(made, commit=(*made.commit, _clean_up(bundles[OLD]))))


def long(world: World, artefacts: Path) -> Scene:
    """200 steps of one or two actions: links turned, boot states set, schemas expanded, a server to and fro."""
    bundles = {release: _bundle(artefacts, release) for release in (OLD, NEW)}
    rows = tuple(
        ServiceInstance(HOSTS[0], f"cell-{n}", "cell", "", "nova", False, False, bundles[OLD].id) for n in range(UNITS)
    )  # fmt: skip
    _make(world, bundles, (*_instances(bundles[OLD], world.port), *rows))
    old, new = bundles[OLD], bundles[NEW]
    stage = _step("stage", _action("bundle.stage", HOSTS[0], bundle=new.id, path=new.path, sha256=new.sha256,
                                   root=SITE.installer.root, present=False))  # fmt: skip
    turn = [
        _step(f"turn/{n}", _action("unit.switch", HOSTS[0], unit=f"cell-{n}", root=SITE.installer.root, to=new.id,
                                   **{"from": old.id}))
        for n in range(UNITS)
    ]  # fmt: skip
    enable = [
        _step(f"enable/{n}", _action("unit.enable", HOSTS[0], unit=f"cell-{n}", enabled=True, was=False))
        for n in range(UNITS)
    ]
    expand = [
        _step(f"expand/{n}", _action("schema.expand", HOSTS[0], undo=UndoClass.NOTHING, component="nova", bundle=new.id,
                                     bin=f"{SITE.installer.root}/{new.id}/bin",
                                     argv=[["nova-manage", "db", f"sync-{n}"]]))
        for n in range(SYNCS - 1)
    ]  # fmt: skip
    parts = {
        "stage": ([stage], Mode.SEQUENCE), "turn": (turn, Mode.PARALLEL), "expand": (expand, Mode.SEQUENCE),
        "enable": (enable, Mode.PARALLEL),
    }  # fmt: skip
    procedures = tuple(
        Procedure(name, name, Phase.ROLL, mode, tuple(steps), limit=4) for name, (steps, mode) in parts.items()
    )
    plan = Plan(
        campaign="long", site="sandbox", hop=(OLD, NEW), bundle=new.id, changes=(), procedures=procedures, commit=(),
        policy=Policy(retries=0), smooth=True, inventory_digest="", catalogue_digest="",
        created_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    return Scene(world, plan)


def _bundle(artefacts: Path, release: str) -> Bundle:
    plain = small_site.bundle(release)
    versions = {name: plain.components[name] for name in ("keystone", "nova")}
    made = make_bundle(artefacts, plain.id, versions)
    return replace(plain, components=versions, **made)


def _instances(old: Bundle, port: int) -> tuple[ServiceInstance, ...]:
    def row(host: str, unit: str, slot: str, component: str, *, up: bool, address: str = "") -> ServiceInstance:
        service = unit.removesuffix(f"-{slot}") if slot else unit
        more = (old.id, old.release, old.components[component]) if up else ()
        state = ("ready", address) if address else ()
        return ServiceInstance(host, unit, service, slot, component, up, up, old.id, *more, *state)

    apis = [
        row(HOSTS[0], f"keystone-api-{slot}", slot, "keystone", up=True, address=f"127.77.0.{n}:{port}")
        for n, slot in enumerate("ab", start=1)
    ]
    conductors = [row(HOSTS[0], f"nova-conductor-{slot}", slot, "nova", up=slot == "a") for slot in "ab"]
    return (*apis, *conductors, row(HOSTS[1], "nova-compute", "", "nova", up=True))


def _make(world: World, bundles: dict[str, Bundle], rows: tuple[ServiceInstance, ...]) -> None:
    servers = [
        {"backend": SITE.load_balancer.backends[r.service], "server": r.slot, "state": "ready", "sessions": 1,
         "address": r.address, "host": r.host, "unit": r.unit}
        for r in rows if r.address
    ]  # fmt: skip
    units = {f"{r.host}/{r.unit}": {"active": r.active, "enabled": r.enabled} for r in rows}
    world.make({b.id: Path(b.path) for b in bundles.values()}, servers, units)


def _configure(world: World, paths: dict[str, list[str]]) -> None:
    """Something in each folder that a backup of the catalogue's sets holds."""
    for host, folders in paths.items():
        for folder in folders:
            there = world.host(host) / folder.lstrip("/")
            there.mkdir(parents=True, exist_ok=True)
            (there / "kept").write_text(f"{host} {folder}\n")


def _clean_up(old: Bundle) -> Procedure:
    steps = [
        Step(
            f"cleanup/{host}", f"remove {old.id}", Phase.CLEANUP, "", f"sandbox/{host}",
            (_action("bundle.remove", host, undo=UndoClass.NOTHING, bundle=old.id, root=SITE.installer.root),),
        )
        for host in HOSTS
    ]  # fmt: skip
    return Procedure("cleanup", "Clean up", Phase.CLEANUP, Mode.SEQUENCE, tuple(steps))


def _step(name: str, action: Action) -> Step:
    return Step(
        f"roll/{name}", name, Phase.ROLL, "nova", f"sandbox/{name}", (replace(action, id=f"roll/{name}/{action.kind}"),)
    )


def _action(kind: str, host: str, *, undo: UndoClass = UndoClass.REVERSE, **args: Any) -> Action:
    expected, longest = TIMES[kind]
    return Action(f"{kind}/{host}", kind, "sandbox", host, args, f"{kind} on {host}", expected, longest, undo)


def kinds(*plans: Plan) -> set[str]:
    return {a.kind for p in plans for s in (*p.steps(), *p.commit_steps()) for a in s.actions}
