"""A site's adapters to the sandbox: commands are real processes that outlive us, the cloud is a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chaos.points import Points
from escalator.errors import CommandError, SiteError, SiteTimeoutError, UnreachableError
from escalator.sites.backups import SCRATCH
from escalator.sites.fence import Fence
from escalator.sites.operator_side import OperatorSide
from escalator.sites.protocol import Answer, BalancerServer, CommandResult

ROOTS = ("/opt/openstack", "/var/lib/escalator")  # a host's own: its folder stands before them, as chroot would have it


@dataclass(frozen=True)
class _Command:
    """What is run: its words, input and environment; where its output goes."""

    argv: list[str]
    timeout_s: float
    out: Path
    stdin: str = ""
    env: dict[str, str] = field(default_factory=dict)


class SandboxShell:
    """Commands on sandbox hosts: a folder each, its ``bin`` first on PATH.

    A command has a session of its own and writes to a file: like one behind a connection that breaks, it goes on to its
    end when we are killed. It passes the host's fence where the real shell has it pass.
    """

    def __init__(self, world: Path, points: Points, fence: Fence) -> None:
        self._world, self._points, self._fence = world, points, fence
        self._shown: set[str] = set()

    async def run(
        self, host: str, argv: list[str], *, timeout_s: float, check: bool = True, stdin: str | None = None,
        env: dict[str, str] | None = None, fenced: bool = True,
    ) -> CommandResult:  # fmt: skip
        out = self._scratch("out")
        command = _Command(argv, timeout_s, out, stdin or "", env or {})
        try:
            status, took = await self._points.around(
                _what(argv, stdin), lambda: self._passed(host, command, fenced=fenced), self._world / "slow"
            )
            text = out.read_bytes().decode(errors="replace")
        finally:
            out.unlink(missing_ok=True)
        if check and status:
            raise CommandError(f"{host}: '{argv[0]}' ended with {status}: {text[-200:]}", status=status, output=text)
        return CommandResult(status, text, took)

    async def script(self, host: str, text: str, *args: str, timeout_s: float, check: bool = True) -> CommandResult:
        return await self.run(host, ["sh", "-c", text, "escalator", *args], timeout_s=timeout_s, check=check)

    async def put(self, host: str, local: Path, remote: str, *, mode: int = 0o600, timeout_s: float) -> None:
        beside = f"{remote}.{uuid.uuid4().hex[:8]}.part"
        text = 'cp "$1" "$2" && chmod "$3" "$2" && mv -fT "$2" "$4"'
        await self.script(host, text, str(local), beside, f"{mode:o}", remote, timeout_s=timeout_s)

    async def get(self, host: str, remote: str, local: Path, *, timeout_s: float) -> None:
        await self.stream(host, ["cat", "--", remote], local, timeout_s=timeout_s)

    async def stream(self, host: str, argv: list[str], local: Path, *, timeout_s: float) -> None:
        command = _Command(argv, timeout_s, local)
        status, _ = await self._points.around(_what(argv), lambda: self._passed(host, command, fenced=False))
        if status:
            raise CommandError(f"{host}: '{argv[0]}' ended with status {status}", status=status)

    async def close(self) -> None:
        """There is no connection."""

    async def _passed(self, host: str, command: _Command, *, fenced: bool) -> tuple[int, float]:
        """Exit status and seconds; what changes something, and the first command to a host, passes its fence."""
        if not fenced and host in self._shown:
            return await self._start(host, command)
        words = self._fence.around(command.argv, timeout_s=command.timeout_s)
        status, took = await self._start(host, replace(command, argv=words))
        self._fence.judge(host, status, command.out.read_bytes().decode(errors="replace"))
        self._shown.add(host)
        return status, took

    async def _start(self, host: str, command: _Command) -> tuple[int, float]:
        top = self._world / "hosts" / host
        given = self._scratch("in")
        given.write_text(_below(top, command.stdin))
        began = time.monotonic()
        try:
            with command.out.open("wb") as writing, given.open("rb") as reading:
                process = await asyncio.create_subprocess_exec(
                    *(_below(top, word) for word in command.argv), cwd=top, stdin=reading, stdout=writing,
                    stderr=writing, start_new_session=True,
                    env={"PATH": f"{top / 'bin'}:/usr/bin:/bin", "LANG": "C.UTF-8", **command.env},
                )  # fmt: skip
            async with asyncio.timeout(command.timeout_s):
                status = await process.wait()
        except FileNotFoundError:
            return 127, 0.0
        except TimeoutError:
            os.killpg(process.pid, 9)
            raise SiteTimeoutError(f"{host}: '{command.argv[0]}' did not end in {command.timeout_s:g} s") from None
        finally:
            given.unlink(missing_ok=True)
        return (128 - status if status < 0 else status), time.monotonic() - began

    def _scratch(self, kind: str) -> Path:
        return self._world / "scratch" / f"{kind}-{uuid.uuid4().hex}"


def _below(top: Path, text: str) -> str:
    for root in ROOTS:
        text = text.replace(root, f"{top}{root}")
    return text


def _what(argv: list[str], stdin: str | None = None) -> str:
    """A command in a word or three, the same in every run."""
    if argv[0] in ("sh", "python3"):
        verb = re.search(r'"order": \{"verb": "(\w+)"', stdin or "")
        return f"order {verb.group(1)}" if verb else argv[0]
    words = [word.rsplit("/", 1)[-1] for word in argv if not word.startswith("-") and SCRATCH not in word]
    return " ".join(words[:3])


async def ask(world: Path, verb: str, **args: Any) -> Any:
    """One question to the sandbox's cloud; UnreachableError where it does not answer, SiteError where it refuses."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(world / "cloud.socket"))
        try:
            writer.write(json.dumps({"verb": verb, "args": args}).encode() + b"\n")
            answer = json.loads(await reader.readline())
        finally:
            writer.close()
    except (OSError, ValueError) as error:
        raise UnreachableError(f"the cloud does not answer {verb}: {error}") from error
    if "refused" in answer:
        raise SiteError(answer["refused"])
    return answer["value"]


