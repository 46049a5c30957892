"""A server moves only to where it may be and where it can run. Rules: ``destination.allowed``, ``destination.usable``.

Allowed: the zone that it was asked to be in, an aggregate of those that alone may hold it, all traits that it requires
and none that it forbids, the same kind of hypervisor. Usable: up and enabled when the inventory was taken. A host that
was disabled then stays so after its visit, too: what was closed by others is theirs to open (EX-6).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import Ints
from escalator.checks.hosts.wording import at
from escalator.model.compute import Hypervisor, Server
from escalator.model.findings import Finding, Severity


def check(case: Case) -> tuple[Finding, ...]:
    """Judge each pair of what is asked and what a host is once, however many moves make it."""
    moves = case.moves
    wants, _ = _numbered((s.zone, s.aggregates, s.traits, s.forbidden) for s in case.servers)
    offers, kinds = _numbered((h.zone, h.aggregates, h.traits, h.kind, h.state, h.status) for h in case.hosts)
    pair = (wants[moves.server] * kinds + offers[moves.destination]) * kinds + offers[moves.source]
    _, first, back = np.unique(pair, return_index=True, return_inverse=True)
    judged = [
        _wrong(case.servers[moves.server[i]], case.hosts[moves.source[i]], case.hosts[moves.destination[i]])
        for i in first.tolist()
    ]
    bad = np.array([bool(w) for w in judged], np.bool_)[back] if judged else np.zeros(0, np.bool_)
    found = []
    for i in np.flatnonzero(bad).tolist():
        subject, begin = case.server(int(moves.server[i])), at(moves.start[i])
        for rule, text in judged[back[i]]:
            words = f"{begin} it is to move to {moves.nouns[i].destination}, {text}"
            found.append(Finding(Severity.REFUSED, rule, subject, words, "EN-2"))
    return tuple(found)


def _numbered(values: Iterable[Hashable]) -> tuple[Ints, int]:
    numbers: dict[Hashable, int] = {}
    found = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
    return found, len(numbers)


def _wrong(server: Server, source: Hypervisor, destination: Hypervisor) -> tuple[tuple[str, str], ...]:
    """Rule and words of all that speaks against this destination."""
    found = []
    if server.zone and server.zone != destination.zone:
        found.append(f"which is in zone {destination.zone}, not in {server.zone}")
    if server.aggregates and not set(server.aggregates) & set(destination.aggregates):
        found.append(f"which is in none of the aggregates that may hold it: {', '.join(sorted(server.aggregates))}")
    if missing := server.traits - destination.traits:
        found.append(f"which lacks {', '.join(sorted(missing))}")
    if unwanted := server.forbidden & destination.traits:
        found.append(f"which has {', '.join(sorted(unwanted))}")
    if source.kind != destination.kind:
        found.append(f"a hypervisor of another kind ({destination.kind}, from {source.kind})")
    wrong = [("destination.allowed", text) for text in found]
    if (destination.state, destination.status) != ("up", "enabled"):
        wrong.append(("destination.usable", f"which is {destination.state} and {destination.status}"))
    return tuple(wrong)
