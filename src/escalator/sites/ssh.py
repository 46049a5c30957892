"""Commands and files on a site's hosts, over SSH.

Host keys are always verified. One connection per host is kept and opened anew when it broke. A command is only ever
sent once: what may be repeated is decided by who knows what it does. Each command runs below ``timeout`` on the host,
so that it ends there too when the connection is lost, not only here. Where there is a fence, commands pass it.
"""

from __future__ import annotations

import asyncio
import shlex
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import asyncssh

from escalator.errors import AuthenticationError, CommandError, FencedError, StorageError, UnreachableError
from escalator.errors import SiteTimeoutError as TookTooLongError
from escalator.sites.fence import Fence
from escalator.sites.protocol import CommandResult

T = TypeVar("T")

CHUNK = 256 * 1024
KILL_AFTER_S = 5.0  # between the polite end of a command that took too long and SIGKILL
GRACE_S = KILL_AFTER_S + 5.0  # the host ends a command by itself; we only give up later
SESSIONS = 8  # at once per connection; sshd allows ten (MaxSessions)
LAST_LINES = 20
TIMED_OUT = (124, 137)  # exit statuses of timeout(1)


@dataclass(frozen=True)
class Account:
    """How all hosts of a site are logged in to."""

    user: str
    key: Path
    known_hosts: Path
    port: int = 22
    connect_timeout_s: float = 10.0


