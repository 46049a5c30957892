"""How a run stands, and what it cost."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from typing import Any

from escalator.execution import runs
from escalator.execution.status import Status, status_of
from escalator.journal.events import Kind
from escalator.metering.summary import summarise, totals
from escalator.report.build import build
from escalator.report.tests import results_of
from escalator.report.versions import versions_now, versions_then
from escalator.service.place import Place, take_inventory


def status(place: Place, name: str = "") -> Status:
    """How a run stands."""
    run = runs.load(place.state, name)
    return status_of(run.folder.name, run.plan, run.view(), totals(run.meter), time.time())


async def report(place: Place, name: str = "") -> dict[str, Any]:
    """The report of a run; versions are read back from the running services: now, of an earlier run as it ended."""
    run = runs.load(place.state, name)
    view = run.view()
    titles = {a.id: (a.title, s.id) for s in (*run.plan.steps(), *run.plan.commit_steps()) for a in s.actions}
    events: list[dict[str, Any]] = []
    open_at: dict[str, dict[str, Any]] = {}
    records = run.records()
    for record in records:
        if record.kind is Kind.INTENT:
            title, step = titles.get(record.subject, (record.subject, ""))
            title = title if record.data["verb"] == "do" else f"undo: {title}"
            open_at[record.subject] = {
                "action": record.subject,
                "title": title,
                "start": record.at,
                "end": None,
                "result": "",
                "step": step,
            }
            events.append(open_at[record.subject])
        elif record.kind is Kind.OUTCOME and record.subject in open_at:
            open_at.pop(record.subject).update(end=record.at, result=str(record.data["result"]))
    current = run.folder.name == runs.load(place.state).folder.name
    versions = versions_now(run.plan, await take_inventory(place)) if current else versions_then(run.plan, view)
    summary = await asyncio.to_thread(summarise, run.meter, events)
    environment = {"python": platform.python_version(), "kernel": platform.release(), "cpus": str(os.cpu_count())}
    return build(
        run.plan, events, summary, versions, state=view.state.value, environment=environment,
        duration_s=round(view.executing_s, 1), tests=results_of(run.plan, records),
    )  # fmt: skip
