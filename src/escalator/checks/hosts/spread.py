"""Members of a hard anti-affinity group never share a host beyond the group's number. Rule: ``group.anti-affinity``.

A member under way counts at both ends. What shared a host before the schedule began is a warning; landing one more
member beside them is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S, Events, Ints, in_order, paired, peaks
from escalator.checks.hosts.wording import at, worst
from escalator.model.compute import ServerGroup
from escalator.model.findings import Finding, Severity

POLICY, RULE = "anti-affinity", "group.anti-affinity"


@dataclass(frozen=True)
class Spots:
    """Pairs of a group and a host that members are on or come to: what the sweep counts by."""

    group: Ints
    host: Ints
    before: Ints  # members there when the schedule begins
    events: Events
    change: Ints


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep the members of each group on each host."""
    groups = [(g, members) for g, members in case.concerns.groups if g.policy == POLICY]
    if not groups:
        return ()
    spots = _spots(case, groups)
    most = np.array([max(1, g.max_per_host) for g, _ in groups], np.int64)[spots.group]

    names = [g.id for g, _ in groups]

    def finding(severity: Severity, spot: int, text: str, requirement: str) -> Finding:
        subject = f"{case.inventory.site}/{names[int(spots.group[spot])]}"
        return Finding(severity, RULE, subject, f"{text} {case.hosts[int(spots.host[spot])].host}", requirement)

    found = []
    for spot in np.flatnonzero(spots.before > most).tolist():
        text = f"before the start {spots.before[spot]} of its members, where {most[spot]} may be, are on"
        found.append(finding(Severity.WARNING, spot, text, "EN-1"))
    for peak in peaks(spots.events, spots.events.levels(spots.change, spots.before), most):
        text = f"{at(peak.time)} {peak.level} of its members, where {peak.limit} may be{worst(peak)}, are on, or on"
        found.append(finding(Severity.REFUSED, peak.key, f"{text} their way from or to,", "VA-2"))
    return tuple(found)


def _spots(case: Case, groups: list[tuple[ServerGroup, tuple[int, ...]]]) -> Spots:
    moves, hosts = case.moves, len(case.hosts)
    member = np.array([m for _, members in groups for m in members], np.int64)
    group = np.repeat(np.arange(len(groups)), [len(members) for _, members in groups])
    order = np.argsort(member, kind="stable")
    member, group = member[order], group[order]
    which, of = paired(moves.server, member, group)
    left = np.flatnonzero(moves.origin[which] >= 0)
    stood = np.flatnonzero(case.at[member] >= 0)
    lands_at = of * hosts + moves.destination[which]
    leaves_at = of[left] * hosts + moves.origin[which[left]]
    stands_at = group[stood] * hosts + case.at[member[stood]]
    pairs, number = np.unique(np.concatenate([lands_at, leaves_at, stands_at]), return_inverse=True)
    ends = len(lands_at) + len(leaves_at)
    before = np.bincount(number[ends:], minlength=len(pairs)).astype(np.int64)
    time = np.concatenate([moves.start[which], moves.end[which[left]] - TOLERANCE_S])
    starts = np.arange(ends) < len(lands_at)
    events = in_order(number[:ends].astype(np.int64), time, starts)
    return Spots(pairs // hosts, pairs % hosts, before, events, np.where(starts, 1, -1))
