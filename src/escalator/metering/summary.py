"""The meters' totals: live, from a small file that the meter rewrites each second; and whole, from all samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TOTALS = "totals.json"


def totals(folder: Path) -> dict[str, Any]:
    """Totals so far: ``{"at", "requests", "failed", "starved", "apis": {name: {"requests", "failed", "last_failure"}}}``.

    Cheap at any length of run. Zeros where no meter has written yet.
    """
    try:
        data = json.loads((folder / TOTALS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = None
    return data if isinstance(data, dict) else {"at": 0.0, "requests": 0, "failed": 0, "starved": 0, "apis": {}}


def failed_requests(folder: Path) -> int:
    """How many requests have failed so far (for the guard)."""
    return int(totals(folder).get("failed", 0))


def summarise(folder: Path, actions: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The whole account as plain data, for the report. ``actions``: dicts with ``action``, ``start``, ``end`` (s)."""
    raise NotImplementedError
