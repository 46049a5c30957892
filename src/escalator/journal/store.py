"""Journals in a database: SQLite in a run's folder, or PostgreSQL for several machines.

SQLite is opened with WAL and ``synchronous=FULL``, PostgreSQL with its own ``synchronous_commit``: what was written
survives the machine. One row per journal holds where it ends and the epoch of the Escalator that may write to it; each
write locks that row first, so that writers are in line and one that was taken over is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from escalator.errors import FencedError, StorageError
from escalator.journal.events import Kind, Record
from escalator.journal.journal import Head, linked
from escalator.serial import canonical

T = TypeVar("T")

STOPPED_S = 10  # PostgreSQL lets go of what a writer holds that was frozen in the middle: sooner than its lease ends

_metadata = sql.MetaData()
_records = sql.Table(
    "records",
    _metadata,
    sql.Column("run", sql.String, primary_key=True),
    sql.Column("seq", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("at", sql.Double, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("subject", sql.String, nullable=False),
    sql.Column("data", sql.String, nullable=False),
    sql.Column("chain", sql.String, nullable=False),
)
_journals = sql.Table(
    "journals",
    _metadata,
    sql.Column("run", sql.String, primary_key=True),
    sql.Column("seq", sql.BigInteger, nullable=False),
    sql.Column("chain", sql.String, nullable=False),
    sql.Column("at", sql.Double, nullable=False),
    sql.Column("epoch", sql.BigInteger, nullable=False),
    sql.Column("owner", sql.String, nullable=False),
    sql.Column("beat", sql.BigInteger, nullable=False),
)


@dataclass(frozen=True)
class Written:
    """What a write brought: ``behind``: all records behind the given one, other writers' included; ``own``: ours."""

    behind: tuple[Record, ...]
    own: tuple[Record, ...]


