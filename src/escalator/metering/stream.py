"""Open loop: requests leave at their schedule whatever became of the earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from escalator.metering.recorder import Clock, Recorder
from escalator.metering.samples import Sample

Send = Callable[[bool], Awaitable[str | None]]  # (on a new connection?) -> reason, "" for success, None: not sent


@dataclass
class Stream:
    """One kind of request to one API, every ``interval`` seconds, at most ``outstanding`` unanswered at once."""

    api: str
    kind: str
    interval: float
    send: Send
    outstanding: int
    clock: Clock
    recorder: Recorder
    phase: float = 0.0  # share of the interval by which the first request is put off

    async def run(self) -> None:
        """Send until cancelled. A schedule that was missed (a starved meter) is not caught up with, but counted."""
        running: set[asyncio.Task[None]] = set()
        due = self.clock.now() + self.phase * self.interval
        fresh = True
        try:
            while True:
                await asyncio.sleep(due - self.clock.now())
                if len(running) < self.outstanding:
                    task = asyncio.create_task(self._one(fresh))
                    running.add(task)
                    task.add_done_callback(running.discard)
                    fresh = not fresh
                else:
                    self.recorder.miss()
                due += self.interval
                behind = int((self.clock.now() - due) / self.interval)
                if behind > 0:
                    self.recorder.miss(behind)
                    due += behind * self.interval
        finally:
            for task in running:  # unanswered at the end: neither a success nor a failure
                task.cancel()

    async def _one(self, fresh: bool) -> None:  # noqa: FBT001 - alternates
        sent = self.clock.now()
        reason = await self.send(fresh)
        if reason is not None:
            connection = "new" if fresh else "kept"
            self.recorder.add(Sample(sent, self.clock.now() - sent, self.api, self.kind, connection, reason))
