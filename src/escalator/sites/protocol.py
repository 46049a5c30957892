"""The verbs of a site. Actions know these only; the adapters beside this file do them for real.

Every call may raise :class:`escalator.errors.SiteError` or one of its kinds; nothing else leaves an adapter.
All times are seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
    """Commands and files on the hosts of one site."""

    async def run(
        self,
        host: str,
        argv: list[str],
        *,
        timeout_s: float,
        check: bool = True,
        stdin: str | None = None,
        env: dict[str, str] | None = None,
    ) -> CommandResult:
        """Run ``argv`` (quoted by the adapter, never by the caller); with ``check`` a bad end raises CommandError."""
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


class Cloud(Protocol):
    """The cloud's own APIs, as an administrator and as tenants."""

    async def call(self, verb: str, **args: Any) -> Any:
        """One named query of :mod:`escalator.sites.openstack` (``servers`` ...), as plain data."""
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
    balancer: LoadBalancer
    cloud: Cloud
    operator: OperatorSide
    config: Any = field(repr=False)  # escalator.config.site.SiteFile

    async def close(self) -> None:
        """End all connections."""
        await self.shell.close()
