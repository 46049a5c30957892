"""Members of a hard affinity group are together. Rule: ``group.affinity``.

They are together at a moment when some host holds every one of them, a member under way being held by both its ends.
Since servers move one by one, a group that goes as a whole from one host to another may be apart in between: that is a
warning with its time, as long as no third host is involved. Every other time apart is refused; one that began before
the schedule did is a warning (until they are together).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from escalator.checks.hosts.case import Case
from escalator.checks.hosts.sweep import TOLERANCE_S
from escalator.checks.hosts.wording import at, names, seconds
from escalator.model.findings import Finding, Severity

POLICY = "affinity"

Event = tuple[float, int, int, int]  # time, member, host, +1 or -1


@dataclass(frozen=True)
class Apart:
    """A time in which no host held all members; ``whole``: they went from one host to another, all of them."""

    since: float  # -inf: before the schedule began
    until: float  # inf: to its end
    hosts: frozenset[int]
    whole: bool


@dataclass
class _Group:
    """Who is held where at the moment."""

    size: int
    holds: Counter[tuple[int, int]] = field(default_factory=Counter)  # (host, member)
    members: Counter[int] = field(default_factory=Counter)  # host -> of how many members

    def change(self, member: int, host: int, by: int) -> None:
        held = self.holds[host, member] > 0
        self.holds[host, member] += by
        self.members[host] += (self.holds[host, member] > 0) - held
        if not self.members[host]:
            del self.members[host]

    @property
    def common(self) -> frozenset[int]:
        return frozenset(host for host, count in self.members.items() if count == self.size)


def check(case: Case) -> tuple[Finding, ...]:
    """Follow every group whose members move."""
    found = []
    for group, members in case.concerns.groups:
        if group.policy == POLICY:
            subject = f"{case.inventory.site}/{group.id}"
            found += [_finding(case, subject, apart) for apart in times_apart(case, members)]
    return tuple(found)


def times_apart(case: Case, members: tuple[int, ...]) -> Iterator[Apart]:
    """When members were apart, in order."""
    placed = [m for m in members if case.at[m] >= 0]
    state = _Group(len(placed))
    for member in placed:
        state.change(member, int(case.at[member]), 1)
    common, seen, since = state.common, frozenset(state.members), float("-inf")
    origin: frozenset[int] = frozenset()
    for time, events in _moments(sorted(_events(case, placed))):
        for _, member, host, by in events:
            state.change(member, host, by)
        now = state.common
        if common and not now:
            since, origin, seen = time, common, frozenset()
        elif now and not common:
            whole = len(seen) == 2 and any({x, y} == seen for x in origin for y in now)  # noqa: PLR2004 - two ends
            yield Apart(since, time, seen, whole)
        common, seen = now, seen | frozenset(state.members)
    if placed and not common:
        yield Apart(since, float("inf"), seen, whole=False)


def _events(case: Case, placed: list[int]) -> Iterator[Event]:
    """The claims of members as they begin and end."""
    moves = case.moves
    for member in placed:
        for i in moves.of(member):
            yield float(moves.start[i]), member, int(moves.destination[i]), 1
            yield float(moves.end[i]), member, int(moves.origin[i]), -1


def _moments(events: list[Event]) -> Iterator[tuple[float, list[Event]]]:
    """Events of one instant together, so that nobody is apart between an end and a start at the same time."""
    now: list[Event] = []
    for event in events:
        if now and event[0] > now[-1][0] + TOLERANCE_S:
            yield now[0][0], now
            now = []
        now.append(event)
    if now:
        yield now[0][0], now


def _finding(case: Case, subject: str, apart: Apart) -> Finding:
    hosts = names(sorted(case.hosts[h].host for h in apart.hosts))
    if apart.since == float("-inf"):
        text = f"its members are apart before the start, on {hosts}"
        return Finding(Severity.WARNING, "group.affinity", subject, text, "EN-1")
    if apart.whole:
        text = f"{at(apart.since)} its members are apart for {seconds(apart.until - apart.since)}, on the way: {hosts}"
        return Finding(Severity.WARNING, "group.affinity", subject, text, "VA-2")
    end = "to the end" if apart.until == float("inf") else f"for {seconds(apart.until - apart.since)}"
    return Finding(
        Severity.REFUSED, "group.affinity", subject, f"{at(apart.since)} its members are apart, {end}: {hosts}", "VA-2"
    )
