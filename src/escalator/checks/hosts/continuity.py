"""A server moves from where it is, to another host, and is on one way at a time. Rule: ``move.continuous``."""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S
from escalator.checks.hosts.wording import at, seconds
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Follow every server along its moves."""
    moves = case.moves
    again = np.zeros(len(moves.server), np.bool_)
    again[1:] = moves.server[1:] == moves.server[:-1]
    early = again.copy()
    early[1:] &= moves.start[1:] < moves.end[:-1] - TOLERANCE_S
    elsewhere = moves.source != moves.origin
    nowhere = moves.source == moves.destination
    found = []
    for i in np.flatnonzero(elsewhere | early | nowhere).tolist():
        begin = at(moves.start[i])
        if elsewhere[i]:
            where = f"on {case.hosts[moves.origin[i]].host}" if moves.origin[i] >= 0 else "on no host that there is"
            found.append(_refused(case, i, f"{begin} it is to leave {moves.nouns[i].source}, and is {where} by then"))
        if early[i]:
            text = f"{begin} it is to move again, and is under way until {seconds(moves.end[i - 1])}"
            found.append(_refused(case, i, text))
        if nowhere[i]:
            found.append(_refused(case, i, f"{begin} it is to move from {moves.nouns[i].source} to the same host"))
    return tuple(found)


def _refused(case: Case, move: int, text: str) -> Finding:
    return Finding(Severity.REFUSED, "move.continuous", case.server(int(case.moves.server[move])), text, "PR-4")
