"""Migrations get their bandwidth on every link. Rules: ``links.host``, ``links.trunk``.

Each move takes ``migration_mbit_s`` of its source's link outwards and of its destination's inwards (full duplex). The
trunk of a failure set carries what leaves or enters the set, each direction by itself, and not what stays inside.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import Ints, Peak, at_once, paired
from escalator.checks.hosts.wording import at
from escalator.model.findings import Finding, Severity

SLACK = 1e-9  # of a division that should be whole


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep hosts' links, then trunks, in each direction."""
    if case.limits.migration_mbit_s <= 0:
        return ()
    return (*_hosts(case), *_trunks(case))


def _hosts(case: Case) -> Iterator[Finding]:
    moves = case.moves
    limit = np.array([_fitting(case, h.link_mbit_s) for h in case.hosts], np.int64)
    for key, way in ((moves.source, "out of"), (moves.destination, "into")):
        for peak in at_once(key, moves.start, moves.end, limit):
            text = _text(case, peak, way, case.hosts[peak.key].link_mbit_s)
            yield Finding(Severity.REFUSED, "links.host", case.host(peak.key), text, "DU-1")


def _trunks(case: Case) -> Iterator[Finding]:
    moves = case.moves
    for prefix, share in case.limits.set_mbit_s:
        names = case.sets_with(prefix)
        if share <= 0 or not names:
            continue
        limit = np.full(len(names), _fitting(case, share), np.int64)
        for here, there, way in (
            (moves.source, moves.destination, "out of"),
            (moves.destination, moves.source, "into"),
        ):
            which, of = _crossing(case, names, here, there)
            for peak in at_once(of, moves.start[which], moves.end[which], limit):
                subject = f"{case.inventory.site}/{names[peak.key]}"
                yield Finding(Severity.REFUSED, "links.trunk", subject, _text(case, peak, way, share), "DU-1")


def _crossing(case: Case, names: list[str], here: Ints, there: Ints) -> tuple[Ints, Ints]:
    """Moves (positions) of which one end is in a set (a number) and the other isn't."""
    members = [case.failure_sets[name] for name in names]
    host = np.concatenate(members)
    number = np.repeat(np.arange(len(names)), [len(m) for m in members])
    order = np.argsort(host, kind="stable")
    which, of = paired(here, host[order], number[order])
    inside = np.isin(there[which] * len(names) + of, host * len(names) + number)
    return which[~inside], of[~inside]


def _fitting(case: Case, mbit_s: float) -> int:
    """How many migrations a link carries; without a limit as many as there are."""
    return int(mbit_s / case.limits.migration_mbit_s + SLACK) if mbit_s > 0 else len(case.moves.start)


def _text(case: Case, peak: Peak, way: str, mbit_s: float) -> str:
    each = case.limits.migration_mbit_s
    more = f" (most: {peak.worst * each:g} {at(peak.worst_time)})" if peak.worst > peak.level else ""
    return f"{at(peak.time)} {peak.level} migrations {way} it take {peak.level * each:g} Mbit/s of {mbit_s:g}{more}"
