"""Each server moves once; one that moves more often is a warning with its count. Rule: ``move.once``."""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.wording import names
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Count."""
    found = []
    for server in np.flatnonzero(np.diff(case.moves.offsets) > 1).tolist():
        mine = [case.moves.nouns[i] for i in case.moves.of(server)]
        way = names([mine[0].source, *(m.destination for m in mine)])
        text = f"moves {len(mine)} times: {way}"
        found.append(Finding(Severity.WARNING, "move.once", case.server(server), text, requirement="DU-1"))
    return tuple(found)
