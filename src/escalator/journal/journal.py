"""The port of journals, the hash chain they share, and one in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from escalator.errors import JournalError
from escalator.journal.events import Listener, Record
from escalator.serial import digest

START = "0" * 64  # what the first record is chained to


@dataclass(frozen=True)
class Head:
    """Where a journal ends: its last record's number and chain value."""

    seq: int = 0
    chain: str = START


def chained(before: str, record: Record) -> str:
    """The chain value of ``record`` behind the chain value ``before``."""
    return digest([before, record.seq, record.at, record.kind.value, record.subject, record.data])


def linked(head: Head, latest: float, records: Sequence[Record]) -> tuple[Record, ...]:
    """Records with number, time and chain, behind ``head``. Time never runs backwards, whatever the clock says."""
    kept: list[Record] = []
    seq, chain = head.seq, head.chain
    for record in records:
        seq, latest = seq + 1, max(latest, record.at)
        numbered = replace(record, seq=seq, at=latest)
        chain = chained(chain, numbered)
        kept.append(replace(numbered, chain=chain))
    return tuple(kept)


def verify(records: tuple[Record, ...], head: Head | None = None) -> None:
    """Raise :class:`JournalError` that names the first record that is missing, altered or out of order.

    With ``head`` (what the journal says of its own end, or an anchor kept elsewhere) a tail that was cut off is named.
    """
    before = START
    for number, record in enumerate(records, start=1):
        if record.seq != number:
            raise JournalError(f"the journal is torn: record {number} is missing (found {record.seq})")
        if chained(before, record) != record.chain:
            raise JournalError(f"the journal was altered: record {number} does not fit its chain")
        before = record.chain
    if head is None:
        return
    if len(records) < head.seq:
        raise JournalError(
            f"the journal is torn: its tail behind record {len(records)} is missing ({head.seq} is last)"
        )
    if head.seq and records[head.seq - 1].chain != head.chain:
        raise JournalError(f"the journal was altered: record {head.seq} is not the one that its head names")


class Journal(Protocol):
    """Append-only. ``append`` returns only when the record would survive a crash."""

    async def append(self, record: Record) -> Record:
        """Write one record; returns it with ``at``, ``seq`` and ``chain``. StorageError where it can't be kept."""
        ...

    def follow(self, listener: Listener, after: int = 0) -> None:
        """Have ``listener`` called with each record behind ``after``, in order, once; before ``append`` returns it."""
        ...


class MemoryJournal:
    """For rehearsals and tests; ``clock`` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], records: tuple[Record, ...] = ()) -> None:
        self._clock = clock
        self._records = list(records)
        self._listeners: list[Listener] = []

    async def append(self, record: Record) -> Record:
        """Keep one record."""
        last = self._records[-1] if self._records else None
        head, latest = (Head(last.seq, last.chain), last.at) if last else (Head(), 0.0)
        (kept,) = linked(head, latest, [replace(record, at=record.at or self._clock())])
        self._records.append(kept)
        for listener in self._listeners:
            listener(kept)
        return kept

    def follow(self, listener: Listener, after: int = 0) -> None:
        """Call ``listener`` with what is there behind ``after``, and with each record to come."""
        for record in self._records[after:]:
            listener(record)
        self._listeners.append(listener)

    def read(self, after: int = 0) -> tuple[Record, ...]:
        """The records behind number ``after``, in order."""
        return tuple(self._records[after:])
