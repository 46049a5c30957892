"""Soft policies are wishes: what a schedule worsens is a warning with the numbers. Rule: ``group.soft``.

Of soft-anti-affinity the members beyond the group's number per host are counted, of soft-affinity the hosts beyond the
first; before the first move and behind the last.
"""

from __future__ import annotations

from collections import Counter

from escalator.checks.hosts.case import Case
from escalator.model.compute import ServerGroup
from escalator.model.findings import Finding, Severity

APART, TOGETHER = "soft-anti-affinity", "soft-affinity"


def check(case: Case) -> tuple[Finding, ...]:
    """Compare the end with the beginning."""
    found = []
    for group, members in case.concerns.groups:
        if group.policy not in (APART, TOGETHER):
            continue
        placed = [m for m in members if case.at[m] >= 0]
        before = _missed(group, Counter(int(case.at[m]) for m in placed))
        after = _missed(group, Counter(_end(case, m) for m in placed))
        if after > before:
            what = "members share a host with another" if group.policy == APART else "hosts more than one hold members"
            text = f"{what}: {before} before, {after} after"
            subject = f"{case.inventory.site}/{group.id}"
            found.append(Finding(Severity.WARNING, "group.soft", subject, text, requirement="EN-2"))
    return tuple(found)


def _end(case: Case, member: int) -> int:
    mine = case.moves.of(member)
    return int(case.moves.destination[mine[-1]]) if mine else int(case.at[member])


def _missed(group: ServerGroup, on: Counter[int]) -> int:
    if group.policy == TOGETHER:
        return max(0, len(on) - 1)
    return sum(max(0, count - max(1, group.max_per_host)) for count in on.values())
