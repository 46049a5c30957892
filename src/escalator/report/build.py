"""The report of a run as plain data (report.schema.json)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from escalator.model.plan import Plan


def build(
    plan: Plan,
    events: Sequence[Mapping[str, Any]],
    meter_summary: Mapping[str, Any],
    versions: Mapping[str, Mapping[str, str]] | None = None,
    *,
    state: str = "UNKNOWN",
    environment: Mapping[str, str] | None = None,
    duration_s: float | None = None,
) -> dict[str, Any]:
    """Put the report together.

    ``events``: ``{"action", "title", "start", "end", "result", "step"}``, times in seconds since the epoch.
    ``versions``: ``{service: {"from", "to"}}``; by default what the plan changes.
    """
    raise NotImplementedError
