"""The journal file: kept, chained, and clear about what is wrong with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from escalator.errors import JournalError, StorageError
from escalator.journal.events import Kind, Record
from escalator.journal.journal import verify
from escalator.journal.sqlite import SqliteJournal


def filled(path: Path) -> SqliteJournal:
    journal = SqliteJournal(path, lambda: 5.0)
    for n in range(4):
        journal.append(Record(Kind.NOTE, "a", {"n": n}))
    return journal


def fill(journal: SqliteJournal) -> None:
    for _ in range(200):
        journal.append(Record(Kind.NOTE, "x" * 2000))


def test_what_was_appended_is_there_for_the_next_process(tmp_path: Path) -> None:
    filled(tmp_path / "j").close()
    again = SqliteJournal(tmp_path / "j")
    records = again.read()
    assert [(r.seq, r.at, r.data["n"]) for r in records] == [(1, 5.0, 0), (2, 5.0, 1), (3, 5.0, 2), (4, 5.0, 3)]
    verify(records)
    assert again.append(Record(Kind.NOTE)).seq == 5
    assert [r.seq for r in again.read(after=3)] == [4, 5]


def test_it_is_durable_by_its_settings(tmp_path: Path) -> None:
    journal = filled(tmp_path / "j")
    with journal._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("UPDATE records SET data = '{\"n\":9}' WHERE seq = 2", "record 2 does not fit its chain"),
        ("DELETE FROM records WHERE seq = 3", "record 3 is missing"),
        ("UPDATE records SET at = 6 WHERE seq = 1", "record 1 does not fit its chain"),
    ],
)
def test_tampering_is_named(tmp_path: Path, change: str, text: str) -> None:
    filled(tmp_path / "j").close()
    with sqlite3.connect(tmp_path / "j") as raw:
        raw.execute(change)
    with pytest.raises(JournalError, match=text):
        verify(SqliteJournal(tmp_path / "j").read())


def test_a_file_that_is_no_journal_and_a_full_disk_are_storage_errors(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("this is not a database, it is a text of some length" * 30)
    with pytest.raises(StorageError, match="can't be used"):
        SqliteJournal(tmp_path / "j")
    if Path("/dev/full").exists():
        journal = filled(tmp_path / "k")
        with journal._engine.begin() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        limited = SqliteJournal(tmp_path / "k")
        with limited._engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            connection.commit()
            connection.close()
        with pytest.raises(StorageError, match="full"):
            fill(limited)
        assert len(journal.read()) >= 4
