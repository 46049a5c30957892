"""Servers spread over NUMA cells find room in the cells of every host that they move to. Rule: ``capacity.numa``.

Refused where, at a moment when one lands, no arrangement of all of them there exists. In which cells a server lies
is not collected, and Nova never moves one between cells: where there is room only if those before it lie other than
they would by arriving one after the other, that is a warning. So is a host whose cells were not collected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from escalator.checks.hosts.capacity import use_events
from escalator.checks.hosts.case import Case
from escalator.checks.hosts.cells import Allowance, Amounts, Cells, Places, UndecidedError, arrange, cells_of, take
from escalator.checks.hosts.wording import at
from escalator.model.compute import Server
from escalator.model.findings import Finding, Severity

TRIES, TRIES_EACH = 100_000, 20
"""What all searches of a check may try together: so much, and so much for each arrival, departure and server."""

Coming = tuple[float, bool, Server]  # when, whether it comes (or goes), who


@dataclass
class Claim:
    """One server in some cells of a host; () where it found none."""

    server: Server
    places: Places = ()


class Floor:
    """What lies in which cell of one host, as far as it can be known, while servers come and go."""

    def __init__(self, cells: Cells, there: Iterable[Server], allowance: Allowance) -> None:
        self.cells, self.allowance = cells, allowance
        self.free: list[Amounts] = list(cells.limits)
        self.claims = [Claim(server) for server in there]
        self.laid = True  # whether all of them have places
        self.rearrange()

    def lands(self, server: Server) -> str:
        """Nothing where it fits; else ``moved`` (only with others elsewhere), ``none`` (not at all), ``undecided``."""
        claim = Claim(server)
        self.claims.append(claim)
        places = next(self.cells.choices(self.free, self.cells.share(server), server.numa_nodes), None)
        if places is None or not self.laid:
            return self.rearrange()
        self._lay(claim, places)
        return ""

    def leaves(self, server: Server) -> None:
        """Its cells are free again."""
        claim = next((c for c in self.claims if c.server is server), None)
        if claim is not None:
            self.claims.remove(claim)
            self.free = take(self.free, self.cells.share(server), claim.places, sign=-1)

    def rearrange(self) -> str:
        """Find places for all that are there, wherever they lay."""
        self.laid = False
        try:
            found = arrange(self.cells, [claim.server for claim in self.claims], self.allowance)
        except UndecidedError:
            return "undecided"
        if found is None:
            return "none"
        self.laid = True
        self.free = list(self.cells.limits)
        for claim, places in zip(self.claims, found, strict=True):
            self._lay(claim, places)
        return "moved"

    def _lay(self, claim: Claim, places: Places) -> None:
        claim.places = places
        self.free = take(self.free, self.cells.share(claim.server), places)


def check(case: Case) -> tuple[Finding, ...]:
    """Play arrivals and departures on every host that a server with NUMA cells moves to."""
    spread = np.array([s.numa_nodes > 0 for s in case.servers], np.bool_)
    if not spread[case.moves.server].any():
        return ()
    events, servers, _ = use_events(case)
    wanted = np.unique(case.moves.destination[spread[case.moves.server]])
    there: dict[int, list[Server]] = {host: [] for host in wanted.tolist()}
    for position in np.flatnonzero(spread & np.isin(case.at, wanted)).tolist():
        there[int(case.at[position])].append(case.servers[position])
    coming: dict[int, list[Coming]] = {host: [] for host in there}
    who = servers[events.order]
    for i in np.flatnonzero(spread[who] & np.isin(events.key, wanted)).tolist():
        server = case.servers[int(who[i])]
        coming[int(events.key[i])].append((float(events.time[i]), bool(events.starts[i]), server))
    tries = Allowance(TRIES + TRIES_EACH * (sum(map(len, there.values())) + sum(map(len, coming.values()))))
    return tuple(f for host in there for f in _host(case, host, there[host], coming[host], tries))


def _host(case: Case, host: int, there: list[Server], coming: list[Coming], tries: Allowance) -> list[Finding]:
    if not case.hosts[host].cells:
        text = "servers with NUMA cells move there, and its cells were not collected: that they fit is not proved"
        return [Finding(Severity.WARNING, "capacity.numa", case.host(host), text, "EN-2", "collect its cells")]
    floor, found = Floor(cells_of(case.hosts[host]), there, tries), list[Finding]()
    warned: set[str] = set()
    for time, starts, server in coming:
        if not starts:
            floor.leaves(server)
            continue
        outcome = floor.lands(server)
        if outcome == "none":
            text = f"{at(time)} {server.id} comes, spread over {server.numa_nodes} cell(s), and the {len(floor.claims)}"
            text += " server(s) with NUMA cells there by then fit in no arrangement"
            return [*found, Finding(Severity.REFUSED, "capacity.numa", case.host(host), text, "EN-2")]
        if outcome and outcome not in warned:
            warned.add(outcome)
            found.append(
                Finding(Severity.WARNING, "capacity.numa", case.host(host), _doubt(outcome, time, server), "EN-2")
            )
    return found


def _doubt(outcome: str, time: float, server: Server) -> str:
    if outcome == "moved":
        return f"{at(time)} {server.id} fits only if those there lie in other cells than they would by arriving in turn"
    return f"{at(time)} {server.id} comes: whether all fit into the cells could not be decided, there are too many ways"
