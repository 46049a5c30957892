"""Free capacity for failures and scaling stays in every class of interchangeable hosts. Rule: ``capacity.reserve``.

What is meant stands at :class:`escalator.model.maintenance.Limits`. Refused where the reserve is lacking at a moment
and less is free than was before the schedule began; where it was lacking already and never gets worse: a warning.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S, Events, Flags, Ints, in_order, peaks
from escalator.checks.hosts.wording import at
from escalator.model.findings import Finding, Severity


@dataclass(frozen=True)
class Pool:
    """The usable hosts of one class. ``id``: zone, aggregates and traits that hosts share and that tell it apart."""

    id: str
    hosts: Ints


@dataclass(frozen=True)
class Course:
    """When hosts of pools take servers, let them go, go offline (a start) and come back (an end).

    ``server`` and ``sign`` are of the events as given; ``offline``: whether the host is, in the order of ``by_host``;
    ``by_pool`` orders the events of ``by_host`` again, by pool.
    """

    by_host: Events
    server: Ints  # -1: the host itself goes or comes
    sign: Ints
    offline: Flags
    by_pool: Events


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep what is free, summed over the hosts of each pool."""
    if case.limits.reserve_hosts <= 0:
        return ()
    pools = interchangeable(case)
    member = np.full(len(case.hosts), -1, np.int64)
    for number, pool in enumerate(pools):
        member[pool.hosts] = number
    course = _course(case, member)
    return tuple(f for resource in case.resource_classes for f in _resource(case, pools, course, resource))


def interchangeable(case: Case) -> list[Pool]:
    """Hosts that are up and enabled, by zone, aggregates, and those of their traits that any server speaks of."""
    matters = frozenset[str]().union(*{s.traits | s.forbidden for s in case.servers})
    found: dict[tuple[str, frozenset[str], frozenset[str]], list[int]] = defaultdict(list)
    for position, host in enumerate(case.hosts):
        if (host.state, host.status) == ("up", "enabled"):
            found[host.zone, frozenset(host.aggregates), host.traits & matters].append(position)
    return [
        Pool("+".join([zone, *sorted(aggregates), *sorted(traits)]), np.array(hosts, np.int64))
        for (zone, aggregates, traits), hosts in found.items()
    ]


def _course(case: Case, member: Ints) -> Course:
    moves, out = case.moves, case.outages
    gone = out.visited[member[out.visited] >= 0]
    comes = np.flatnonzero(member[moves.destination] >= 0)
    goes = np.flatnonzero(moves.origin >= 0)
    goes = goes[member[moves.origin[goes]] >= 0]
    host = np.concatenate([moves.destination[comes], gone, moves.origin[goes], gone])
    ends = np.concatenate([moves.end[goes], out.back[gone]]) - TOLERANCE_S
    time = np.concatenate([moves.start[comes], out.offline[gone], ends])
    nobody = np.full(len(gone), -1, np.int64)
    server = np.concatenate([moves.server[comes], nobody, moves.server[goes], nobody])
    starts = np.arange(len(host)) < len(comes) + len(gone)
    sign = np.where(starts, 1, -1)
    by_host = in_order(host, time, starts)
    offline = by_host.levels(np.where(server < 0, sign, 0), np.zeros(len(member), np.int64)) > 0
    return Course(by_host, server, sign, offline, in_order(member[by_host.key], by_host.time, by_host.starts))


def _free(case: Case, course: Course, resource: str) -> tuple[Ints, Ints]:
    """What is free on each host in the beginning, and by how much that changes at each event of ``by_host``.

    A host that holds more than it can counts as nothing, not as less, and so does one that is offline.
    """
    demand, capacity = case.demand(resource), case.capacity(resource)
    before = case.used_before(demand)
    change = np.where(course.server < 0, 0, demand[course.server] * course.sign) if len(demand) else course.sign * 0
    used, host = course.by_host.levels(change, before), course.by_host.key
    free = np.where(course.offline, 0, np.maximum(capacity[host] - used, 0))
    begin = np.maximum(capacity - before, 0)
    earlier = np.roll(free, 1)
    first = np.flatnonzero(np.diff(host, prepend=-1))
    earlier[first] = begin[host[first]]
    return begin, free - earlier


def _resource(case: Case, pools: list[Pool], course: Course, resource: str) -> list[Finding]:
    begin, change = _free(case, course, resource)
    capacity, most = case.capacity(resource), case.limits.reserve_hosts
    need = np.array([np.sort(capacity[p.hosts])[-most:].sum() for p in pools], np.int64)
    before = np.array([begin[p.hosts].sum() for p in pools], np.int64)
    # what is free, with its sign turned: a peak is where the least is free
    found = {
        peak.key: (peak.time, -peak.level, -peak.worst, peak.worst_time)
        for peak in peaks(course.by_pool, course.by_pool.levels(-change, -before), np.maximum(-need, -before))
    }
    findings = []
    for number, pool in enumerate(pools):
        reserve = (
            f"{need[number]} {resource} are to stay free in its {len(pool.hosts)} host(s) for {most} that may fail"
        )
        subject = f"{case.inventory.site}/{pool.id}"
        if number in found:
            time, free, least, least_time = found[number]
            worse = f" (least: {least} {at(least_time)})" if least < free else ""
            text = f"{at(time)} {free} are free{worse}: {reserve}"
            findings.append(Finding(Severity.REFUSED, "capacity.reserve", subject, text, "EN-2"))
        elif before[number] < need[number]:
            text = f"before the start {before[number]} are free: {reserve}"
            findings.append(Finding(Severity.WARNING, "capacity.reserve", subject, text, "EN-1"))
    return findings
