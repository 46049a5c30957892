"""A schema change while no request is under way: MariaDB fails a transaction that meets a table altered since it began.

Seen while neutron 2026.1's expand altered ``tags`` under load: error 1412, "Table definition has changed, please retry
transaction", which no service retries. So the tool is started first and waits at a lock on its own table of versions,
its seconds of start-up over; then new requests are held at the load balancer, those under way end, the lock goes, and
the tool does in tenths of a second what it came for. Requests are slower by that; none fails. Every part lets go by
itself, should we be killed in between: the balancer after its longest time, the lock after its own. A resumed Escalator
takes over a lock that was left, with the tool that waits at it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from escalator.actions.verbs import Context
from escalator.errors import EscalatorError, SiteTimeoutError, StateError
from escalator.sites.protocol import CommandResult

VERSIONS = "alembic_version"  # which version a schema has, in all components that use Alembic
LOCK_S = 120  # the longest that the lock stays by itself
BEGIN_S = 90.0  # the tool's start-up: imports, connecting
LOCKED_S = 10.0  # until the lock is there
SETTLE_S = 0.3  # what was under way ends
MARGIN_S = 0.5  # the balancer is let go before it lets go by itself
PAUSE_S = 0.1


@dataclass(frozen=True)
class _Lock:
    """A session of the database that holds a schema's table of versions; one that was left is as good."""

    context: Context
    schema: str

    async def take(self) -> None:
        """Return when it is held; SiteError where it can't be."""
        if await self._is_held():
            return
        mark = f"{self._prefix}{secrets.token_hex(6)}"  # what the session is found by
        text = f"LOCK TABLES `{self.schema}`.{VERSIONS} WRITE; DO SLEEP({LOCK_S} + 0 * LENGTH('{mark}'))"
        argv = ["systemd-run", "--quiet", "--collect", f"--unit={mark}", f"--property=RuntimeMaxSec={LOCK_S}"]
        await self.context.site.shell.run(self._host, [*argv, "mariadb", "-e", text], timeout_s=30)
        await _until(self.context, self._is_held, LOCKED_S)

    async def is_waited_for(self) -> bool:
        """Whether the tool has come so far that it asks for its version."""
        return await self._any(f"db = '{self.schema}' AND state LIKE 'Waiting for table metadata lock%'")

    async def release(self) -> None:
        """End the session; nothing is said where it has ended."""
        mine = f"{self._is_mine} AND id <> CONNECTION_ID()"
        for number in (await self._ask(f"SELECT id FROM information_schema.processlist WHERE {mine}")).split():  # noqa: S608 - names of ours
            await self._ask(f"KILL {int(number)}", check=False)

    async def _is_held(self) -> bool:
        return await self._any(self._is_mine)

    @property
    def _prefix(self) -> str:
        return f"escalator-hold-{self.schema}-"

    @property
    def _is_mine(self) -> str:
        return f"info LIKE 'DO SLEEP%{self._prefix}%'"

    @property
    def _host(self) -> str:
        return str(self.context.site.config.databases.host)

    async def _any(self, where: str) -> bool:
        text = f"SELECT COUNT(*) FROM information_schema.processlist WHERE {where} AND id <> CONNECTION_ID()"  # noqa: S608
        return (await self._ask(text)).strip() not in ("", "0")

    async def _ask(self, text: str, *, check: bool = True) -> str:
        argv = ["mariadb", "--batch", "--skip-column-names"]
        return (await self.context.site.shell.run(self._host, argv, timeout_s=30, stdin=text, check=check)).output


async def _until(context: Context, holds: Callable[[], Awaitable[bool]], longest_s: float) -> None:
    end = context.now() + longest_s
    while not await holds():
        if context.now() > end:
            raise SiteTimeoutError(f"no lock within {longest_s:g} s")
        await context.sleep(PAUSE_S)


async def while_held(context: Context, schema: str, work: Callable[[], Awaitable[CommandResult]]) -> str:
    """Do the work so that it changes the schema while requests are held; returns how that went, in a few words.

    ``schema`` "" and ``hold_s`` 0 of the site's load balancer mean: not held. Where holding itself fails the work is
    done all the same, and the answer says so. Raises what the work raises.
    """
    longest_s = float(context.site.config.load_balancer.hold_s) if schema else 0.0
    if not longest_s:
        await work()
        return ""
    lock = _Lock(context, schema)
    try:
        await lock.take()
    except StateError:
        raise
    except EscalatorError as error:
        await _quietly(lock.release)
        await work()
        return f"requests were not held: {error.text}"
    task = asyncio.ensure_future(work())
    try:
        said = await _release_at_the_moment(context, lock, task, longest_s)
        await _quietly(lock.release)  # held or not, the work goes on
        await task
    finally:
        await _quietly(lock.release)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    return said


async def let_go(context: Context, schema: str) -> None:
    """End a lock that a killed Escalator left; ``schema`` "": there is none."""
    if schema and context.site.config.load_balancer.hold_s:
        await _quietly(_Lock(context, schema).release)


async def _release_at_the_moment(
    context: Context, lock: _Lock, task: asyncio.Future[CommandResult], longest_s: float
) -> str:
    """Wait for the tool to ask for its version, hold requests, and let it have it."""
    end = context.now() + BEGIN_S
    while not task.done() and not await lock.is_waited_for():
        if context.now() > end:
            return "requests were not held: the tool did not ask for its version"
        await context.sleep(PAUSE_S)
    if task.done():
        return ""
    began = context.now()
    try:
        await context.site.balancer.hold(longest_s)
        await context.sleep(SETTLE_S)
        await lock.release()
        await asyncio.wait([task], timeout=longest_s - SETTLE_S - MARGIN_S)
    except StateError:
        raise
    except EscalatorError as error:
        return f"requests were not held: {error.text}"
    finally:
        await _quietly(context.site.balancer.release)
    return f"requests were held for {context.now() - began:.1f} s"


async def _quietly(act: Callable[[], Awaitable[None]]) -> None:
    """Let go, at once and whatever comes: it lets go by itself, too."""
    try:
        await act()
    except StateError:
        raise
    except EscalatorError:
        return
