"""The port of journals, the hash chain they share, and one in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from escalator.errors import JournalError
from escalator.journal.events import Record
from escalator.serial import digest

START = "0" * 64  # what the first record is chained to


def chained(before: str, record: Record) -> str:
    """The chain value of ``record`` behind the chain value ``before``."""
    return digest([before, record.seq, record.at, record.kind.value, record.subject, record.data])


def verify(records: tuple[Record, ...]) -> None:
    """Raise :class:`JournalError` that names the first record that is missing, altered or out of order."""
    before = START
    for number, record in enumerate(records, start=1):
        if record.seq != number:
            raise JournalError(f"the journal is torn: record {number} is missing (found {record.seq})")
        if chained(before, record) != record.chain:
            raise JournalError(f"the journal was altered: record {number} does not fit its chain")
        before = record.chain


class Journal(Protocol):
    """Append-only. ``append`` returns only when the record would survive a crash."""

    def append(self, record: Record) -> Record:
        """Write one record; returns it with ``at``, ``seq`` and ``chain``. StorageError where it can't be kept."""
        ...

    def read(self, after: int = 0) -> tuple[Record, ...]:
        """The records behind number ``after``, in order."""
        ...


class MemoryJournal:
    """For rehearsals and tests; ``clock`` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], records: tuple[Record, ...] = ()) -> None:
        self._clock = clock
        self._records = list(records)

    def append(self, record: Record) -> Record:
        """Keep one record."""
        before = self._records[-1].chain if self._records else START
        numbered = replace(record, at=record.at or self._clock(), seq=len(self._records) + 1)
        kept = replace(numbered, chain=chained(before, numbered))
        self._records.append(kept)
        return kept

    def read(self, after: int = 0) -> tuple[Record, ...]:
        """The records behind number ``after``, in order."""
        return tuple(self._records[after:])
