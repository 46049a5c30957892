"""A schedule speaks of what there is, at times that can be, and visits a host once.

Rules: ``schedule.known``, ``schedule.times``, ``visit.once`` (refused); ``visit.time`` and unknown entries of the
constraints (warnings). What breaks one of the first three is left out of what the other rules look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S
from escalator.checks.hosts.wording import seconds
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.schedule import Move, Schedule, Visit


@dataclass(frozen=True)
class Sifted:
    """The part of a schedule that can be looked at, and what is wrong with the rest."""

    schedule: Schedule
    findings: tuple[Finding, ...]


def sift(schedule: Schedule, inventory: Inventory) -> Sifted:
    """Part the sound from the unsound."""
    hosts = {h.host for h in inventory.hypervisors}
    servers = {s.id for s in inventory.servers}
    found: list[Finding] = []
    moves = []
    for move in schedule.moves:
        known = move.server in servers and move.source in hosts and move.destination in hosts
        if known and 0 <= move.start_s < move.end_s - TOLERANCE_S and move.end_s < inf:
            moves.append(move)
        else:
            found.append(_unsound_move(move, inventory.site, servers, hosts))
    visits: dict[str, Visit] = {}
    for visit in sorted(schedule.visits, key=lambda v: v.closed_s):
        wrong = _unsound_visit(visit, inventory.site, hosts, visits)
        if wrong:
            found.append(wrong)
        else:
            visits[visit.host] = visit
    stays = []
    for server, host in schedule.stays:
        if server in servers and host in visits:
            stays.append((server, host))
        else:
            text = f"listed to stay with {host}: " + (
                "no such server" if server not in servers else "it is not visited"
            )
            found.append(_refused("schedule.known", f"{inventory.site}/{server}", text, "PR-4"))
    return Sifted(Schedule(tuple(moves), tuple(visits.values()), stays=tuple(dict.fromkeys(stays))), tuple(found))


def check(case: Case) -> tuple[Finding, ...]:
    """Warn of outages that are planned too short, and of constraints that bind nobody."""
    expected = case.limits.host_offline_s
    found = []
    for visit in case.visits:
        given = visit.back_s - visit.offline_s
        if given < expected - TOLERANCE_S:
            text = f"offline for {seconds(given)} from {seconds(visit.offline_s)} on; its upgrade is expected to take"
            subject = case.host(case.host_at[visit.host])
            found.append(
                Finding(Severity.WARNING, "visit.time", subject, f"{text} {seconds(expected)}", requirement="PR-4e")
            )
    for name in case.concerns.unknown:
        text = "the constraints name it, and there is no such group or server: they protect nobody"
        found.append(
            Finding(Severity.WARNING, "schedule.known", f"{case.inventory.site}/{name}", text, requirement="VA-2")
        )
    return tuple(found)


def _unsound_move(move: Move, site: str, servers: set[str], hosts: set[str]) -> Finding:
    if move.server not in servers:
        return _refused("schedule.known", f"{site}/{move.server}", "moved, and no such server", "PR-4")
    unknown = next((h for h in (move.source, move.destination) if h not in hosts), None)
    if unknown is not None:
        return _refused("schedule.known", f"{site}/{move.server}", f"moved, and no such host: {unknown}", "PR-4")
    text = f"its move to {move.destination} goes from {move.start_s} to {move.end_s}: no time that can be"
    return _refused("schedule.times", f"{site}/{move.server}", text, "PR-4e")


def _unsound_visit(visit: Visit, site: str, hosts: set[str], others: dict[str, Visit]) -> Finding | None:
    subject = f"{site}/{visit.host}"
    if visit.host not in hosts:
        return _refused("schedule.known", subject, "visited, and no such host", "PR-4")
    closed, offline, back = visit.closed_s, visit.offline_s, visit.back_s
    if not (0 <= closed <= offline < back - TOLERANCE_S and isfinite(back)):
        return _refused("schedule.times", subject, f"closed {closed}, offline {offline}, back {back}", "PR-4e")
    if visit.host in others:
        text = f"visited at {seconds(others[visit.host].offline_s)} and again at {seconds(offline)}"
        return _refused("visit.once", subject, text, "GR-5")
    return None


def _refused(rule: str, subject: str, text: str, requirement: str) -> Finding:
    return Finding(Severity.REFUSED, rule, subject, text, requirement)
