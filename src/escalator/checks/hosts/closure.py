"""Nothing moves to a host from its closing until it is back. Rule: ``host.closed``."""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S
from escalator.checks.hosts.wording import seconds
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """A move counts from its start to its end: one that is under way when the host closes lands on a closed host."""
    moves, out = case.moves, case.outages
    closed, back = out.closed[moves.destination], out.back[moves.destination]
    wrong = (moves.start < back - TOLERANCE_S) & (closed < moves.end - TOLERANCE_S)
    found = []
    for i in np.flatnonzero(wrong).tolist():
        move = moves.nouns[i]
        text = (
            f"moves to {move.destination} from {seconds(move.start_s)} to {seconds(move.end_s)}, which is closed from"
        )
        text += f" {seconds(closed[i])} to {seconds(back[i])}"
        found.append(Finding(Severity.REFUSED, "host.closed", case.server(int(moves.server[i])), text, "EX-6"))
    return tuple(found)
