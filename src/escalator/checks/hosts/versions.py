"""No server moves to an older hypervisor, and none to one that it must leave again without need.

Rules: ``destination.newer`` (refused; a warning where a host that no visit upgrades is left as it is),
``move.twice`` (warning).

A host is upgraded from the end of its visit on. Refused: a move to a host whose hypervisor is older as collected; a
move from an upgraded host to one that is not: its visit is still to come, or it has none and its version is not newer
than what the source ran before. A move from a host that is visited to one whose visit is still to come is allowed,
and moves the server twice. One to a host that has no visit and is not newer leaves it on the old version.
"""

from __future__ import annotations

from functools import cmp_to_key

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S, Ints
from escalator.checks.hosts.wording import at
from escalator.model.findings import Finding, Severity
from escalator.model.versions import compare


def check(case: Case) -> tuple[Finding, ...]:
    """Compare both ends of every move."""
    moves, out, rank = case.moves, case.outages, _ranks(case)
    visited = np.isfinite(out.back)
    source, destination = moves.source, moves.destination
    source_new = out.back[source] <= moves.start + TOLERANCE_S
    destination_new = out.back[destination] <= moves.start + TOLERANCE_S
    to_come = visited[destination] & ~destination_new
    older = ~destination_new & (rank[destination] < rank[source])
    not_newer = ~visited[destination] & (rank[destination] <= rank[source])
    backwards = older | (source_new & (to_come | not_newer))
    twice = visited[source] & to_come & ~backwards
    left = visited[source] & not_newer & ~backwards
    found = []
    for i in np.flatnonzero(backwards | twice | left).tolist():
        move, subject, begin = moves.nouns[i], case.server(int(moves.server[i])), at(moves.start[i])
        words = f"{begin} it is to move from {move.source} to {move.destination}"
        if backwards[i]:
            was = f" (version {case.hosts[source[i]].version}{', upgraded by then' if source_new[i] else ''}"
            words += f"{was}, to {case.hosts[destination[i]].version}): older"
            found.append(Finding(Severity.REFUSED, "destination.newer", subject, words, "GR-4"))
        elif twice[i]:
            words += f", which is visited itself {at(out.offline[destination[i]])}: it moves twice"
            found.append(Finding(Severity.WARNING, "move.twice", subject, words, "DU-1"))
        else:
            words += f", which nothing upgrades: it leaves {move.source} only to stay on the old version"
            found.append(Finding(Severity.WARNING, "destination.newer", subject, words, "GR-4"))
    return tuple(found)


def _ranks(case: Case) -> Ints:
    """The hosts' versions as numbers in their order; equal ones have the same number."""
    texts = sorted({h.version for h in case.hosts}, key=cmp_to_key(compare))
    rank, number = {}, 0
    for i, text in enumerate(texts):
        number += i > 0 and compare(texts[i - 1], text) < 0
        rank[text] = number
    return np.array([rank[h.version] for h in case.hosts], np.int64)
