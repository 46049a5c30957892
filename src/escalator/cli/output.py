"""How answers and failures reach a person or a program."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from escalator.errors import DocumentError, EscalatorError, PlanRefusedError, StorageError
from escalator.model.findings import Finding, Severity

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

_MARKS = {Severity.INFO: "info   ", Severity.WARNING: "warning", Severity.REFUSED: "REFUSED"}


def clean(text: str) -> str:
    """Text from a site without the control characters that could move a terminal's cursor (names are hostile input)."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def say(text: str = "") -> None:
    """One or more lines for a person."""
    console.print(clean(text), markup=False)


def show_json(data: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def write_json(path: Path, data: Any) -> None:
    """One JSON document into a file; StorageError where that can't be."""
    try:
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} can't be written: {error.strerror}") from None


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """Findings as lines, the gravest first."""
    order = {Severity.REFUSED: 0, Severity.WARNING: 1, Severity.INFO: 2}
    lines: list[str] = []
    for finding in sorted(findings, key=lambda f: (order[f.severity], f.rule, f.subject)):
        lines.append(f"{_MARKS[finding.severity]}  {finding.rule}  {finding.subject}: {finding.text}")
        if finding.hint:
            lines.append(f"         {finding.hint}")
    return lines


def fail(error: EscalatorError, *, as_json: bool) -> int:
    """Show a failure; returns the exit status."""
    problems = error.problems if isinstance(error, DocumentError) else ()
    if isinstance(error, PlanRefusedError):
        problems = tuple(finding_lines(error.findings))
    if as_json:
        show_json({"error": error.code, "text": error.text, "hint": error.hint, "problems": list(problems)})
    else:
        errors.print(f"escalator: {clean(error.text)} [{error.code}]", markup=False)
        for problem in problems:
            errors.print(f"  {clean(problem)}", markup=False)
        if error.hint:
            errors.print(f"  hint: {clean(error.hint)}", markup=False)
    return error.exit_status
