"""The engine of tests and rehearsals: asyncio, nothing kept. Queues mean nothing to it: all runs here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from escalator.engine.gates import Gates, refuse_in_gate
from escalator.engine.port import Call, Workflow
from escalator.engine.record import ours, plain, plain_calls
from escalator.engine.together import together
from escalator.errors import EscalatorError


class MemoryEngine:
    """Runs workflows as tasks of the present event loop. Clock and sleep can be given, for virtual time."""

    def __init__(
        self, clock: Callable[[], float] = time.time, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._workflows: dict[str, Workflow] = {}
        self._gates = Gates()

    def register(self, name: str, workflow: Workflow) -> None:
        """Make a workflow known."""
        self._workflows[name] = workflow

    async def launch(self) -> None:
        """Nothing was kept, so nothing goes on."""

    async def close(self) -> None:
        """Nothing to close."""

    async def run(self, calls: Sequence[Call], *, limit: int = 0) -> list[Any]:
        """Run calls, at most ``limit`` at once; all are waited for before a failure is raised."""
        refuse_in_gate()
        return await together([partial(self._one, call) for call in plain_calls(calls)], limit)

    async def _one(self, call: Call) -> Any:
        async with self._gates.through(call.gates):
            try:
                return plain(await self._workflows[call.workflow](call.payload))
            except EscalatorError:
                raise
            except Exception as error:
                raise ours(error) from error

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._sleep(seconds)
