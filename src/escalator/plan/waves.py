"""How compute hosts follow each other: all in one row, or a canary first, or wave by wave."""

from __future__ import annotations

from escalator.model.plan import Mode, Phase, Procedure


def in_waves(hosts: tuple[Procedure, ...], limit: int, *, canary: bool, waves: bool) -> list[Procedure]:
    """Procedures over one procedure per host, ``limit`` hosts at once.

    A canary is done before any other host begins, a wave before the next one: only then can a run pause between them.
    """
    found: list[Procedure] = []
    if canary and hosts:
        found.append(Procedure("canary", "Canary host", Phase.ROLL, Mode.SEQUENCE, hosts[:1]))
        hosts = hosts[1:]
    if not hosts:
        return found
    if not waves:
        return [*found, Procedure("hosts", "Compute hosts", Phase.ROLL, Mode.PARALLEL, hosts, limit=limit)]
    rows = tuple(
        Procedure(f"wave/{n}", f"Wave {n}", Phase.ROLL, Mode.PARALLEL, hosts[at : at + limit], limit=limit)
        for n, at in enumerate(range(0, len(hosts), limit), start=1)
    )
    return [*found, Procedure("hosts", "Compute hosts", Phase.ROLL, Mode.SEQUENCE, rows)]
