"""Points at which a life may end: before and after each record is durable, around each call that leaves the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event

from escalator.journal.events import Kind, Listener, Record
from escalator.journal.journal import Journal

T = TypeVar("T")
INSIDE_S = 0.02  # a call is under way by then: its command has begun, or its question was sent
STOPS_WITHIN_S = 0.1  # the kernel tells a process's threads one after the other; this one must not run ahead
WATCHED = ("os.rename", "os.mkdir", "os.remove", "open", "shutil.rmtree")


@dataclass
class _Where:
    """An action, how often each kind of call was made in it, and changes of files.

    Calls are counted by kind, as an action makes some side by side, now this one first and now that one.
    """

    action: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    files: int = 0


_where: ContextVar[_Where] = ContextVar("where")


def at_action(name: str) -> None:
    """From here on this task's calls are those of an action."""
    _where.set(_Where(name))


class Points:
    """Counts the points that a life reaches, and ends it at one of ``names``, or at the ``at``-th.

    ``freeze``: the point at which it stops, once, until somebody continues it.

    ``seen``: a file that gets the name of each point. Commits of the databases have no names that are the same in two
    runs, so they are counted only (``commits``).
    """

    def __init__(
        self, *, names: frozenset[str] = frozenset(), at: int = 0, seen: Path | None = None, killed: Path,
        freeze: str = "",
    ) -> None:  # fmt: skip
        self._freeze = freeze
        self._names, self._at, self._seen, self._killed = names, at, seen, killed
        self.count = 0
        self._lock = threading.Lock()

    def wants(self, name: str) -> bool:
        return name in self._names

    def reach(self, name: str) -> None:
        with self._lock:
            self.count += 1
            if self._seen is not None:
                _append(self._seen, name)
            if self.count == self._at or name in self._names:
                _append(self._killed, name)
                os.kill(os.getpid(), signal.SIGKILL)
        if name == self._freeze:
            self._freeze = ""
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(STOPS_WITHIN_S)

    async def around(self, what: str, call: Callable[[], Awaitable[T]], slow: Path | None = None) -> T:
        """One call that leaves the process: before it is sent, under way, and done with its answer unused."""
        where = _where.get(_Where())
        where.calls[what] += 1
        mine = f"{where.action} call "
        name = f"{mine}{what} {where.calls[what]}"
        self.reach(f"{name}: before")
        if slow is not None and what == "order begin" and any(n.startswith(mine) for n in self._names):
            slow.write_text("0.6")  # it outlives us, and the start of the next life
        return await self._inside(name, call, slow)

    async def _inside(self, name: str, call: Callable[[], Awaitable[T]], slow: Path | None) -> T:
        import asyncio  # noqa: PLC0415

        inside = f"{name}: inside"
        if self._seen is not None:
            _append(self._seen, inside)
        if not self.wants(inside):
            answer = await call()
            self.reach(f"{name}: after")
            return answer
        if slow is not None:
            slow.write_text("0.3")
        under_way = asyncio.ensure_future(call())
        await asyncio.wait([under_way], timeout=INSIDE_S)
        self.reach(inside)
        raise AssertionError(inside)

    def watch_files(self, *folders: str) -> None:
        """Each change of a file below one of ``folders`` is a point; it is reached just before."""

        def heard(what: str, args: tuple[Any, ...]) -> None:
            if what in WATCHED and any(f in str(args[0]) for f in folders) and not (what == "open" and _reads(args)):
                where = _where.get(_Where())
                where.files += 1
                self.reach(f"{where.action} file {where.files} {what}")

        sys.addaudithook(heard)

    def watch_commits(self) -> None:
        """Each commit of a database is a point, just before it: journal and engine."""
        event.listen(Engine, "commit", lambda _: self.reach("commit"))

    def watch_write(self, subject: str) -> None:
        """That a record of ``subject`` is in the journal's database, and not committed yet, is a point: "write"."""

        def heard(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if statement.startswith("INSERT INTO records") and subject in str(parameters):
                self.reach("write")

        event.listen(Engine, "after_cursor_execute", heard)


def _reads(args: tuple[Any, ...]) -> bool:
    return not isinstance(args[2], int) or not args[2] & (os.O_WRONLY | os.O_RDWR)


def _append(path: Path, line: str) -> None:
    there = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(there, f"{line}\n".encode())
    os.close(there)


class KillableJournal:
    """A journal whose process may end before each record is durable, and after."""

    def __init__(self, inner: Journal, points: Points) -> None:
        self._inner, self._points = inner, points

    async def append(self, record: Record) -> Record:
        name = f"record {_name(record)}"
        self._points.reach(f"{name}: before")
        kept = await self._inner.append(record)
        self._points.reach(f"{name}: after")
        return kept

    def follow(self, listener: Listener, after: int = 0) -> None:
        self._inner.follow(listener, after)


def _name(record: Record) -> str:
    keys = ("event", "verb", "result", "what", "gate") if record.kind is not Kind.PROGRESS else ()
    said = [str(record.data[key]) for key in keys if key in record.data]
    return " ".join([record.kind.value, record.subject, *said])