class Store:
    """The records of one run, in the database that ``url`` (SQLAlchemy's form) names."""

    def __init__(self, url: str, run: str = "run") -> None:
        self._run = run
        self.where = sql.make_url(url).render_as_string(hide_password=True)
        self._is_file = url.startswith("sqlite")
        if self._is_file:
            self._engine = sql.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
            sql.event.listen(self._engine, "connect", _prepare)
            sql.event.listen(self._engine, "begin", _begin)
        else:
            options = f"-c idle_in_transaction_session_timeout={STOPPED_S * 1000}"
            arguments = {"connect_timeout": 10, "options": options}
            self._engine = sql.create_engine(url, pool_pre_ping=True, connect_args=arguments)
        self._writer = self._engine.execution_options(writes=True)
        self._guarded(self._make)

    @classmethod
    def in_file(cls, path: Path) -> Store:
        """The store of a run's own SQLite file."""
        return cls(f"sqlite:///{path}")

    @property
    def may_come_back(self) -> bool:
        """Whether a failure may be over in a moment: a database server is started again, a full disk is not."""
        return not self._is_file

    def write(self, records: Sequence[Record], *, after: int = 0, epoch: int = 0, again: bool = False) -> Written:
        """Append all or none, durable before this returns.

        A call whose answer was lost is repeated with ``again``: what it wrote behind ``after`` is found, not written
        twice. FencedError where
        ``epoch`` (0 = a person's request, never refused) is not the one that may write; StorageError on a full disk, a
        read-only file, a server that does not answer.
        """

        def work() -> Written:
            with self._writer.begin() as connection:
                row = connection.execute(_mine(self._run)).one()
                if epoch and row.epoch != epoch:
                    raise FencedError(
                        f"run {self._run} was taken over: driven by {row.owner} (epoch {row.epoch}, ours {epoch})",
                        hint="see 'escalator journal'; to go on from here: escalator takeover --why ...",
                    )
                others = _read(connection, self._run, after) if row.seq > after else ()
                found = _position(records, others) if again else None
                if found is not None:
                    return Written(others, others[found : found + len(records)])
                kept = linked(Head(row.seq, row.chain), row.at, records)
                if kept:
                    connection.execute(_records.insert(), [_row(self._run, record) for record in kept])
                    last = kept[-1]
                    connection.execute(
                        _journals.update().where(_journals.c.run == self._run)
                        .values(seq=last.seq, chain=last.chain, at=last.at)
                    )  # fmt: skip
                return Written((*others, *kept), kept)

        return self._guarded(work)

    def read(self, after: int = 0) -> tuple[Record, ...]:
        """The records behind number ``after``, in order."""

        def work() -> tuple[Record, ...]:
            with self._engine.connect() as connection:
                return _read(connection, self._run, after)

        return self._guarded(work)

    def head(self) -> Head:
        """Where the journal says that it ends."""

        def work() -> Head:
            with self._engine.connect() as connection:
                row = connection.execute(_mine(self._run, lock=False)).one()
                return Head(row.seq, row.chain)

        return self._guarded(work)

    def take(self, owner: str, *, least: int = 1) -> int:
        """Make ``owner`` the one that may write; returns its epoch, newer than any before and at least ``least``."""

        def work() -> int:
            with self._writer.begin() as connection:
                row = connection.execute(_mine(self._run)).one()
                epoch = max(int(row.epoch) + 1, least)
                connection.execute(
                    _journals.update().where(_journals.c.run == self._run).values(epoch=epoch, owner=owner, beat=0)
                )
                return epoch

        return self._guarded(work)

    def beat(self, epoch: int) -> bool:
        """Show that the holder of ``epoch`` lives; False where another one holds the run now."""

        def work() -> bool:
            with self._writer.begin() as connection:
                mine = (_journals.c.run == self._run) & (_journals.c.epoch == epoch)
                done = connection.execute(_journals.update().where(mine).values(beat=_journals.c.beat + 1))
                return done.rowcount == 1

        return self._guarded(work)

    def holder(self) -> tuple[int, str, int]:
        """Epoch, owner and beat of the one that may write now (0, "", 0 where nobody ever did)."""

        def work() -> tuple[int, str, int]:
            with self._engine.connect() as connection:
                row = connection.execute(_mine(self._run, lock=False)).one()
                return int(row.epoch), str(row.owner), int(row.beat)

        return self._guarded(work)

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def _make(self) -> None:
        with self._engine.connect() as connection:
            there = sql.inspect(connection).has_table(_journals.name)
            if there and connection.execute(_mine(self._run, lock=False)).first() is not None:
                return  # so that what can't be written to can still be read
        with self._writer.begin() as connection:
            _metadata.create_all(connection)
            first = Head()
            connection.execute(
                _journals.insert().values(
                    run=self._run, seq=first.seq, chain=first.chain, at=0.0, epoch=0, owner="", beat=0
                )
            )

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (SQLAlchemyError, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).strip()
            hint = "nothing more is done until it can: free space or make it writable, then 'escalator resume'"
            if "database is locked" in reason:  # SQLite lets go of it only when that process ends
                hint = "a process hangs in the middle of a write: end it ('escalator journal' says who drives)"
            raise StorageError(f"the journal {self.where} can't be used: {reason}", hint=hint) from error


def _mine(run: str, *, lock: bool = True) -> sql.Select[Any]:
    query = sql.select(_journals).where(_journals.c.run == run)
    return query.with_for_update() if lock else query


def _read(connection: sql.Connection, run: str, after: int) -> tuple[Record, ...]:
    rows = connection.execute(
        sql.select(_records).where(_records.c.run == run, _records.c.seq > after).order_by(_records.c.seq)
    )
    return tuple(Record(Kind(r.kind), r.subject, json.loads(r.data), at=r.at, seq=r.seq, chain=r.chain) for r in rows)


def _row(run: str, record: Record) -> dict[str, Any]:
    return {
        "run": run, "seq": record.seq, "at": record.at, "kind": record.kind.value, "subject": record.subject,
        "data": canonical(record.data), "chain": record.chain,
    }  # fmt: skip


def _position(mine: Sequence[Record], others: Sequence[Record]) -> int | None:
    """Where ``mine`` stand among ``others`` already: an answer was lost, and the write is repeated."""
    wanted = [(r.kind, r.subject, canonical(r.data)) for r in mine[:1]]
    for position, other in enumerate(others):
        if wanted == [(other.kind, other.subject, canonical(other.data))]:
            return position
    return None


def _begin(connection: sql.Connection) -> None:
    """Take the file's write lock at once where something will be written; a reader never waits for it."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by the listener above
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
