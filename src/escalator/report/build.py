"""The report of a run as plain data (docs/reference/report.schema.json)."""

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
    tests: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Put the report together.

    ``events``: ``{"action", "title", "start", "end", "result", "step"}``, times in seconds since the epoch.
    ``versions``: ``{service: {"from", "to"}}``; by default what the plan changes. ``tests``: what
    :func:`escalator.report.tests.results_of` returns.
    """
    times = [float(e[key]) for e in events for key in ("start", "end") if e.get(key) is not None]
    changes = {c.component: {"from": c.from_version, "to": c.to_version} for c in plan.changes}
    none = {"total": 0, "failed": 0, "starved": 0, "per_second": 0.0}
    return {
        "schema": "escalator/report/v1",
        "plan": plan.id,
        "campaign": plan.campaign,
        "site": plan.site,
        "hop": list(plan.hop),
        "smooth": plan.smooth,
        "state": state,
        "duration_s": duration_s if duration_s is not None else (max(times) - min(times) if times else 0.0),
        "requests": dict(meter_summary.get("requests", none)),
        "apis": dict(meter_summary.get("apis", {})),
        "vnfs": dict(meter_summary.get("vnfs", {})),
        "gaps": list(meter_summary.get("gaps", [])),
        "starvation": dict(meter_summary.get("starvation", {})),
        "measured": {"start": meter_summary.get("start", 0.0), "end": meter_summary.get("end", 0.0)},
        "versions": {name: dict(v) for name, v in (versions or changes).items()},
        "tests": [dict(test) for test in tests],
        "timeline": [
            {key: event.get(key) for key in ("action", "title", "start", "end", "result", "step")}
            for event in sorted(events, key=lambda e: float(e.get("start") or 0))
        ],
        "environment": dict(environment or {}),
    }
