"""The schema-risk scan of a hop: the bundle that is wanted against the one that runs, before anything is staged."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from escalator.catalogue.scan import scan
from escalator.errors import InputError
from escalator.model.findings import Finding, Severity
from escalator.serial import from_data, to_data

UNPACK_S = 300.0


def schema_risks(components: tuple[str, ...], target: Path, since: Path, kept: Path) -> tuple[Finding, ...]:
    """What the target's expand migrations would do to servers of the bundle that runs.

    ``target`` and ``since`` are bundles (tar, zstd). Answers are kept in the folder ``kept`` where it exists: bundles
    never change under their name. InputError where one can't be read.
    """
    memory = kept / f"schema-risks-{since.parent.name}-{target.parent.name}.json"
    known: dict[str, list[dict[str, object]]] = {}
    if memory.exists():
        known = json.loads(memory.read_text(encoding="utf-8"))
    if missing := [c for c in components if c not in known]:
        with tempfile.TemporaryDirectory(prefix="escalator-scan-") as scratch:
            new, old = (_sources(path, Path(scratch) / path.parent.name, missing) for path in (target, since))
            known |= {c: to_data(list(scan(new, c, old))) for c in missing}
        if kept.is_dir():
            memory.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return tuple(from_data(Finding, row) for c in components for row in known[c])


def accepted(findings: tuple[Finding, ...], reasons: dict[str, str]) -> tuple[Finding, ...]:
    """Risks that the campaign accepts by name (``schema.<revision>``) weigh nothing any more, and say why."""
    return tuple(
        replace(f, severity=Severity.INFO, text=f"{f.text}; accepted: {reasons[name]}", hint="")
        if (name := f"schema.{f.subject.rpartition('/')[2]}") in reasons
        else f
        for f in findings
    )


def _sources(bundle: Path, folder: Path, components: list[str]) -> Path:
    """The components' own Python files, unpacked; returns where one folder per component stands."""
    folder.mkdir()
    wanted = [f"*/site-packages/{c}/*.py" for c in components]
    argv = ["tar", "--zstd", "-xf", str(bundle), "-C", str(folder), "--wildcards", *wanted]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=UNPACK_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{bundle} can't be read: {error}") from error
    found = [path.parent for path in folder.glob(f"*/lib/python*/site-packages/{components[0]}")]
    if done.returncode or not found:
        raise InputError(f"{bundle} can't be read: {done.stderr.strip()[-300:] or 'no component in it'}")
    return found[0]
