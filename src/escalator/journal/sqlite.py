"""The journal in a SQLite file: WAL and synchronous=FULL, so that a record that was appended survives the machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from escalator.errors import StorageError
from escalator.journal.events import Kind, Record
from escalator.journal.journal import START, chained
from escalator.serial import canonical

T = TypeVar("T")

_metadata = sql.MetaData()
_records = sql.Table(
    "records",
    _metadata,
    sql.Column("seq", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("subject", sql.String, nullable=False),
    sql.Column("data", sql.String, nullable=False),
    sql.Column("chain", sql.String, nullable=False),
)


class SqliteJournal:
    """A journal file. Any process may read it and append to it; each append is one transaction."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._engine = sql.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        sql.event.listen(self._engine, "connect", _prepare)
        sql.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        self._guarded(lambda: _metadata.create_all(self._engine))

    def append(self, record: Record) -> Record:
        """Write one record, durable before this returns; StorageError on a full disk or a read-only file."""

        def write() -> Record:
            with self._engine.begin() as connection:
                last = connection.execute(
                    sql.select(_records.c.seq, _records.c.chain).order_by(_records.c.seq.desc()).limit(1)
                ).first()
                seq, before = (last.seq + 1, last.chain) if last else (1, START)
                numbered = replace(record, at=record.at or self._clock(), seq=seq)
                kept = replace(numbered, chain=chained(before, numbered))
                connection.execute(
                    _records.insert().values(
                        seq=kept.seq, at=kept.at, kind=kept.kind.value, subject=kept.subject,
                        data=canonical(kept.data), chain=kept.chain,
                    )
                )  # fmt: skip
                return kept

        return self._guarded(write)

    def read(self, after: int = 0) -> tuple[Record, ...]:
        """The records behind number ``after``, in order."""

        def fetch() -> tuple[Record, ...]:
            with self._engine.begin() as connection:
                rows = connection.execute(
                    sql.select(_records).where(_records.c.seq > after).order_by(_records.c.seq)
                ).all()
            return tuple(
                Record(Kind(r.kind), r.subject, json.loads(r.data), at=r.at, seq=r.seq, chain=r.chain) for r in rows
            )

        return self._guarded(fetch)

    def close(self) -> None:
        """Let the file go."""
        self._engine.dispose()

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (SQLAlchemyError, OSError) as error:
            reason = getattr(error, "orig", None) or error
            raise StorageError(
                f"the journal {self._path} can't be used: {reason}",
                hint="nothing more is done until it can: free space or make it writable, then resume",
            ) from error


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by the listener above, and at once
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
