"""Of no group are more members impacted at once than it bears, and none again before it has recovered.

Rules: ``group.impacted``, ``group.recovery``. A member is impacted from the start of its move until ``recovery_s``
after its end; one that stays on its host, for the whole outage and ``recovery_s`` more. A member that is impacted by
two things at once counts once. Both of NfviMaintenanceInfo's numbers, most impacted and least preserved, by the size
of the group, hold; a server in several groups counts in each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S, Floats, Ints, at_once, joined
from escalator.checks.hosts.wording import at, names, seconds, worst
from escalator.model.findings import Finding, Severity


@dataclass(frozen=True)
class Impacts:
    """What befalls members, one line per server, row of the concerns and event; in order of row, server, start."""

    row: Ints
    server: Ints
    start: Floats
    end: Floats  # of the move or outage
    recovered: Floats


def impacts(case: Case) -> Impacts:
    """All impacts of a schedule."""
    moves, out = case.moves, case.outages
    stays = np.array(case.stays, np.int64).reshape(-1, 2)
    servers = np.concatenate([moves.server, stays[:, 0]])
    start = np.concatenate([moves.start, out.offline[stays[:, 1]]])
    end = np.concatenate([moves.end, out.back[stays[:, 1]]])
    which, row = case.concerns.of(servers)
    order = np.lexsort((end[which], start[which], servers[which], row))
    which, row = which[order], row[order]
    recovery = np.array([r.info.recovery_s for r in case.concerns.rows], np.float64)[row]
    return Impacts(row, servers[which], start[which], end[which], end[which] + recovery)


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep the impacts of every group, and of every server that stands for itself."""
    found = impacts(case)
    return _at_once(case, found) + _recovered(case, found)


def _at_once(case: Case, found: Impacts) -> tuple[Finding, ...]:
    rows = case.concerns.rows
    fresh = (np.diff(found.row, prepend=-1) != 0) | (np.diff(found.server, prepend=-1) != 0)
    member = np.cumsum(fresh) - 1  # one number for each row and server
    first = np.flatnonzero(fresh)
    member, start, recovered = joined(member, found.start, found.recovered)
    row, server = found.row[first][member], found.server[first][member]
    limit = np.array([concern.at_once for concern in rows], np.int64)
    findings = []
    for peak in at_once(row, start, recovered, limit):
        mine = slice(*np.searchsorted(row, [peak.key, peak.key + 1]))
        now = (start[mine] <= peak.time) & (peak.time < recovered[mine] - TOLERANCE_S)
        who = names([case.servers[i].id for i in server[mine][now].tolist()])
        concern = rows[peak.key]
        text = f"{at(peak.time)} {peak.level} of {len(concern.members)} member(s) are impacted, {peak.limit} may be"
        subject = f"{case.inventory.site}/{concern.id}"
        findings.append(Finding(Severity.REFUSED, "group.impacted", subject, f"{text}{worst(peak)}: {who}", "VA-2"))
    return tuple(findings)


def _recovered(case: Case, found: Impacts) -> tuple[Finding, ...]:
    again = (found.row[1:] == found.row[:-1]) & (found.server[1:] == found.server[:-1])
    latest = _running_latest(found)
    early = again & (found.start[1:] < latest[:-1] - TOLERANCE_S)
    findings = []
    for i in (np.flatnonzero(early) + 1).tolist():
        concern = case.concerns.rows[int(found.row[i])]
        text = f"{at(found.start[i])} it is impacted again, and has recovered at {seconds(latest[i - 1])} only"
        text += f" ({concern.id}: {seconds(concern.info.recovery_s)} after an impact)"
        findings.append(
            Finding(Severity.REFUSED, "group.recovery", case.server(int(found.server[i])), text, requirement="VA-2")
        )
    return tuple(findings)


def _running_latest(found: Impacts) -> Floats:
    """When a member has recovered of all that befell it so far; members stand in order, so one pass is enough."""
    latest = found.recovered.copy()
    repeated = np.flatnonzero((found.row[1:] == found.row[:-1]) & (found.server[1:] == found.server[:-1])) + 1
    for i in repeated.tolist():
        latest[i] = max(latest[i], latest[i - 1])
    return latest
