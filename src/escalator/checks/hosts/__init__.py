"""Whether a schedule of hosts keeps, at every moment, what was promised to servers, groups and the site (VA-2).

Shares nothing with the planner but the nouns. Each module holds one kind of rule and says exactly what it means:

- ``soundness``: ``schedule.known``, ``schedule.times``, ``visit.once``; warns: ``visit.time``
- ``continuity``: ``move.continuous``
- ``emptiness``, ``closure``: ``host.empty``, ``host.stays``, ``host.closed``
- ``capacity``, ``numa``, ``reserve``: ``capacity.fits``, ``capacity.numa``, ``capacity.reserve``
- ``impact``: ``group.impacted``, ``group.recovery``
- ``spread``, ``together``, ``soft``: ``group.anti-affinity``, ``group.affinity``; warns: ``group.soft``
- ``destination``: ``destination.allowed``, ``destination.usable``
- ``versions``: ``destination.newer``; warns: ``move.twice``
- ``slots``, ``links``: ``slots.out``, ``slots.in``, ``slots.all``, ``links.host``, ``links.trunk``
- ``outages``: ``hosts.at-once``, ``hosts.per-set``
- ``notice``, ``consent``: ``notice.lead``, ``consent.way``, ``consent.mobility``
- ``count``: warns: ``move.once``

Every interval is half open: what ends at a moment is over by then, and makes room for what starts there. What was
amiss before the schedule began and is not made worse by it is a warning.
"""

from __future__ import annotations

from collections.abc import Callable

from escalator.checks.hosts import (
    capacity,
    closure,
    consent,
    continuity,
    count,
    destination,
    emptiness,
    impact,
    links,
    notice,
    numa,
    outages,
    reserve,
    slots,
    soft,
    soundness,
    spread,
    together,
    versions,
)
from escalator.checks.hosts.case import Case, build
from escalator.model.findings import Finding
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints
from escalator.model.schedule import Schedule

Rule = Callable[[Case], tuple[Finding, ...]]

RULES: tuple[Rule, ...] = (
    soundness.check, continuity.check, emptiness.check, closure.check, capacity.check, numa.check, reserve.check,
    impact.check, spread.check, together.check, soft.check, destination.check, versions.check, slots.check, links.check,
    outages.check, notice.check, consent.check, count.check,
)  # fmt: skip


def check_schedule(schedule: Schedule, inventory: Inventory, constraints: Constraints) -> tuple[Finding, ...]:
    """All that the rules say of a schedule, in their order; it must not run where one of them is refused.

    Time grows as n log n in hosts, servers and moves. What is wrong with a schedule is a finding, never an exception.
    """
    sifted = soundness.sift(schedule, inventory)
    case = build(sifted.schedule, inventory, constraints)
    return sifted.findings + tuple(finding for rule in RULES for finding in rule(case))
