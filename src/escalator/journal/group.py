"""Appends of one process, grouped: all that wait when a write ends go into the next one, with a single fsync."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from escalator.errors import EscalatorError, StorageError
from escalator.journal.events import Listener, Record
from escalator.journal.store import Store, Written

PAUSE_S = 0.5


class GroupJournal:
    """The :class:`escalator.journal.journal.Journal` over a store.

    ``epoch``: the right to write, from :meth:`Store.take`; ``patience_s``: how long a database server that does not
    answer is waited for before StorageError.
    """

    def __init__(
        self, store: Store, *, epoch: int = 0, clock: Callable[[], float] = time.time, patience_s: float = 60.0
    ) -> None:
        self.store = store
        self._epoch, self._clock, self._patience_s = epoch, clock, patience_s
        self._waiting: list[tuple[Record, asyncio.Future[Record]]] = []
        self._listeners: list[Listener] = []
        self._seq = 0  # up to here the listeners know
        self._flushing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def append(self, record: Record) -> Record:
        """Write one record with all others that wait; StorageError or FencedError where it can't be kept."""
        answer: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        self._waiting.append((replace(record, at=record.at or self._clock()), answer))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await answer

    def follow(self, listener: Listener, after: int = 0) -> None:
        """Call ``listener`` with what is there behind ``after``, and with each record to come."""
        there = self.store.read(after)
        if self._listeners:  # the others have yet to hear of what is newer: it comes to all together
            there = tuple(record for record in there if record.seq <= self._seq)
        else:
            self._seq = there[-1].seq if there else after
        for record in there:
            listener(record)
        self._listeners.append(listener)

    async def refresh(self) -> None:
        """Carry in what other processes appended (a request to suspend)."""
        async with self._turn:
            self._tell(await asyncio.to_thread(self.store.read, self._seq))

    async def watch(self, every_s: float) -> None:
        """Refresh for ever; a store that does not answer is the next append's business."""
        while True:
            await asyncio.sleep(every_s)
            with suppress(StorageError):
                await self.refresh()

    async def close(self) -> None:
        """Wait for what is being written, and let the store go."""
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        self.store.close()

    async def _flush(self) -> None:
        while self._waiting:
            async with self._turn:
                batch, self._waiting = self._waiting, []
                try:
                    written = await self._write([record for record, _ in batch])
                    self._tell(written.behind)
                except EscalatorError as error:
                    for _, answer in batch:
                        if not answer.done():
                            answer.set_exception(error)
                    continue
                for (_, answer), record in zip(batch, written.own, strict=True):
                    if not answer.done():
                        answer.set_result(record)

    async def _write(self, records: list[Record]) -> Written:
        ends = time.monotonic() + (self._patience_s if self.store.may_come_back else 0.0)
        again = False
        while True:
            try:
                return await asyncio.to_thread(
                    self.store.write, records, after=self._seq, epoch=self._epoch, again=again
                )
            except StorageError:
                if time.monotonic() >= ends:
                    raise
                again = True
                await asyncio.sleep(PAUSE_S)

    def _tell(self, records: tuple[Record, ...]) -> None:
        for record in records:
            if record.seq > self._seq:
                self._seq = record.seq
                for listener in self._listeners:
                    listener(record)
