"""What maintenance may do to VNFs and how fast a site may be emptied: constraints, limits, and where they come from.

Natively ETSI's NfviMaintenanceInfo (GS NFV-SOL 001, tosca.datatypes.nfv.NfviMaintenanceInfo; GS NFV-IFA 011, 7.1.8.17).
"""

from __future__ import annotations

from dataclasses import dataclass

from escalator.model.compute import Mobility


@dataclass(frozen=True, slots=True)
class BySize:
    """A number that holds for groups of at least ``group_size`` members."""

    group_size: int
    instances: int


@dataclass(frozen=True, slots=True)
class MaintenanceInfo:
    """NfviMaintenanceInfo of one group of servers. Times are seconds, interruptions milliseconds.

    A member counts as impacted from the start of its move (or of its host's outage) until ``recovery_s`` after its end.
    Of the by-size numbers, the entry of the largest ``group_size`` that the group reaches holds; none: no such limit.
    """

    group: str
    lead_s: float = 0.0  # impactNotificationLeadTime
    mitigation_requested: bool = False  # isImpactMitigationRequested: it wants capacity to scale out first
    migration_types: tuple[Mobility, ...] = (Mobility.LIVE,)  # supportedMigrationType, in order of preference
    max_undetectable_ms: int = 0  # maxUndetectableInterruptionTime; 0 = not said
    recovery_s: float = 0.0  # minRecoveryTimeBetweenImpacts
    max_impacted: tuple[BySize, ...] = ()  # maxNumberOfImpactedInstances
    min_preserved: tuple[BySize, ...] = ()  # minNumberOfPreservedInstances

    def impacted_at_once(self, size: int) -> int:
        """How many of ``size`` members may be impacted at the same time; 0: maintenance is never allowed."""
        most = _of(self.max_impacted, size)
        keep = _of(self.min_preserved, size)
        return max(0, min(size if most is None else most, size if keep is None else size - keep))


def _of(entries: tuple[BySize, ...], size: int) -> int | None:
    fitting = [e for e in entries if e.group_size <= size]
    return max(fitting, key=lambda e: e.group_size).instances if fitting else None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may happen at once. 0 = no limit, except for slots, which are at least 1.

    ``reserve_hosts``: per class of interchangeable hosts, how many hosts' worth of capacity stays free at any moment,
    for failures and scaling. Interchangeable are hosts of one zone, with the same aggregates, and the same of those
    traits that any server requires or forbids; hosts that are down or disabled in the inventory belong to no class.
    For each resource class by itself: what is free, summed over the hosts of the class that are not offline at that
    moment (closed ones count; what a server under way takes, it takes at both ends), is at least the sum of the
    ``reserve_hosts`` largest capacities of the class, offline ones included. How it is spread is not looked at.

    ``offline_per_set``: prefix of a failure set's name -> how many of its hosts may be offline at once
    (``("rack", 1)``). A prefix means the sets of that very name and those of that part before a colon.
    """

    migrations: int = 0
    out_slots: int = 1  # per source host; Nova: max_concurrent_live_migrations
    in_slots: int = 1  # per destination host
    hosts_at_once: int = 0  # that are drained or offline
    reserve_hosts: int = 1
    offline_per_set: tuple[tuple[str, int], ...] = ()
    set_mbit_s: tuple[tuple[str, float], ...] = ()  # prefix of a failure set -> its trunk's share for migrations
    migration_mbit_s: float = 1000.0  # what one migration gets
    host_offline_s: float = 1200.0  # expected time of a host's upgrade, from empty to given back


@dataclass(frozen=True)
class Constraints:
    """The constraints of one site: of groups (by id), of single servers (by id), and its limits."""

    limits: Limits = Limits()
    groups: tuple[MaintenanceInfo, ...] = ()
    default: MaintenanceInfo = MaintenanceInfo("")  # of groups and servers that nothing is said of
