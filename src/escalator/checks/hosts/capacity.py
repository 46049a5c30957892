"""No move brings a host above what it can hold of a resource class. Rule: ``capacity.fits``.

A server under way counts in full at both ends, as its allocations do in Placement. What a host held too much of
before the schedule began is a warning; landing more of it there is refused all the same.
"""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S, Events, Flags, Ints, in_order, peaks
from escalator.checks.hosts.wording import at, worst
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep every resource class over every host."""
    events, servers, signs = use_events(case)
    found: list[Finding] = []
    for resource in case.resource_classes:
        demand, limit = case.demand(resource), case.capacity(resource)
        before = case.used_before(demand)
        found += _over_before(case, resource, before, limit)
        change = demand[servers] * signs
        for peak in peaks(events, events.levels(change, before), limit, counts=change > 0):
            text = f"{at(peak.time)} it would hold {peak.level} {resource}, and can hold {peak.limit}{worst(peak)}"
            found.append(Finding(Severity.REFUSED, "capacity.fits", case.host(peak.key), text, "EN-2"))
    return tuple(found)


def use_events(case: Case) -> tuple[Events, Ints, Ints]:
    """When hosts take servers and let them go: events by host, and (as given) the server and the sign of each."""
    moves = case.moves
    known = moves.origin >= 0
    key = np.concatenate([moves.destination, moves.origin[known]])
    time = np.concatenate([moves.start, moves.end[known] - TOLERANCE_S])
    starts: Flags = np.arange(len(key)) < len(moves.start)
    servers = np.concatenate([moves.server, moves.server[known]])
    return in_order(key, time, starts), servers, np.where(starts, 1, -1)


def _over_before(case: Case, resource: str, before: Ints, limit: Ints) -> list[Finding]:
    found = []
    for host in np.flatnonzero(before > limit).tolist():
        text = f"before the start it holds {before[host]} {resource}, and can hold {limit[host]}"
        found.append(Finding(Severity.WARNING, "capacity.fits", case.host(host), text, "EN-1"))
    return found
