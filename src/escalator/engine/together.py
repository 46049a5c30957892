"""Run coroutines together: started in order, so many at once, all waited for. Every adapter's ``run`` is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any


async def together(starts: Sequence[Callable[[], Awaitable[Any]]], limit: int) -> list[Any]:
    """Results in order; the first failure is raised once all have ended. ``limit`` 0 = all at once.

    Each starts only when it has a place, in the order of the list: so what has been started is always the list's
    beginning, which an engine that recovers relies on. Cancelled, it cancels what runs and waits for it.
    """
    places = asyncio.Semaphore(limit or len(starts) or 1)
    tasks: list[asyncio.Future[Any]] = []

    async def one(start: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await start()
        finally:
            places.release()

    try:
        for start in starts:
            await places.acquire()
            tasks.append(asyncio.ensure_future(one(start)))
        results = await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return list(results)
