"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

WIDTH = 960.0
COLOURS = {"+": "ok", "!": "bad", "?": "unsure"}


def render(report: Mapping[str, Any]) -> str:
    """HTML of what :func:`escalator.report.build.build` returned; every name in it is escaped."""
    environment = Environment(
        loader=PackageLoader("escalator.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    measured = {**report["apis"], **report["vnfs"]}
    return environment.get_template("report.html.j2").render(
        report=report,
        bars=_bars(report["timeline"]),
        strips={name: _cells(str(found.get("strip", ""))) for name, found in measured.items()},
        measured=measured,
        width=WIDTH,
    )


def _bars(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where each action stands: actions that overlap get lanes of their own."""
    done = [e for e in timeline if e["start"] is not None]
    if not done:
        return []
    start = min(float(e["start"]) for e in done)
    ends = [float(e["end"] if e["end"] is not None else e["start"]) for e in done]
    scale = WIDTH / max(max(ends) - start, 1e-3)
    lanes: list[float] = []
    bars = []
    for event, end in zip(done, ends, strict=True):
        begin = float(event["start"])
        lane = next((i for i, busy in enumerate(lanes) if busy <= begin), len(lanes))
        lanes[lane : lane + 1] = [end]
        x, width = (begin - start) * scale, max(1.5, (end - begin) * scale)
        bars.append(
            {"x": round(x, 1), "width": round(width, 1), "y": lane * 18, "event": event, "seconds": end - begin}
        )
    return bars


def _cells(strip: str) -> list[dict[str, Any]]:
    width = WIDTH / max(1, len(strip))
    return [
        {"x": round(i * width, 2), "width": round(width, 2), "kind": COLOURS[c]}
        for i, c in enumerate(strip)
        if c in COLOURS
    ]
