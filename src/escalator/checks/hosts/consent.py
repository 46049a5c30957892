"""A server is moved, or goes down, only in a way that it can and that was agreed to.

Rules: ``consent.way`` (the way of a move is among the migration types of every entry that speaks of the server or of
its groups; of a server that stays, its own action or a cold move is among them) and ``consent.mobility`` (a way is not
gentler than what the server can: live, own action, cold).
"""

from __future__ import annotations

from functools import reduce

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.wording import at
from escalator.model.compute import Mobility
from escalator.model.findings import Finding, Severity
from escalator.model.maintenance import MaintenanceInfo

GENTLEST_FIRST = tuple(Mobility)
DOWN = frozenset({Mobility.OWN, Mobility.COLD})


def check(case: Case) -> tuple[Finding, ...]:
    """Look at every move, then at every stay."""
    found: list[Finding] = []
    agreed = _Agreed(case)
    able = [ways_of(server.mobility) for server in case.servers]
    for server, move in zip(case.moves.server.tolist(), case.moves.nouns, strict=True):
        if move.how not in able[server]:
            noun = case.servers[server]
            why = f": {noun.hindrance}" if noun.hindrance else ""
            can = f"it can at best {noun.mobility.value}" if able[server] else "it can't be moved at all"
            text = f"{at(move.start_s)} it is to move {move.how.value}, and {can}{why} (project {noun.project})"
            found.append(Finding(Severity.REFUSED, "consent.mobility", case.server(server), text, "SY-1"))
        if move.how not in agreed.by(server):
            text = f"{at(move.start_s)} it is to move {move.how.value}, and agreed is {agreed.words(server)}"
            found.append(Finding(Severity.REFUSED, "consent.way", case.server(server), text, "DU-1"))
    for server, host in case.stays:
        if not agreed.by(server) & DOWN:
            text = (
                f"{at(float(case.outages.offline[host]))} it is to go down with {case.hosts[host].host}, and agreed is"
            )
            subject = case.server(server)
            found.append(
                Finding(Severity.REFUSED, "consent.way", subject, f"{text} {agreed.words(server)}", requirement="DU-1")
            )
    return tuple(found)


def ways_of(mobility: Mobility) -> frozenset[Mobility]:
    """How a server can move: its own mobility, or rougher; none where it can't at all."""
    return frozenset(GENTLEST_FIRST[GENTLEST_FIRST.index(mobility) :]) - {Mobility.NONE}


class _Agreed:
    """What all entries that speak of a server have in common; the same entries are looked at once."""

    def __init__(self, case: Case) -> None:
        self.said = case.concerns.said
        self.common: dict[tuple[int, ...], frozenset[Mobility]] = {}

    def by(self, server: int) -> frozenset[Mobility]:
        infos = self.said[server]
        key = tuple(map(id, infos))
        if key not in self.common:
            self.common[key] = reduce(frozenset.intersection, map(_types, infos))
        return self.common[key]

    def words(self, server: int) -> str:
        return ", ".join(way.value for way in GENTLEST_FIRST if way in self.by(server)) or "no way"


def _types(info: MaintenanceInfo) -> frozenset[Mobility]:
    return frozenset(info.migration_types)
