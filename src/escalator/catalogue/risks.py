"""The schema-risk scan of a hop: the bundle that is wanted against those that run, before anything is staged."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from dataclasses import replace
from importlib import resources
from pathlib import Path

from escalator.catalogue.scan import scan
from escalator.errors import InputError
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Bundle, Inventory
from escalator.model.plan import Plan
from escalator.serial import digest, from_data, to_data

UNPACK_S = 300.0


def hop_risks(plan: Plan, inventory: Inventory, kept: Path) -> tuple[Finding, ...]:
    """What the hop's expand migrations would break; each component against the bundle that it runs from (GR-4).

    A component whose running bundle is not collected can't be compared: a warning names it.
    """
    bundles = {b.id: b for b in inventory.bundles}
    running = {i.component: i.running for i in inventory.instances if i.active and i.running != plan.bundle}
    found: list[Finding] = []
    for since in sorted(set(running.values())):
        components = tuple(c.component for c in plan.changes if running.get(c.component) == since)
        if components and since in bundles:
            found += schema_risks(components, bundles[plan.bundle], bundles[since], kept)
        elif components:
            found.append(
                Finding(
                    Severity.WARNING, "schema.not-scanned", ", ".join(components),
                    f"the bundle {since or '(unknown)'} that runs is not collected: no comparison of migrations",
                    requirement="GR-4", hint="collect it into the folder of artefacts",
                )
            )  # fmt: skip
    return tuple(found)


def schema_risks(components: tuple[str, ...], target: Bundle, since: Bundle, kept: Path) -> tuple[Finding, ...]:
    """What the target's expand migrations would do to servers of the bundle ``since``.

    Answers are kept in the folder ``kept`` where it exists, under the checksums of both bundles and the scan's own
    code: neither another bundle of the same name nor an older scan's answer is taken for this one. InputError where a
    bundle can't be read.
    """
    memory = kept / f"schema-risks-{digest([target.sha256, since.sha256, _rules()])[:16]}.json"
    known: dict[str, list[dict[str, object]]] = {}
    with contextlib.suppress(OSError, ValueError):  # not there, or torn: looked at again
        known = json.loads(memory.read_text(encoding="utf-8"))
    if missing := [c for c in components if c not in known]:
        with tempfile.TemporaryDirectory(prefix="escalator-scan-") as scratch:
            new = _sources(Path(target.path), Path(scratch) / "new", missing)
            old = _sources(Path(since.path), Path(scratch) / "old", missing)
            known |= {c: to_data(list(scan(new, c, old))) for c in missing}
        _keep(memory, known)
    return tuple(from_data(Finding, row) for c in components for row in known[c])


def accepted(findings: tuple[Finding, ...], reasons: dict[str, str]) -> tuple[Finding, ...]:
    """Risks that the campaign accepts by name (``schema.<revision>``) weigh nothing any more, and say why."""
    return tuple(
        replace(f, severity=Severity.INFO, text=f"{f.text}; accepted: {reasons[name]}", hint="")
        if (name := f"schema.{f.subject.rpartition('/')[2]}") in reasons
        else f
        for f in findings
    )


def _rules() -> str:
    """Digest of the code that judges."""
    folder = resources.files("escalator.catalogue")
    return digest([folder.joinpath(name).read_text(encoding="utf-8") for name in ("scan.py", "mapped.py")])


def _keep(memory: Path, known: dict[str, list[dict[str, object]]]) -> None:
    """Keep answers for the next plan; what can't be kept is only slower."""
    if memory.parent.is_dir():
        beside = memory.with_suffix(".new")
        with contextlib.suppress(OSError):
            beside.write_text(json.dumps(known, indent=1), encoding="utf-8")
            beside.rename(memory)


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
