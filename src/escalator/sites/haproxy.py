"""HAProxy through its admin socket, reached over SSH on every balancer host."""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Iterable

from escalator.errors import CommandError, IntegrityError, SiteError
from escalator.sites.protocol import BalancerServer, Shell

TIMEOUT_S = 20.0
STATES = ("ready", "drain", "maint")
NAME = re.compile(r"[A-Za-z0-9_.:-]+")

#: Asks the socket one command; run by the host's own Python, as socat is seldom there.
ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
try:
    s.connect(sys.argv[1])
    s.sendall(sys.stdin.buffer.read())
    while True:
        data = s.recv(65536)
        if not data:
            break
        sys.stdout.buffer.write(data)
except OSError as error:
    sys.exit("haproxy socket %s: %s" % (sys.argv[1], error))
"""

#: $1 worker's pid, $2 seconds. The kernel goes on to take connections and data for a stopped process. What wakes it up
#: again is there before it is stopped, and needs nobody.
HOLD = """set -eu
[ "$(cat "/proc/$1/comm")" = haproxy ] || { echo "process $1 is not haproxy" >&2; exit 3; }
setsid sh -c 'sleep "$2"; kill -CONT "$1"' hold "$1" "$2" >/dev/null 2>&1 </dev/null 9>&- &
kill -STOP "$1"
"""
RELEASE = '[ "$(cat "/proc/$1/comm")" != haproxy ] || kill -CONT "$1"'

# bits of srv_admin_state (haproxy, include/haproxy/server-t.h)
MAINT_BITS = 0x01 | 0x02 | 0x04 | 0x20
DRAIN_BITS = 0x08 | 0x10


class Haproxy:
    """The :class:`escalator.sites.protocol.LoadBalancer` of HAProxy hosts that hold the same backends."""

    def __init__(self, shell: Shell, hosts: Iterable[str], socket: str) -> None:
        self._shell = shell
        self._hosts = tuple(hosts)
        self._socket = socket
        self._held: dict[str, str] = {}  # host -> pid of the worker that was stopped

    async def servers(self) -> tuple[BalancerServer, ...]:
        """All servers, merged over the hosts."""
        seen = await asyncio.gather(*(self._servers(host) for host in self._hosts))
        return merge(seen)

    async def set_state(self, backend: str, server: str, state: str) -> None:
        """Set the administrative state on every host, and read back that it took."""
        if state not in STATES:
            raise SiteError(f"'{state}' is no balancer state", hint=f"allowed: {', '.join(STATES)}")
        for name in (backend, server):
            if not NAME.fullmatch(name):
                raise SiteError(f"'{name}' is no name of a backend or server")
        for host in self._hosts:
            answer = (await self._ask(host, f"set server {backend}/{server} state {state}", fenced=True)).strip()
            if answer:
                raise CommandError(f"{host}: haproxy refused {backend}/{server} -> {state}: {answer}", output=answer)
            now = {(s.backend, s.server): s.state for s in await self._servers(host)}.get((backend, server))
            if now != state:
                raise IntegrityError(f"{host}: {backend}/{server} is {now} after it was set to {state}")

    async def hold(self, longest_s: float) -> None:
        """Stop the worker processes for a moment: what comes waits in the kernel, the servers end what they have."""
        answers = await asyncio.gather(*(self._ask(host, "show info") for host in self._hosts))
        for host, answer in zip(self._hosts, answers, strict=True):
            found = re.search(r"^Pid: (\d+)$", answer, re.MULTILINE)
            if found is None:
                raise SiteError(f"{host}: haproxy does not say which process it is")
            self._held[host] = found[1]
        await asyncio.gather(*(self._each(HOLD, host, pid, f"{longest_s:g}") for host, pid in self._held.items()))

    async def release(self) -> None:
        """Wake them up."""
        held, self._held = self._held, {}
        await asyncio.gather(*(self._each(RELEASE, host, pid) for host, pid in held.items()))

    async def _each(self, text: str, host: str, *args: str) -> None:
        await self._shell.script(host, text, *args, timeout_s=TIMEOUT_S)

    async def _servers(self, host: str) -> tuple[BalancerServer, ...]:
        states, stat = await asyncio.gather(self._ask(host, "show servers state"), self._ask(host, "show stat"))
        try:
            return parse(states, stat)
        except (ValueError, KeyError, IndexError) as error:
            raise SiteError(f"{host}: haproxy's answer can't be read: {error!r}") from error

    async def _ask(self, host: str, command: str, *, fenced: bool = False) -> str:
        argv = ["python3", "-c", ASK, self._socket]
        try:
            return (await self._shell.run(host, argv, timeout_s=TIMEOUT_S, stdin=command + "\n", fenced=fenced)).output
        except CommandError as error:
            last = error.output.splitlines()[-1] if error.output else error.text
            raise CommandError(
                f"{host}: {last}", status=error.status, output=error.output, hint="is haproxy running there?"
            ) from error


def parse(states: str, stat: str) -> tuple[BalancerServer, ...]:
    """What ``show servers state`` and ``show stat`` say together."""
    figures = {(row["# pxname"], row["svname"]): row for row in csv.DictReader(stat.strip().splitlines())}
    lines = states.strip().splitlines()
    if not lines or lines[0].strip() != "1":
        raise ValueError(f"unknown format: {lines[:1]}")
    columns = lines[1].lstrip("# ").split()
    found = []
    for line in lines[2:]:
        if not line.strip():
            continue
        row = dict(zip(columns, line.split(), strict=False))
        key = (row["be_name"], row["srv_name"])
        figure = figures.get(key, {})
        found.append(
            BalancerServer(
                backend=key[0],
                server=key[1],
                state=_state(int(row["srv_admin_state"])),
                up=_up(figure.get("status", ""), int(row["srv_op_state"])),
                sessions=int(figure.get("scur") or 0) + int(figure.get("qcur") or 0),
                address=f"{row['srv_addr']}:{row['srv_port']}",
            )
        )
    return tuple(found)


def merge(seen: Iterable[tuple[BalancerServer, ...]]) -> tuple[BalancerServer, ...]:
    """One view over several hosts: the worst state wins, sessions add up."""
    whole: dict[tuple[str, str], BalancerServer] = {}
    for server in (server for servers in seen for server in servers):
        key = (server.backend, server.server)
        other = whole.get(key, server)
        if other is server:
            whole[key] = server
            continue
        whole[key] = BalancerServer(
            *key,
            state=max(other.state, server.state, key=STATES.index),
            up=other.up and server.up,
            sessions=other.sessions + server.sessions,
            address=server.address,
        )
    return tuple(whole.values())


def _state(bits: int) -> str:
    if bits & MAINT_BITS:
        return "maint"
    return "drain" if bits & DRAIN_BITS else "ready"


def _up(status: str, operational: int) -> bool:
    """DRAIN says nothing about the checks; there the operational state does. 0 is stopped."""
    if status.startswith(("DOWN", "NOLB", "MAINT")):
        return False
    return status.startswith("UP") or operational > 0
