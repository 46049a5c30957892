"""What prepared tests reach from where Escalator runs: commands of the operator's, and URLs.

A command gets a session and process group of its own. When it ends, or its time is over, nothing of the group is left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from escalator.errors import CommandError, SiteTimeoutError, UnreachableError
from escalator.sites.protocol import Answer, CommandResult

CHUNK = 64 * 1024
KEPT = 1024 * 1024  # bytes of output that are handed on; a command that says more is read to its end all the same
TAIL = 4000  # characters of output that an answer holds
POLITE_S = 2.0  # between SIGTERM and SIGKILL of a command that took too long
DRAIN_S = 1.0  # for what the group wrote last; who left the group may hold the pipe open for ever
BODY = 4 * 1024 * 1024  # bytes of an answer that are read


class OperatorSide:
    """The :class:`escalator.sites.protocol.OperatorSide` of this machine."""

    async def command(
        self, argv: list[str], *, folder: Path, env: dict[str, str], timeout_s: float, heard: Callable[[str], None]
    ) -> CommandResult:
        """Run a command here; see the protocol."""
        began = time.monotonic()
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=folder, env={**os.environ, **env}, stdin=asyncio.subprocess.DEVNULL, stdout=writing,
                stderr=writing, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            os.close(reading)
            raise CommandError(f"'{argv[0]}' can't be started in {folder}: {error}") from error
        finally:
            os.close(writing)
        output = _Output(heard)
        ear = asyncio.create_task(output.read(reading))
        try:
            async with asyncio.timeout(timeout_s):
                status = await process.wait()
        except TimeoutError:
            _signal(process.pid, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), POLITE_S)
            raise SiteTimeoutError(
                f"'{' '.join(argv)}' was not done within {timeout_s:g} s; it and what it started was ended"
            ) from None
        finally:
            _signal(process.pid, signal.SIGKILL)
            await asyncio.wait((ear,), timeout=DRAIN_S)
            ear.cancel()
            output.end()
        return CommandResult(status, output.tail, time.monotonic() - began)

    async def get(self, url: str, *, timeout_s: float) -> Answer:
        """Ask a URL; see the protocol."""
        try:
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False) as client,
                client.stream("GET", url) as answer,
            ):
                body = b""
                async for chunk in answer.aiter_bytes(CHUNK):
                    body += chunk
                    if len(body) >= BODY:
                        break
                return Answer(answer.status_code, body[:BODY].decode(answer.encoding or "utf-8", errors="replace"))
        except (TimeoutError, httpx.TimeoutException):
            raise SiteTimeoutError(f"{url}: no answer within {timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, LookupError) as error:
            raise UnreachableError(f"{url}: {str(error) or type(error).__name__}") from error


class _Output:
    """What a command says, handed on in whole lines, so that a secret is not cut in two before it is looked for."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._rest = b""
        self._total = 0
        self.tail = ""

    async def read(self, pipe: int) -> None:
        """Read until the last one that holds the other end is gone."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", 0)
        )
        try:
            while chunk := await reader.read(CHUNK):
                whole, newline, self._rest = (self._rest + chunk).rpartition(b"\n")
                if not newline and len(self._rest) > CHUNK:
                    whole, self._rest = self._rest, b""
                self._hand_on(whole + newline)
        finally:
            transport.close()

    def end(self) -> None:
        """Hand on what ended without a new line."""
        whole, self._rest = self._rest, b""
        self._hand_on(whole)

    def _hand_on(self, lines: bytes) -> None:
        if not lines:
            return
        text = lines.decode(errors="replace")
        self.tail = (self.tail + text)[-TAIL:]
        if self._total < KEPT:
            self._heard(text)
            self._total += len(lines)
            if self._total >= KEPT:
                self._heard(f"\n[more than {KEPT >> 10} KiB: the rest is left out]\n")


def _signal(group: int, what: signal.Signals) -> None:
    """To all of a command's process group; who is gone already needs none."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, what)
