"""Migrations with fixed destinations, checked at every moment: links, slots, groups' budgets, what hosts can hold.

Levels only rise where something starts, so every start of a migration is a moment that is looked at, each anew from
the whole list: slow and plain on purpose. At one instant what ends counts before what starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from escalator.model.findings import Finding, Severity
from escalator.model.schedule import Move
from escalator.model.transfers import Room, Transfer, Transfers

TOLERANCE_S = 1e-6
TOLERANCE_MBIT_S = 1e-3
REQUIREMENT = "VA-2"

Timed = tuple[Transfer, Move]


def check(case: Transfers, moves: Sequence[Move]) -> tuple[Finding, ...]:
    """What of ``moves`` does not keep to ``case``, each cause once, at its first moment."""
    found = _unlike(case, moves)
    if found:
        return found
    timed = tuple(zip(sorted(case.transfers, key=_way), sorted(moves, key=_way), strict=True))
    first: dict[tuple[str, str], Finding] = {}
    for moment in sorted({m.start_s for m in moves}):
        starting = [(t, m) for t, m in timed if m.start_s == moment]
        hosts = {host for _, m in starting for host in (m.source, m.destination)}
        groups = {group for t, _ in starting for group in t.groups}
        at = [*_running(case, timed, hosts, moment), *_held(case, timed, hosts, moment)]
        at += _budgets(case, timed, groups, moment)
        for finding in at:
            first.setdefault((finding.rule, finding.subject), finding)
    return tuple(first.values())


def _way(what: Transfer | Move) -> tuple[str, str, str]:
    return what.server, what.source, what.destination


def _wrong(rule: str, subject: str, text: str) -> Finding:
    return Finding(Severity.REFUSED, f"transfers.{rule}", subject, text, REQUIREMENT)


def _unlike(case: Transfers, moves: Sequence[Move]) -> tuple[Finding, ...]:
    """Each transfer is made once, not too early, in its own time; nothing else moves."""
    asked, done = Counter(map(_way, case.transfers)), Counter(map(_way, moves))
    found = [
        _wrong("missing", way[0], f"{way[0]} is to go from {way[1]} to {way[2]} and does not") for way in asked - done
    ]
    found += [_wrong("unasked", way[0], f"{way[0]} goes from {way[1]} to {way[2]}, unasked") for way in done - asked]
    if found:
        return tuple(found)
    for transfer, move in zip(sorted(case.transfers, key=_way), sorted(moves, key=_way), strict=True):
        if move.start_s < transfer.ready_s - TOLERANCE_S:
            found.append(_wrong("early", move.server, f"starts at {move.start_s:g} s, before {transfer.ready_s:g} s"))
        if abs(move.end_s - move.start_s - transfer.duration_s) > TOLERANCE_S:
            took = f"takes {move.end_s - move.start_s:g} s instead of {transfer.duration_s:g} s"
            found.append(_wrong("duration", move.server, took))
    return tuple(found)


def _started(move: Move, moment: float) -> bool:
    return move.start_s <= moment + TOLERANCE_S


def _ended(move: Move, moment: float, after_s: float = 0.0) -> bool:
    return move.end_s + after_s <= moment + TOLERANCE_S


def _running(case: Transfers, timed: Sequence[Timed], hosts: set[str], moment: float) -> list[Finding]:
    """Slots and links: what runs at ``moment``, when something starts at ``hosts``, and what it may take."""
    now = [t for t, m in timed if _started(m, moment) and not _ended(m, moment)]
    found = []
    if case.at_once and len(now) > case.at_once:
        found.append(_wrong("at-once", "", f"{len(now)} migrations at {moment:g} s, {case.at_once} at most"))
    for host, room in _rooms(case, hosts):
        leaving, coming = [t for t in now if t.source == host], [t for t in now if t.destination == host]
        for way, these, slots in (("out", leaving, room.out_slots), ("in", coming, room.in_slots)):
            if slots and len(these) > slots:
                found.append(_wrong(f"{way}-slots", host, f"{len(these)} at {moment:g} s, {slots} at most"))
        found += _link(host, "out", leaving, room.out_mbit_s, moment)
        found += _link(host, "in", coming, room.in_mbit_s, moment)
    for trunk in case.trunks:
        leaving = [t for t in now if t.source in trunk.hosts and t.destination not in trunk.hosts]
        coming = [t for t in now if t.destination in trunk.hosts and t.source not in trunk.hosts]
        found += _link(trunk.name, "out", leaving, trunk.mbit_s, moment)
        found += _link(trunk.name, "in", coming, trunk.mbit_s, moment)
    return found


def _rooms(case: Transfers, hosts: set[str]) -> list[tuple[str, Room]]:
    return [(host, case.rooms[host]) for host in sorted(hosts) if host in case.rooms]


def _link(name: str, way: str, these: Sequence[Transfer], mbit_s: float, moment: float) -> list[Finding]:
    taken = sum(t.mbit_s for t in these)
    if not mbit_s or taken <= mbit_s + TOLERANCE_MBIT_S * len(these):
        return []
    return [_wrong(f"link-{way}", name, f"{taken:g} Mbit/s at {moment:g} s, {mbit_s:g} at most")]


def _budgets(case: Transfers, timed: Sequence[Timed], groups: set[str], moment: float) -> list[Finding]:
    """Members of ``groups`` that are impacted at ``moment``."""
    found = []
    for budget in (b for b in case.budgets if b.group in groups):
        hit = [
            t.server
            for t, m in timed
            if budget.group in t.groups and _started(m, moment) and not _ended(m, moment, budget.recovery_s)
        ]
        if len(hit) > budget.at_once:
            text = f"{len(hit)} impacted at {moment:g} s, {budget.at_once} at most: {', '.join(sorted(hit))}"
            found.append(_wrong("budget", budget.group, text))
    return found


def _held(case: Transfers, timed: Sequence[Timed], hosts: set[str], moment: float) -> list[Finding]:
    """What ``hosts`` hold at ``moment`` beyond what they held before, against what was free."""
    found = []
    for host, room in _rooms(case, hosts):
        for name, free in room.free.items():
            came = sum(t.resources.get(name, 0) for t, m in timed if t.destination == host and _started(m, moment))
            left = sum(t.resources.get(name, 0) for t, m in timed if t.source == host and _ended(m, moment))
            arrives = any(t.destination == host and abs(m.start_s - moment) <= TOLERANCE_S for t, m in timed)
            if arrives and came - left > free:
                text = f"{came - left - free} {name} more at {moment:g} s than there is"
                found.append(_wrong("capacity", host, text))
    return found
