"""One driver at a time: a lock for this machine, and an epoch that makes every earlier driver's orders void.

Whoever begins to drive takes a new epoch in the journal; each append of an older one is refused there. A driver shows
by a growing beat that it lives. Whether another one does is judged by watching that beat on one's own monotonic clock:
clocks of machines, and clocks that are set back, play no part.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from escalator.errors import FencedError, LockedError, StorageError
from escalator.journal.store import Store

LEASE_S = 15.0  # without a beat for so long, a driver counts as gone
BEAT_S = 2.0


@contextmanager
def driving(state: Path) -> Iterator[int]:
    """Hold the state folder's lock, and give the least epoch of whatever is driven; LockedError for the second."""
    try:
        file = (state / "lock").open("a+")
    except OSError as error:
        raise StorageError(f"{state} can't be locked: {error.strerror or error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise LockedError(
                f"another Escalator (pid {file.read().strip() or '?'}) drives {state}",
                hint="see 'escalator status'; if it hangs: escalator takeover --why ...",
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield _next_epoch(state)


def seize(state: Path) -> None:
    """Put a new lock in the place of one whose holder hangs; that one's lock is worth nothing any more."""
    (state / "lock").unlink(missing_ok=True)


def _next_epoch(state: Path) -> int:
    """A number greater than any before in this state folder, kept before it is used."""
    path = state / "epoch"
    try:
        before = int(path.read_text(encoding="ascii")) if path.exists() else 0
        beside = path.with_name("epoch.new")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{before + 1}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} can't be kept: {error}") from error
    return before + 1


def owner() -> str:
    """How this process is named as a driver: machine and process id."""
    return f"{platform.node()}:{os.getpid()}"


class Lease:
    """The right to drive one run, shown by a beat. ``clock``: monotonic seconds."""

    def __init__(self, store: Store, epoch: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.store, self.epoch, self._clock = store, epoch, clock
        self._until = clock() + LEASE_S

    async def confirm(self) -> None:
        """Return at once while the lease lasts; ask the journal where we were held up. FencedError where it is lost."""
        if self._clock() < self._until:
            return
        await self.beat()

    async def beat(self) -> None:
        """Show that we live; FencedError where another one drives now, StorageError where it can't be told."""
        began = self._clock()
        if not await asyncio.to_thread(self.store.beat, self.epoch):
            _, other, _ = await asyncio.to_thread(self.store.holder)
            raise FencedError(f"this run was taken over by {other}: nothing more is done from here")
        self._until = began + LEASE_S

    async def keep(self) -> None:
        """Beat for ever; what fails here is met by :meth:`confirm` before the next act."""
        while True:
            await asyncio.sleep(BEAT_S)
            with suppress(FencedError, StorageError):
                await self.beat()


def is_silent(store: Store, *, watch_s: float = LEASE_S, pause_s: float = 0.5) -> bool:
    """Whether the present driver shows no beat for ``watch_s`` seconds; returns early where it does."""
    first = store.holder()
    ends = time.monotonic() + watch_s
    while time.monotonic() < ends:
        time.sleep(pause_s)
        if store.holder() != first:
            return False
    return True