class SandboxBalancer:
    def __init__(self, world: Path, points: Points) -> None:
        self._world, self._points = world, points

    async def servers(self) -> tuple[BalancerServer, ...]:
        rows = await self._points.around("balancer servers", lambda: ask(self._world, "balancer"))
        return tuple(BalancerServer(**row) for row in rows)

    async def set_state(self, backend: str, server: str, state: str) -> None:
        await self._points.around(
            f"balancer {backend}/{server} {state}",
            lambda: ask(self._world, "set_balancer", backend=backend, server=server, state=state),
        )

    async def hold(self, longest_s: float) -> None:
        await self._points.around("balancer hold", lambda: ask(self._world, "hold", longest_s=longest_s))

    async def release(self) -> None:
        await self._points.around("balancer release", lambda: ask(self._world, "release"))


class SandboxCloud:
    def __init__(self, world: Path, points: Points) -> None:
        self._world, self._points = world, points

    async def call(self, verb: str, **args: Any) -> Any:
        return await self._points.around(f"cloud {verb}", lambda: ask(self._world, verb, **args))

    async def functional_probe(self, service: str, *, timeout_s: float) -> dict[str, Any]:
        found: dict[str, Any] = await self._points.around(
            f"probe {service}", lambda: ask(self._world, "probe", service=service)
        )
        return found


class SandboxOperator:
    """The real adapter, with points around its calls."""

    def __init__(self, points: Points) -> None:
        self._inner, self._points = OperatorSide(), points

    async def command(
        self, argv: list[str], *, folder: Path, env: dict[str, str], timeout_s: float, heard: Callable[[str], None]
    ) -> CommandResult:
        return await self._points.around(
            "test", lambda: self._inner.command(argv, folder=folder, env=env, timeout_s=timeout_s, heard=heard)
        )

    async def get(self, url: str, *, timeout_s: float) -> Answer:
        return await self._points.around("get", lambda: self._inner.get(url, timeout_s=timeout_s))
