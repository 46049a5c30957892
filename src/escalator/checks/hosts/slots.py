"""So many migrations at once as hosts and the site bear. Rules: ``slots.out``, ``slots.in``, ``slots.all``."""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import at_once
from escalator.checks.hosts.wording import at, worst
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep sources, destinations and the whole. Moves of every kind count."""
    moves, limits, hosts = case.moves, case.limits, len(case.hosts)
    found = []
    for rule, key, slots, way in (
        ("slots.out", moves.source, limits.out_slots, "leave it"),
        ("slots.in", moves.destination, limits.in_slots, "come to it"),
    ):
        for peak in at_once(key, moves.start, moves.end, np.full(hosts, max(1, slots), np.int64)):
            text = f"{at(peak.time)} {peak.level} servers {way}, {peak.limit} may at a time{worst(peak)}"
            found.append(Finding(Severity.REFUSED, rule, case.host(peak.key), text, "EX-1"))
    if limits.migrations > 0:
        together = np.zeros(len(moves.start), np.int64)
        for peak in at_once(together, moves.start, moves.end, np.array([limits.migrations], np.int64)):
            text = f"{at(peak.time)} {peak.level} servers are under way, {peak.limit} may be at a time{worst(peak)}"
            found.append(Finding(Severity.REFUSED, "slots.all", case.inventory.site, text, "EX-1"))
    return tuple(found)
