"""The meters' totals: live, from a small file that the meter rewrites each second; and whole, from all samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from escalator.metering.gaps import CYCLES, Account, Gap, Interval, Series, UnderWay, account, overlap
from escalator.metering.samples import Sample, read

TOTALS = "totals.json"
VNF = "vnf:"  # before the names of VNFs, in samples
CELLS = 240  # of an availability strip


def totals(folder: Path) -> dict[str, Any]:
    """Totals so far, cheap at any length of run; zeros where no meter has written yet.

    ``{"at", "requests", "failed", "starved", "apis": {name: {"requests", "failed", "last_failure"}}}``
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
    recording = read(folder)
    under_way = [UnderWay(str(a["action"]), float(a["start"]), float(a["end"])) for a in actions if a.get("end")]
    found = account(recording.samples, recording.seconds, recording.starts, under_way)
    seconds = max(0.0, found.end - found.start)
    names = sorted({s.api for s in found.series})
    requests = sum(s.requests for s in found.series)
    return {
        "start": round(found.start, 3),
        "end": round(found.end, 3),
        "requests": {
            "total": requests,
            "failed": sum(s.failed for s in found.series),
            "starved": sum(s.starved for s in found.series),
            "per_second": round(requests / seconds, 1) if seconds else 0.0,
        },
        "apis": {name: _api(name, found, recording.samples) for name in names if not name.startswith(VNF)},
        "vnfs": {
            name.removeprefix(VNF): _api(name, found, recording.samples) for name in names if name.startswith(VNF)
        },
        "gaps": [_gap(g) for g in found.gaps],
        "starvation": {
            "worst_lateness_ms": _ms(found.worst_lateness),
            "missed": found.missed,
            "uncertain_s": round(sum(end - start for start, end in found.uncertain), 1),
            "intervals": [[round(start, 3), round(end, 3)] for start, end in found.uncertain],
        },
    }


def _api(name: str, found: Account, samples: Sequence[Sample]) -> dict[str, Any]:
    """One API or VNF. Cycles take seconds each, so their gaps say little of the API's own outage: kept apart."""
    mine = [s for s in found.series if s.api == name]
    plain = [s for s in mine if s.kind not in CYCLES]
    cycles = [s for s in mine if s.kind in CYCLES]
    return {
        "requests": sum(s.requests for s in mine),
        "failed": sum(s.failed for s in mine),
        "longest_gap_ms": _ms(max((s.longest_gap for s in plain), default=0.0)),
        "longest_cycle_gap_ms": _ms(max((s.longest_gap for s in cycles), default=0.0)),
        "kinds": {s.kind: _series(s) for s in mine},
        "strip": strip([s for s in samples if s.api == name], found.start, found.end, found.uncertain),
    }


def _series(series: Series) -> dict[str, Any]:
    return {
        "requests": series.requests,
        "failed": series.failed,
        "starved": series.starved,
        "by_reason": series.by_reason,
        "p50_ms": _ms(series.p50),
        "p99_ms": _ms(series.p99),
        "max_ms": _ms(series.max),
        "longest_gap_ms": _ms(series.longest_gap),
        "outage_ms": _ms(series.outage),
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "api": gap.api,
        "kind": gap.kind,
        "start": round(gap.start, 3),
        "end": round(gap.end, 3),
        "gap_ms": _ms(gap.seconds),
        "failed": gap.failed,
        "reasons": gap.reasons,
        "open": gap.open,
        "uncertain": gap.uncertain,
        "actions": list(gap.actions),
    }


def strip(samples: Sequence[Sample], start: float, end: float, uncertain: Sequence[Interval]) -> str:
    """One letter per cell of the time: ``+`` all answered, ``!`` some failed, ``?`` uncertain, ``.`` nothing sent."""
    width = max(end - start, 1e-3) / CELLS
    cells = ["."] * CELLS
    for sample in samples:
        at = min(CELLS - 1, max(0, int((sample.sent - start) / width)))
        if sample.failed:
            cells[at] = "!"
        elif not sample.reason and cells[at] == ".":
            cells[at] = "+"
    for index, cell in enumerate(cells):
        here = (start + index * width, start + (index + 1) * width)
        if cell != "!" and any(overlap(here, other) > 0 for other in uncertain):
            cells[index] = "?"
    return "".join(cells)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
