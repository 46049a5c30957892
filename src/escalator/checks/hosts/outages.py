"""So many hosts at once as the site and its failure sets bear. Rules: ``hosts.at-once``, ``hosts.per-set``.

A host counts towards ``hosts_at_once`` from its closing until it is back, towards ``offline_per_set`` while offline.
"""

from __future__ import annotations

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import at_once
from escalator.checks.hosts.wording import at, worst
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Sweep visits, in all and by failure set."""
    out, gone, limits = case.outages, case.outages.visited, case.limits
    found = []
    if limits.hosts_at_once > 0:
        together = np.zeros(len(gone), np.int64)
        for peak in at_once(together, out.closed[gone], out.back[gone], np.array([limits.hosts_at_once], np.int64)):
            text = f"{at(peak.time)} {peak.level} hosts are closed or offline, {peak.limit} may be{worst(peak)}"
            found.append(Finding(Severity.REFUSED, "hosts.at-once", case.inventory.site, text, "GR-2"))
    for prefix, most in limits.offline_per_set:
        names = case.sets_with(prefix)
        if most <= 0 or not names:
            continue
        hosts = [h[np.isfinite(out.back[h])] for h in (case.failure_sets[name] for name in names)]
        host, key = np.concatenate(hosts), np.repeat(np.arange(len(names)), [len(h) for h in hosts])
        for peak in at_once(key, out.offline[host], out.back[host], np.full(len(names), most, np.int64)):
            text = f"{at(peak.time)} {peak.level} of its hosts are offline, {peak.limit} may be{worst(peak)}"
            subject = f"{case.inventory.site}/{names[peak.key]}"
            found.append(Finding(Severity.REFUSED, "hosts.per-set", subject, text, "EN-2"))
    return tuple(found)
