"""Nothing befalls a server before its lead time is over. Rule: ``notice.lead``.

The notice goes out when the schedule begins. Of several entries that speak of a server the longest lead time holds.
"""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S
from escalator.checks.hosts.wording import at, seconds
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Look at the first thing that befalls each server: a move, or the outage that it stays for."""
    lead = np.array([max(info.lead_s for info in infos) for infos in case.concerns.said], np.float64)
    first: dict[int, tuple[float, str]] = {}
    early = case.moves.start < lead[case.moves.server] - TOLERANCE_S
    for i in np.flatnonzero(early).tolist():
        first.setdefault(int(case.moves.server[i]), (float(case.moves.start[i]), "it is to move"))
    for server, host in case.stays:
        offline = float(case.outages.offline[host])
        if offline < min(lead[server] - TOLERANCE_S, first.get(server, (np.inf, ""))[0]):
            first[server] = (offline, "it is to go down with its host")
    return tuple(
        Finding(
            Severity.REFUSED, "notice.lead", case.server(server),
            f"{at(time)} {what}, and its lead time is {seconds(float(lead[server]))}", requirement="PR-4f",
        )
        for server, (time, what) in sorted(first.items())
    )  # fmt: skip