class _Link:
    """The connection to one host."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opening = asyncio.Lock()
        self.slots = asyncio.Semaphore(SESSIONS)
        self.connection: asyncssh.SSHClientConnection | None = None


class SshShell:
    """The :class:`escalator.sites.protocol.Shell` of real hosts. ``addresses``: host name -> address.

    ``fence`` may be set later, when a lease is there; what began before goes on without. The first command to each host
    passes it, whatever it is: so a look at a host is final, nothing that was sent through an older epoch comes behind.
    """

    def __init__(
        self,
        account: Account,
        addresses: dict[str, str],
        ports: dict[str, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        self.fence = fence
        self._shown: dict[str, Fence] = {}  # host -> the fence that it has passed us through
        self._account = account
        self._links = {host: _Link(address) for host, address in addresses.items()}
        self._ports = ports or {}

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
        """Run ``argv``; see the protocol."""
        began = time.monotonic()
        data = b"" if stdin is None else stdin.encode()

        async def talk(process: asyncssh.SSHClientProcess[bytes]) -> bytes:
            out, _ = await process.communicate(data)
            return out or b""

        status, out = await self._command(host, argv, env or {}, timeout_s, talk, merge=True, fenced=fenced)
        result = CommandResult(status, out.decode(errors="replace"), time.monotonic() - began)
        if check and not result.ok:
            raise _bad_end(host, argv, status, result.output)
        return result

    async def script(self, host: str, text: str, *args: str, timeout_s: float, check: bool = True) -> CommandResult:
        """Run a POSIX shell script; see the protocol."""
        return await self.run(host, ["sh", "-c", text, "escalator", *args], timeout_s=timeout_s, check=check)

    async def put(self, host: str, local: Path, remote: str, *, mode: int = 0o600, timeout_s: float) -> None:
        """Copy a local file (or what comes out of a pipe) to the host; see the protocol."""
        beside = f"{remote}.{uuid.uuid4().hex[:8]}.part"
        sent = 0
        ends = time.monotonic() + timeout_s

        async def talk(process: asyncssh.SSHClientProcess[bytes]) -> bytes:
            nonlocal sent
            with _open(local, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    process.stdin.write(chunk)
                    await process.stdin.drain()
                    sent += len(chunk)
            process.stdin.write_eof()
            return await process.stdout.read() or b""

        write = ["sh", "-c", 'umask 077; exec cat > "$1"', "escalator", beside]
        keep = 'test "$(wc -c < "$1")" -eq "$2" && chmod "$3" "$1" && sync "$1" && mv -fT "$1" "$4"'
        try:
            status, out = await self._command(host, write, {}, timeout_s, talk, merge=True, fenced=True)
            if status:
                raise _bad_end(host, ["write", remote], status, out.decode(errors="replace"))
            left = max(ends - time.monotonic(), GRACE_S)
            await self.script(host, keep, beside, str(sent), f"{mode:o}", remote, timeout_s=left)
        except (CommandError, TookTooLongError, StorageError, FencedError):
            await self.run(host, ["rm", "-f", beside], timeout_s=GRACE_S, check=False, fenced=False)
            raise

    async def get(self, host: str, remote: str, local: Path, *, timeout_s: float) -> None:
        """Copy a file of the host here; see the protocol."""
        beside = local.with_name(f".{local.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            await self.stream(host, ["cat", "--", remote], beside, timeout_s=timeout_s)
            beside.replace(local)
        except OSError as error:
            raise StorageError(f"{local}: {error}") from error
        finally:
            beside.unlink(missing_ok=True)

    async def stream(self, host: str, argv: list[str], local: Path, *, timeout_s: float) -> None:
        """Run ``argv`` and write its standard output to the local file or pipe; see the protocol."""

        async def talk(process: asyncssh.SSHClientProcess[bytes]) -> bytes:
            process.stdin.write_eof()
            complaint = asyncio.ensure_future(process.stderr.read())
            try:
                with _open(local, "wb") as file:
                    while chunk := await process.stdout.read(CHUNK):
                        await asyncio.to_thread(file.write, chunk)
                return await complaint or b""
            except OSError as error:
                raise StorageError(f"{local}: {error}") from error
            finally:
                complaint.cancel()

        status, out = await self._command(host, argv, {}, timeout_s, talk, merge=False, fenced=False)
        if status:
            raise _bad_end(host, argv, status, out.decode(errors="replace"))

    async def close(self) -> None:
        """End all connections."""
        for link in self._links.values():
            if link.connection is not None:
                link.connection.close()
                await link.connection.wait_closed()
                link.connection = None

    async def _command(
        self,
        host: str,
        argv: list[str],
        env: dict[str, str],
        timeout_s: float,
        talk: Callable[[asyncssh.SSHClientProcess[bytes]], Awaitable[bytes]],
        *,
        merge: bool,
        fenced: bool,
    ) -> tuple[int, bytes]:
        """Exit status and what ``talk`` returned for one command, in one session of the host's connection."""
        fence = self.fence if fenced or self._shown.get(host) != self.fence else None
        inner = ["env", *(f"{key}={value}" for key, value in env.items()), *argv] if env else argv
        inner = fence.around(inner, timeout_s=timeout_s) if fence else inner
        words = ["timeout", "-k", f"{KILL_AFTER_S:g}", f"{timeout_s:.3f}", *inner]
        began = time.monotonic()
        async with self._process(host, "exec " + shlex.join(words), merge=merge) as process:
            try:
                async with asyncio.timeout(timeout_s + GRACE_S):
                    out = await talk(process)
                    await process.wait()
            except TimeoutError:
                raise _too_long(host, argv, timeout_s) from None
            except BrokenPipeError:
                await process.wait()
                out = b"it stopped reading"
            if process.exit_signal is not None:
                raise CommandError(
                    f"{host}: {_name(argv)} was ended by signal {process.exit_signal[0]}", output=_last(out)
                )
            if process.exit_status is None:
                raise UnreachableError(f"{host}: the connection broke while {_name(argv)} ran")
            if process.exit_status in TIMED_OUT and time.monotonic() - began >= timeout_s:
                raise _too_long(host, argv, timeout_s)
            if fence:
                fence.judge(host, process.exit_status, out.decode(errors="replace"))
                self._shown[host] = fence
            return process.exit_status, out

    @asynccontextmanager
    async def _process(
        self, host: str, command: str, *, merge: bool
    ) -> AsyncIterator[asyncssh.SSHClientProcess[bytes]]:
        link = self._link(host)
        async with link.slots:
            process = await self._start(host, link, command, merge=merge)
            try:
                yield process
            except (asyncssh.Error, ConnectionError) as error:
                raise UnreachableError(f"{host}: the connection broke: {error}") from error
            finally:
                if process.exit_status is None and process.exit_signal is None and not process.is_closing():
                    _kill(process)
                process.close()

    async def _start(self, host: str, link: _Link, command: str, *, merge: bool) -> asyncssh.SSHClientProcess[bytes]:
        """Open a session; a kept connection that turns out broken is replaced once (nothing was sent over it yet)."""
        stderr = asyncssh.STDOUT if merge else asyncssh.PIPE
        for fresh in (False, True):
            connection = await self._connection(host, link)
            try:
                async with asyncio.timeout(self._account.connect_timeout_s):
                    return await connection.create_process(command, encoding=None, stderr=stderr)
            except (asyncssh.Error, OSError, TimeoutError) as error:
                connection.abort()
                if link.connection is connection:
                    link.connection = None  # it may not know yet that it is closed
                if fresh:
                    raise UnreachableError(f"{host} ({link.address}): no session: {error}") from error
        raise AssertionError

    async def _connection(self, host: str, link: _Link) -> asyncssh.SSHClientConnection:
        async with link.opening:
            if link.connection is None or link.connection.is_closed():
                link.connection = await self._connect(host, link.address)
            return link.connection

    async def _connect(self, host: str, address: str) -> asyncssh.SSHClientConnection:
        account = self._account
        where = f"{host} ({address})"
        for file in (account.key, account.known_hosts):
            if not file.is_file():
                raise AuthenticationError(f"{where}: there is no file {file}", hint="see ssh: in site.yaml")
        try:
            async with asyncio.timeout(account.connect_timeout_s):
                return await asyncssh.connect(
                    address,
                    self._ports.get(host, account.port),
                    username=account.user,
                    client_keys=[str(account.key)],
                    known_hosts=str(account.known_hosts),
                    agent_path=None,
                    config=None,
                    preferred_auth="publickey",
                    keepalive_interval=10,
                    keepalive_count_max=3,
                )
        except asyncssh.HostKeyNotVerifiable as error:
            raise AuthenticationError(
                f"{where}: its host key is not the one in {account.known_hosts}: {error}",
                hint="if the host was installed anew, replace its line there after comparing the key's fingerprint",
            ) from error
        except asyncssh.PermissionDenied as error:
            raise AuthenticationError(
                f"{where}: user {account.user} may not log in with {account.key}",
                hint="is the key of ssh: in site.yaml authorised there?",
            ) from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise AuthenticationError(f"{where}: {account.key} is not a usable key: {error}") from error
        except TimeoutError:
            raise UnreachableError(f"{where}: no answer within {account.connect_timeout_s:g} s") from None
        except (asyncssh.Error, OSError) as error:
            raise UnreachableError(f"{where}: {error}") from error

    def _link(self, host: str) -> _Link:
        try:
            return self._links[host]
        except KeyError:
            raise UnreachableError(f"'{host}' is no host of this site", hint="see hosts: in site.yaml") from None


