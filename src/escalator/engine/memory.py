"""The engine of tests and rehearsals, and of a single run: asyncio, nothing kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from escalator.engine.port import Call, Workflow


class MemoryEngine:
    """Runs workflows as tasks of the present event loop. Clock and sleep can be given, for virtual time."""

    def __init__(
        self, clock: Callable[[], float] = time.time, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._workflows: dict[str, Workflow] = {}

    def register(self, name: str, workflow: Workflow) -> None:
        """Make a workflow known."""
        self._workflows[name] = workflow

    async def launch(self) -> None:
        """Nothing was kept, so nothing goes on."""

    async def run(self, calls: Sequence[Call], *, limit: int = 0) -> list[Any]:
        """Run calls, at most ``limit`` at once; all are waited for before a failure is raised."""
        gate = asyncio.Semaphore(limit or len(calls) or 1)

        async def one(call: Call) -> Any:
            async with gate:
                return await self._workflows[call.workflow](call.payload)

        results = await asyncio.gather(*(one(call) for call in calls), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return list(results)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._sleep(seconds)
