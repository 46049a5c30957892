"""The journal's store: kept, chained, fenced, and clear about what is wrong with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sql

from escalator.errors import FencedError, JournalError, StorageError
from escalator.journal.events import Kind, Record
from escalator.journal.journal import Head, verify
from escalator.journal.store import Store


def note(n: int, at: float = 5.0) -> Record:
    return Record(Kind.NOTE, "a", {"n": n}, at=at)


def filled(path: Path) -> Store:
    store = Store.in_file(path)
    for n in range(4):
        store.write([note(n)])
    return store


def fill(store: Store) -> None:
    for _ in range(200):
        store.write([Record(Kind.NOTE, "x" * 2000)])


def test_what_was_appended_is_there_for_the_next_process(tmp_path: Path) -> None:
    filled(tmp_path / "j").close()
    again = Store.in_file(tmp_path / "j")
    records = again.read()
    assert [(r.seq, r.at, r.data["n"]) for r in records] == [(1, 5.0, 0), (2, 5.0, 1), (3, 5.0, 2), (4, 5.0, 3)]
    verify(records, again.head())
    assert again.write([note(4)], after=4).own[0].seq == 5
    assert [r.seq for r in again.read(after=3)] == [4, 5]


def test_what_others_wrote_comes_back_with_ones_own(tmp_path: Path) -> None:
    mine, theirs = Store.in_file(tmp_path / "j"), Store.in_file(tmp_path / "j")
    theirs.write([Record(Kind.ASKED, "", {"what": "suspend"})])
    written = mine.write([note(0), note(1)])
    assert [r.kind for r in written.behind] == [Kind.ASKED, Kind.NOTE, Kind.NOTE]
    assert [r.seq for r in written.own] == [2, 3]


def test_a_write_whose_answer_was_lost_is_not_written_twice(tmp_path: Path) -> None:
    store = filled(tmp_path / "j")
    first = store.write([note(7), note(8)], after=4)
    store.write([Record(Kind.ASKED, "", {"what": "suspend"})])
    again = store.write([note(7), note(8)], after=4, again=True)
    assert again.own == first.own
    assert [r.seq for r in again.behind] == [5, 6, 7]
    assert [r.seq for r in store.write([note(7)], after=7).own] == [8]  # the same said once more on purpose


def test_who_was_taken_over_writes_nothing_more(tmp_path: Path) -> None:
    first, second = Store.in_file(tmp_path / "j"), Store.in_file(tmp_path / "j")
    old = first.take("a:1")
    first.write([note(0)], epoch=old)
    new = second.take("b:2", least=7)
    assert (old, new) == (1, 7)
    with pytest.raises(FencedError, match=r"driven by b:2 \(epoch 7, ours 1\)"):
        first.write([note(1)], epoch=old)
    assert not first.beat(old)
    assert second.beat(new)
    assert second.holder() == (7, "b:2", 1)
    assert [r.data["n"] for r in second.read()] == [0]


def test_time_never_runs_backwards(tmp_path: Path) -> None:
    store = filled(tmp_path / "j")
    assert store.write([note(9, at=1.0)]).own[0].at == 5.0


def test_it_is_durable_by_its_settings(tmp_path: Path) -> None:
    store = filled(tmp_path / "j")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("UPDATE records SET data = '{\"n\":9}' WHERE seq = 2", "record 2 does not fit its chain"),
        ("DELETE FROM records WHERE seq = 3", "record 3 is missing"),
        ("UPDATE records SET at = 6 WHERE seq = 1", "record 1 does not fit its chain"),
        ("DELETE FROM records WHERE seq = 4", "its tail behind record 3 is missing"),
    ],
)
def test_tampering_and_a_torn_tail_are_named(tmp_path: Path, change: str, text: str) -> None:
    filled(tmp_path / "j").close()
    with sqlite3.connect(tmp_path / "j") as raw:
        raw.execute(change)
    store = Store.in_file(tmp_path / "j")
    with pytest.raises(JournalError, match=text):
        verify(store.read(), store.head())


def test_an_anchor_kept_elsewhere_names_a_journal_that_was_made_anew(tmp_path: Path) -> None:
    records = filled(tmp_path / "j").read()
    with pytest.raises(JournalError, match="record 3 is not the one that its head names"):
        verify(records, Head(3, "f" * 64))


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    store = filled(tmp_path / "j")
    with sqlite3.connect(tmp_path / "j", isolation_level=None) as raw:
        raw.execute("BEGIN IMMEDIATE")
        assert len(store.read()) == 4
        raw.execute("ROLLBACK")


def test_a_file_that_is_no_journal_and_a_full_disk_are_storage_errors(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("this is not a database, it is a text of some length" * 30)
    with pytest.raises(StorageError, match="can't be used"):
        Store.in_file(tmp_path / "j")
    store = filled(tmp_path / "k")
    with store._engine.begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    limited = Store.in_file(tmp_path / "k")
    sql.event.listen(limited._engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages}"))
    limited._engine.dispose()  # what it opens from now on is full
    with pytest.raises(StorageError, match="full"):
        fill(limited)
    assert len(store.read()) >= 4