def _open(local: Path, mode: str) -> IO[bytes]:
    """Open without a second buffer; what does not work is our side's fault."""
    try:
        return local.open(mode, buffering=0)
    except OSError as error:
        raise StorageError(f"{local}: {error}") from error


def _kill(process: asyncssh.SSHClientProcess[bytes]) -> None:
    """End what still runs; the host's ``timeout`` does it where the connection is gone."""
    try:
        process.kill()
    except (asyncssh.Error, OSError):
        return


def _name(argv: list[str]) -> str:
    """A command in one short line; scripts by their first word only."""
    line = " ".join(" ".join(argv).split())
    return f"'{line if len(line) <= 100 else line[:97] + '...'}'"  # noqa: PLR2004 - keeps the line readable


def _last(out: bytes | str) -> str:
    text = out.decode(errors="replace") if isinstance(out, bytes) else out
    return "\n".join(text.splitlines()[-LAST_LINES:])


def _bad_end(host: str, argv: list[str], status: int, output: str) -> CommandError:
    last = _last(output)
    why = f": {last.splitlines()[-1].strip()[:200]}" if last else ""
    return CommandError(f"{host}: {_name(argv)} ended with status {status}{why}", status=status, output=last)


def _too_long(host: str, argv: list[str], timeout_s: float) -> TookTooLongError:
    return TookTooLongError(f"{host}: {_name(argv)} did not end within {timeout_s:g} s and was killed")
