"""Work of an executor that is gone goes on elsewhere: the fail-over of several workers on one PostgreSQL.

Who is gone is for the caller to say (leases stand in the journal). What is moved is fenced twice: the store takes no
record from an execution that lost its workflow, and hosts take no order of an older fence epoch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sql

from escalator.engine.database import open_database

_LOCK = 0x45_53_43_31  # "ESC1": the advisory lock of PostgreSQL under which work is moved
EVERY_S = 2.0


@dataclass(frozen=True)
class Taken:
    """Work that was taken from an executor, by the ids of its calls, and the queue on which it goes on."""

    executor_id: str
    queue: str
    ids: tuple[str, ...]


def recover(database: sql.Engine, executor_id: str, version: str) -> tuple[str, ...]:
    """Put an executor's own pending work on its own queue, before it starts; returns the ids.

    DBOS would put it on a queue that all workers of the database serve, and so move it to another site's worker.
    """
    from escalator.engine import transact  # noqa: PLC0415 - see durable.py

    transact.migrate(database)
    with _alone(database):
        return transact.move(transact.client(database), executor_id, version, transact.home_of(executor_id))


@dataclass(frozen=True)
class Watchdog:
    """Looks for executors that are gone, and moves their work.

    ``dead``: which executors are gone now. ``queue_of``: the queue of an executor's site, that another worker serves.
    """

    url: str
    version: str
    dead: Callable[[], Iterable[str]]
    queue_of: Callable[[str], str]

    async def watch(self, every_s: float = EVERY_S, told: Callable[[Taken], None] = lambda _: None) -> None:
        """Look again and again until cancelled; ``told`` hears of each take-over."""
        database = await asyncio.to_thread(open_database, self.url)
        try:
            while True:
                for taken in await asyncio.to_thread(self.look, database):
                    told(taken)
                await asyncio.sleep(every_s)
        finally:
            database.dispose()

    def look(self, database: sql.Engine) -> tuple[Taken, ...]:
        """One look; moves what it finds. Safe beside other watchdogs and beside a launch of the executor itself."""
        from escalator.engine import transact  # noqa: PLC0415 - see durable.py

        found: list[Taken] = []
        for executor_id in self.dead():
            queue = self.queue_of(executor_id)
            with _alone(database):
                ids = transact.move(transact.client(database), executor_id, self.version, queue)
            if ids:
                found.append(Taken(executor_id, queue, ids))
        return tuple(found)


@contextmanager
def _alone(database: sql.Engine) -> Iterator[None]:
    """Two that move the same work at once would make it run twice at once: one list and its move are one act.

    SQLite has one process, so there is nobody else.
    """
    if database.dialect.name != "postgresql":
        yield
        return
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
