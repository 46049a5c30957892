"""No server is on a host that is offline, but for those that are listed to go down with it, and these are there.

Rules: ``host.empty``, ``host.stays``.
"""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S, Flags, Ints
from escalator.checks.hosts.wording import names, seconds
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Lay claims beside outages."""
    claims, out = case.claims, case.outages
    offline, back = out.offline[claims.host], out.back[claims.host]
    there = (claims.since < back - TOLERANCE_S) & (claims.until - TOLERANCE_S > offline)
    whole = (claims.since <= offline + TOLERANCE_S) & (claims.until >= back - TOLERANCE_S)
    listed = np.array([s * len(case.hosts) + h for s, h in case.stays], np.int64)
    key = claims.server * len(case.hosts) + claims.host
    left = there & ~np.isin(key, listed)
    return _not_empty(case, left) + _not_there(case, listed, key[there & whole])


def _not_empty(case: Case, left: Flags) -> tuple[Finding, ...]:
    found, claims = [], case.claims
    where = np.flatnonzero(left)
    where = where[np.argsort(claims.host[where], kind="stable")]
    hosts, first = np.unique(claims.host[where], return_index=True)
    for host, mine in zip(hosts.tolist(), np.split(where, first[1:]), strict=bool(len(hosts))):
        servers = [case.servers[i].id for i in np.unique(claims.server[mine]).tolist()]
        offline, back = case.outages.offline[host], case.outages.back[host]
        until = float(np.minimum(claims.until[mine], back).max())
        text = (
            f"offline from {seconds(offline)} to {seconds(back)}, and not empty until {seconds(until)}: {len(servers)}"
        )
        text += f" server(s), {names(servers)}"
        found.append(Finding(Severity.REFUSED, "host.empty", case.host(host), text, "DU-1"))
    return tuple(found)


def _not_there(case: Case, listed: Ints, there: Ints) -> tuple[Finding, ...]:
    found = []
    for key in np.unique(listed[~np.isin(listed, there)]).tolist():
        server, host = divmod(key, len(case.hosts))
        offline, back = case.outages.offline[host], case.outages.back[host]
        text = f"listed to stay with {case.hosts[host].host} from {seconds(offline)} to {seconds(back)}, and not there"
        found.append(Finding(Severity.REFUSED, "host.stays", case.server(server), f"{text} all the time", "DU-1"))
    return tuple(found)
