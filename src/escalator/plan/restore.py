"""The plan of a restore: the named act that brings a backup's state back when there is no undo any more (RO-2)."""

from __future__ import annotations

from typing import Any

from escalator.model.plan import Action, Basis, Impact, Mode, Phase, Plan, Policy, Procedure, Step, UndoClass
from escalator.plan.steps import MEGA
from escalator.sites.backups import Backup

RECONCILE = "restore/reconcile/restore.reconcile"
_PRESENT = "restore/present/backup.take"
#: kind -> expected and longest seconds; measured on a small cloud on two cores, the longest with room for a loaded one
_TIMES: dict[str, tuple[float, float]] = {
    "restore.prove": (8, 1800), "backup.take": (15, 3600), "restore.stop": (20, 300), "restore.load": (4, 1800),
    "restore.configure": (1, 700), "restore.start": (5, 600), "restore.serve": (30, 610), "restore.reconcile": (1, 60),
}  # fmt: skip
_LOOKS = ("restore.prove", "backup.take", "restore.serve", "restore.reconcile")


def make_restore_plan(site: str, backup: Backup, *, now: str) -> Plan:
    """All services stop, the backup's state takes the place of the present one, which is backed up just before."""
    name = backup.id
    prepare = [
        _step(site, "prove", "restore.prove", "", f"backup {name} is whole, and can be run",
              _of(*(size for file, size in backup.sizes.items() if ".sql" in file)), backup=name),
        _step(site, "present", "backup.take", "", "back up the present", _of(), databases=backup.schemas,
              paths=backup.paths, reason=f"before the restore of {name}", spare=name),
    ]  # fmt: skip
    stop = [
        _step(site, f"stop/{host}", "restore.stop", host, f"stop all services on {host}", _of(), units=sorted(units),
              running=sorted(unit for unit, was in units.items() if was["active"]))
        for host, units in backup.units.items() if units
    ]  # fmt: skip
    load = [
        _step(site, f"load/{schema}", "restore.load", "", f"load {schema}",
              _of(backup.sizes.get(f"{schema}.sql.age", 0)), backup=name, schema=schema)
        for schemas in backup.schemas.values() for schema in schemas
    ]  # fmt: skip
    configure = [
        _step(site, f"configure/{host}", "restore.configure", host, f"configuration of {host}",
              _of(backup.sizes.get(f"{host}.config.tar.gz.age", 0)), backup=name)
        for host in backup.paths
    ]  # fmt: skip
    start = [
        _step(site, f"start/{host}", "restore.start", host, f"start what ran on {host} then", _of(), backup=name)
        for host, units in backup.units.items() if units
    ]  # fmt: skip
    conclude = [
        _step(site, "serve", "restore.serve", "", "wait until all is up", _of()),
        _step(site, "reconcile", "restore.reconcile", "", "what is lost", _of(), backup=name, present=_PRESENT),
    ]
    parts = {"prepare": prepare, "stop": stop, "load": load, "configure": configure, "start": start, "end": conclude}
    return Plan(
        campaign=f"restore {name}", site=site, hop=("", ""), bundle="", changes=(), commit=(),
        procedures=tuple(
            Procedure(f"restore/{part}", part.capitalize(), Phase.RESTORE, Mode.SEQUENCE, tuple(steps))
            for part, steps in parts.items() if steps
        ),
        policy=Policy(on_failure="suspend", retries=0, commit="automatic", max_duration_s=0, max_rollback_s=0),
        smooth=False, inventory_digest="", catalogue_digest="", created_at=now,
    )  # fmt: skip


def _of(*sizes: int) -> Basis:
    """What times of files of so many bytes stand on."""
    return Basis(sum(sizes) / MEGA, "MB") if sum(sizes) else Basis()


def _step(site: str, name: str, kind: str, host: str, title: str, basis: Basis, /, **args: Any) -> Step:  # noqa: PLR0917
    step = f"restore/{name}"
    expected, longest = _TIMES[kind]
    undo = UndoClass.NOTHING if kind in _LOOKS else UndoClass.RESTORE
    undo = UndoClass.REVERSE if kind == "restore.stop" else undo
    impact = Impact.NONE if kind in _LOOKS else Impact.DOWN
    action = Action(f"{step}/{kind}", kind, site, host, args, title, expected, longest, undo, impact, basis)
    return Step(step, title, Phase.RESTORE, "", f"{site}/{host or name}", (action,))
