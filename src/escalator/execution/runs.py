"""Runs on disk: one folder per run, one run at a time driven, secrets kept out of what is written."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from escalator.errors import NotFoundError, StorageError
from escalator.journal.events import Listener, Record
from escalator.journal.fold import View, fold
from escalator.journal.group import GroupJournal
from escalator.journal.journal import verify
from escalator.journal.store import Store
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

    def store(self) -> Store:
        """Where the run's journal is kept."""
        return Store.in_file(self.folder / "journal.sqlite")

    def view(self) -> View:
        """Folded from the whole journal, which is proved whole first; JournalError where it is not."""
        return fold(self.records())

    def records(self) -> tuple[Record, ...]:
        """All records, proved whole; JournalError where they are not."""
        store = self.store()
        try:
            head, records = store.head(), store.read()  # in this order: a record that comes meanwhile is no tear
        finally:
            store.close()
        verify(records, head)
        return records

    def output(self, action: str) -> Path:
        """The file that keeps an action's output."""
        folder = self.folder / "output"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', action)}.txt"


class LoggedJournal:
    """A journal that keeps secrets out, writes each record as a line of JSON too, and tells a listener.

    A line holds the record's number and chain value: where lines are shipped to another machine, they anchor the
    journal there.
    """

    def __init__(self, inner: GroupJournal, log: Path, secrets: tuple[str, ...], listen: Listener) -> None:
        self._inner, self._log, self._secrets = inner, log, secrets
        inner.follow(self._line, after=_last_logged(log))  # what others appended meanwhile gets its line now
        last = inner.store.head().seq
        inner.follow(lambda record: listen(record) if record.seq > last else None)

    async def append(self, record: Record) -> Record:
        """Journal first, then the line: the line may be lost, the record not."""
        return await self._inner.append(replace(record, data=redact_data(record.data, self._secrets)))

    def follow(self, listener: Listener, after: int = 0) -> None:
        """Call ``listener`` with what is there behind ``after``, and with each record to come."""
        self._inner.follow(listener, after)

    def _line(self, kept: Record) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(kept.at)) + f".{int(kept.at * 1000) % 1000:03d}Z"
        data = {k: v for k, v in kept.data.items() if k != "facts"}
        line = {
            "time": stamp, "run": self._log.parent.name, "kind": kept.kind.value, "object": kept.subject, **data,
            "seq": kept.seq, "chain": kept.chain,
        }  # fmt: skip
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=True) + "\n")
        except OSError as error:
            raise StorageError(f"the log {self._log} can't be written: {error.strerror or error}") from error


def _last_logged(log: Path) -> int:
    """Number of the last record that has a line; a torn line is none."""
    try:
        lines = log.read_bytes().splitlines()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StorageError(f"the log {log} can't be read: {error.strerror or error}") from error
    for line in reversed(lines):
        try:
            return int(json.loads(line)["seq"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0


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
        run.store().close()
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
