"""The database of the durable engine, by its URL: a SQLite file, or PostgreSQL through psycopg."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from escalator.errors import InputError, StorageError

SQLITE_CONNECTIONS = 2  # one writes, one reads: more would only wait for the file's one lock, by sleeping
POSTGRESQL_CONNECTIONS = 20  # as many commits share one fsync of the server


def open_database(url: str) -> sql.Engine:
    """An engine whose commits are on the disk when they return; nothing is kept anywhere but where ``url`` says.

    InputError for another kind of URL, StorageError where the database can't be reached. No error shows a password.
    """
    try:
        parsed = sql.make_url(url)
    except SQLAlchemyError:
        raise InputError("the engine's database URL can't be read", hint=_HINT) from None
    if parsed.drivername == "sqlite" and parsed.database:
        engine = _sqlite(parsed)
    elif parsed.drivername == "postgresql+psycopg" and parsed.database:
        engine = _postgresql(parsed)
    else:
        raise InputError(f"{parsed.render_as_string(hide_password=True)}: no database for the engine", hint=_HINT)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError as error:
        engine.dispose()
        where = parsed.render_as_string(hide_password=True)
        raise StorageError(f"{where}: can't be used: {getattr(error, 'orig', None) or error}") from error
    return engine


_HINT = "sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE"


def _sqlite(url: sql.URL) -> sql.Engine:
    engine = sql.create_engine(url, pool_size=SQLITE_CONNECTIONS, max_overflow=0)
    sql.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = "IMMEDIATE"  # a writer takes the lock at once, instead of failing half-way
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _postgresql(url: sql.URL) -> sql.Engine:
    # a worker that was frozen in the middle of a transaction must not hold up who takes over when its lease has ended
    options = "-c synchronous_commit=on -c idle_in_transaction_session_timeout=10000"
    engine = sql.create_engine(
        url, pool_size=POSTGRESQL_CONNECTIONS, max_overflow=0, pool_pre_ping=True,
        connect_args={"application_name": "escalator", "connect_timeout": 10, "options": options},
    )  # fmt: skip
    sql.event.listen(engine, "handle_error", _wait_for_the_server)
    return engine


def _wait_for_the_server(context: Any) -> None:
    """A connection that can't be made counts as lost: DBOS waits for lost ones, but knows some texts only."""
    if context.connection is None and isinstance(context.original_exception, context.dialect.loaded_dbapi.Error):
        context.is_disconnect = True
