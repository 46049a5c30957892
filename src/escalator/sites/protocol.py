"""The verbs of a site. Actions know these only; the adapters beside this file do them for real.

Every call may raise :class:`escalator.errors.SiteError` or one of its kinds; nothing else leaves an adapter.
All times are seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. ``output`` is stdout and stderr as they came, decoded with replacement."""

    status: int
    output: str
    duration_s: float

    @property
    def ok(self) -> bool:
        """Whether the exit status was 0."""
        return self.status == 0


class Shell(Protocol):
    """Commands and files on the hosts of one site.

    Where the shell has a fence (:mod:`escalator.sites.fence`), all but what only reads passes it; FencedError where the
    host has seen a newer epoch, nothing was done then.
    """

    async def run(
        self,
        host: str,
        argv: list[str],
        *,
        timeout_s: float,
        check: bool = True,
        stdin: str | None = None,
        env: dict[str, str] | None = None,
        fenced: bool = True,
    ) -> CommandResult:
        """Run ``argv`` (quoted by the adapter, never by the caller); with ``check`` a bad end raises CommandError.

        What changes nothing on the host says ``fenced=False``.
        """
        ...

    async def script(self, host: str, text: str, *args: str, timeout_s: float, check: bool = True) -> CommandResult:
        """Run a POSIX shell script given as text, values pass as ``$1..``, never in the text."""
        ...

    async def put(self, host: str, local: Path, remote: str, *, mode: int = 0o600, timeout_s: float) -> None:
        """Copy a local file to the host; complete or not there (written beside, then renamed)."""
        ...

    async def get(self, host: str, remote: str, local: Path, *, timeout_s: float) -> None:
        """Copy a file of the host here; complete or not there."""
        ...

    async def stream(self, host: str, argv: list[str], local: Path, *, timeout_s: float) -> None:
        """Run ``argv`` and write its standard output to the local file, as it comes; a bad end raises CommandError."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


@dataclass(frozen=True)
class Order:
    """A command that outlives the connection: a unit of the host, named by what it is part of.

    The same run, action, attempt and index are the same order: it is started once, whoever asks. ``exclusive`` is a key
    (``schema/...``) of which one holder runs at a time on the host, whatever run or action it is part of.
    """

    run: str
    action: str
    attempt: int
    index: int  # of the commands of one attempt
    argv: tuple[str, ...]
    longest_s: float  # the host ends it then
    exclusive: str = ""

    @property
    def unit(self) -> str:
        """The unit's name on the host, without ``.service``."""
        words = "\0".join((self.run, self.action, str(self.attempt), str(self.index)))
        return f"escalator-{hashlib.sha256(words.encode()).hexdigest()[:12]}"


class OrderState(StrEnum):
    """How an order stands on its host."""

    ABSENT = "absent"  # never started
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"  # started, not there any more, and no result: the host went down


@dataclass(frozen=True)
class OrderSeen:
    """One look at an order. ``quiet_s`` and ``cpu_s`` tell a long command from a hanging one."""

    state: OrderState
    attempt: int = 0
    index: int = 0
    status: int = 0  # exit status, 128 + signal; of an ended one
    why: str = ""  # exited | time limit | stopped; of a lost one: rebooted | killed
    age_s: float = 0.0  # of a running one: since its start, seconds
    quiet_s: float = 0.0  # since its last output
    cpu_s: float = 0.0  # processor time of its control group
    line: str = ""  # its last line of output, printable


class Orders(Protocol):
    """Long commands on the hosts of one site."""

    async def start_or_attach(
        self, host: str, order: Order, progress: Callable[[OrderSeen], None] = lambda _: None
    ) -> CommandResult:
        """Start an order unless it was started before, and return how it ended; connections may break meanwhile.

        ``progress`` hears of it every few seconds. SiteTimeoutError where its longest time ended it, CommandError where
        it was stopped or can't be started, LostError where the host went down, BusyError where it may not start yet,
        UnreachableError where the host can't be reached. An exit status that is not 0 is no error.
        """
        ...

    async def look(self, host: str, order: Order) -> OrderSeen:
        """How an order stands."""
        ...

    async def look_all(self, host: str, order: Order) -> tuple[OrderSeen, ...]:
        """How the orders of the same attempt stand that were started, by index.

        Behind them what still runs of the same action's other attempts.
        """
        ...

    async def stop(self, host: str, order: Order) -> None:
        """End what runs of the order's action, up to its attempt, and let none of that start any more."""
        ...

    async def forget(self, host: str, run: str = "", *, kept_days: float = 0.0) -> tuple[str, ...]:
        """Delete what a host keeps of a run (of all runs) that changed nothing for so long; the runs that went."""
        ...


@dataclass(frozen=True)
class BalancerServer:
    """One server of a backend as the load balancer sees it."""

    backend: str
    server: str
    state: str  # ready | drain | maint (administrative)
    up: bool  # health checks pass
    sessions: int  # current ones
    address: str = ""  # host:port


class LoadBalancer(Protocol):
    """The site's load balancer."""

    async def servers(self) -> tuple[BalancerServer, ...]:
        """All servers of all backends, of every balancer host merged (the worst state wins)."""
        ...

    async def set_state(self, backend: str, server: str, state: str) -> None:
        """Set the administrative state (``ready``, ``drain``, ``maint``) on every balancer host."""
        ...

    async def hold(self, longest_s: float) -> None:
        """Take no request to any server until ``release``, or for ``longest_s``: clients wait, nothing is refused."""
        ...

    async def release(self) -> None:
        """Go on with what waits; nothing happens where nothing is held."""
        ...


class Cloud(Protocol):
    """The cloud's own APIs, as an administrator and as tenants."""

    async def call(self, verb: str, **args: Any) -> Any:
        """One named query of :mod:`escalator.sites.openstack.verbs` (``servers`` ...), as plain data."""
        ...

    async def functional_probe(self, service: str, *, timeout_s: float) -> dict[str, Any]:
        """Use the service as a tenant would: token, list, create, read back, delete. Returns timings."""
        ...


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, and its body as text (the first megabytes of a long one)."""

    status: int
    text: str


class OperatorSide(Protocol):
    """What prepared tests reach from where Escalator runs."""

    async def command(
        self, argv: list[str], *, folder: Path, env: dict[str, str], timeout_s: float, heard: Callable[[str], None]
    ) -> CommandResult:
        """Run a command beside Escalator, in ``folder``, ``env`` on top of Escalator's own environment.

        It has a process group of its own, of which nothing is left when this returns or raises: SiteTimeoutError
        behind ``timeout_s``, CommandError where it can't be started. ``heard`` gets what it says, as it comes and in
        whole lines; ``output`` of the result holds the end of that only.
        """
        ...

    async def get(self, url: str, *, timeout_s: float) -> Answer:
        """Ask a URL, redirections not followed; SiteTimeoutError or UnreachableError where no answer comes."""
        ...


@dataclass(frozen=True)
class Site:
    """All adapters of one place."""

    name: str
    shell: Shell
    orders: Orders
    balancer: LoadBalancer
    cloud: Cloud
    operator: OperatorSide
    config: Any = field(repr=False)  # escalator.config.site.SiteFile

    async def close(self) -> None:
        """End all connections."""
        await self.shell.close()
