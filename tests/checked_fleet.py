"""Two or three hosts, a few servers, a schedule of a few lines: what the rules for host schedules are tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from escalator.checks.hosts import check_schedule
from escalator.model.compute import Hypervisor, Mobility, Server, ServerGroup, Stock
from escalator.model.findings import Finding
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints, Limits, MaintenanceInfo
from escalator.model.schedule import Move, Schedule, Visit

NOTHING_SAID = MaintenanceInfo("")
LOOSE = Limits(out_slots=9, in_slots=9, reserve_hosts=0, host_offline_s=0)


def host(name: str, **changes: Any) -> Hypervisor:
    """Up, enabled, 8 VCPU and 8192 MB."""
    plain = Hypervisor(name, "QEMU", "7.2", "up", stock={"VCPU": Stock(8), "MEMORY_MB": Stock(8192)})
    return replace(plain, **changes)


def server(name: str, at: str, **changes: Any) -> Server:
    """1 VCPU, 1024 MB, can migrate live."""
    plain = Server(name, f"name-of-{name}", "tenant", at, "ACTIVE", resources={"VCPU": 1, "MEMORY_MB": 1024})
    return replace(plain, **changes)


def group(name: str, policy: str, *members: str, **changes: Any) -> ServerGroup:
    return replace(ServerGroup(name, f"name-of-{name}", policy, members), **changes)


def move(name: str, way: str, start: float, end: float, how: Mobility = Mobility.LIVE) -> Move:
    """``way``: ``a>b``."""
    source, destination = way.split(">")
    return Move(name, source, destination, start, end, how)


def visit(name: str, closed: float, offline: float, back: float) -> Visit:
    return Visit(name, closed, offline, back)


@dataclass(frozen=True)
class Fleet:
    """A site with its constraints; :meth:`check` says what is found wrong with a schedule for it."""

    hosts: tuple[Hypervisor, ...] = (host("a"), host("b"), host("c"))
    servers: tuple[Server, ...] = (server("s", "a"),)
    groups: tuple[ServerGroup, ...] = ()
    limits: Limits = LOOSE
    infos: tuple[MaintenanceInfo, ...] = ()
    default: MaintenanceInfo = NOTHING_SAID

    def findings(self, *steps: Move | Visit, stays: tuple[tuple[str, str], ...] = ()) -> tuple[Finding, ...]:
        moves = tuple(s for s in steps if isinstance(s, Move))
        visits = tuple(s for s in steps if isinstance(s, Visit))
        site = Inventory(
            "lab", "2026-01-01T00:00:00Z", (), (), (),
            hypervisors=self.hosts, servers=self.servers, server_groups=self.groups,
        )  # fmt: skip
        return check_schedule(
            Schedule(moves, visits, stays=stays), site, Constraints(self.limits, self.infos, self.default)
        )

    def check(self, *steps: Move | Visit, stays: tuple[tuple[str, str], ...] = ()) -> list[str]:
        """``severity rule subject`` of each finding, the site's name left out."""
        found = self.findings(*steps, stays=stays)
        return [f"{f.severity.value} {f.rule} {f.subject.removeprefix('lab/')}" for f in found]

    def text(self, *steps: Move | Visit, stays: tuple[tuple[str, str], ...] = ()) -> str:
        """The words of the only finding."""
        (only,) = self.findings(*steps, stays=stays)
        return only.text
