"""Runs on disk: one folder per run, one run at a time driven, secrets kept out of what is written."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from escalator.errors import LockedError, NotFoundError, StorageError
from escalator.journal.events import Record
from escalator.journal.fold import View, fold
from escalator.journal.journal import verify
from escalator.journal.sqlite import SqliteJournal
from escalator.model.plan import Plan
from escalator.redaction import redact_data
from escalator.serial import from_data, to_data


@dataclass(frozen=True)
class Run:
    """One run: a plan being carried out, and its folder."""

    folder: Path
    plan: Plan

    @property
    def meter(self) -> Path:
        """Where the meter writes."""
        return self.folder / "meter"

    def journal(self) -> SqliteJournal:
        """The run's journal."""
        return SqliteJournal(self.folder / "journal.sqlite")

    def view(self) -> View:
        """Folded from the whole journal, which is proved whole first; JournalError where it is not."""
        journal = self.journal()
        try:
            records = journal.read()
        finally:
            journal.close()
        verify(records)
        return fold(records)

    def records(self) -> tuple[Record, ...]:
        """All records."""
        journal = self.journal()
        try:
            return journal.read()
        finally:
            journal.close()

    def output(self, action: str) -> Path:
        """The file that keeps an action's output."""
        folder = self.folder / "output"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', action)}.txt"


class LoggedJournal:
    """A journal that keeps secrets out, writes each record as a line of JSON too, and tells a listener."""

    def __init__(
        self, inner: SqliteJournal, log: Path, secrets: tuple[str, ...], listen: Callable[[Record], None]
    ) -> None:
        self._inner, self._log, self._secrets, self._listen = inner, log, secrets, listen

    def append(self, record: Record) -> Record:
        """Journal first, then the line: the line may be lost, the record not."""
        kept = self._inner.append(replace(record, data=redact_data(record.data, self._secrets)))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(kept.at)) + f".{int(kept.at * 1000) % 1000:03d}Z"
        data = {k: v for k, v in kept.data.items() if k != "facts"}
        line = {"time": stamp, "run": self._log.parent.name, "kind": kept.kind.value, "object": kept.subject, **data}
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=True) + "\n")
        except OSError as error:
            raise StorageError(f"the log {self._log} can't be written: {error.strerror or error}") from error
        self._listen(kept)
        return kept

    def read(self, after: int = 0) -> tuple[Record, ...]:
        """The records behind number ``after``."""
        return self._inner.read(after)


def create(state: Path, plan: Plan, campaign: str) -> Run:
    """A new run's folder; it is the current one from now on."""
    base, number = state / "runs" / plan.id, 1
    try:
        folder = base
        while folder.exists():
            number += 1
            folder = base.with_name(f"{plan.id}-{number}")
        folder.mkdir(parents=True, mode=0o700)
        (folder / "campaign.yaml").write_text(campaign, encoding="utf-8")
        beside = folder / "plan.json.new"
        beside.write_text(json.dumps(to_data(plan), indent=1), encoding="utf-8")
        beside.rename(folder / "plan.json")
        run = Run(folder, plan)
        run.journal().close()
        beside = state / "current.new"
        beside.write_text(folder.name + "\n", encoding="utf-8")
        beside.rename(state / "current")
    except OSError as error:
        raise StorageError(
            f"the run can't be written to {state}: {error.strerror or error}", hint="nothing was changed"
        ) from None
    return run


def load(state: Path, name: str = "") -> Run:
    """A run by its name, the current one by default."""
    try:
        name = name or (state / "current").read_text(encoding="utf-8").strip()
        plan = from_data(Plan, json.loads((state / "runs" / name / "plan.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        known = ", ".join(sorted(p.name for p in (state / "runs").glob("*"))) or "none"
        raise NotFoundError(f"there is no run {name or 'yet'} in {state}", hint=f"runs: {known}") from None
    except (ValueError, ValidationError, OSError) as error:
        raise StorageError(f"run {name} in {state} can't be read: {error}") from error
    return Run(state / "runs" / name, plan)


@contextmanager
def driving(state: Path) -> Iterator[None]:
    """Only one Escalator drives the runs of a state folder; LockedError for the second."""
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
                f"another Escalator (pid {file.read().strip() or '?'}) drives {state}", hint="see: escalator status"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
