"""Appends of one process share a write; every listener hears of each record once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from escalator.errors import FencedError, StorageError
from escalator.journal.events import Kind, Record
from escalator.journal.group import GroupJournal
from escalator.journal.journal import verify
from escalator.journal.store import Store, Written


class Counting(Store):
    """A store that counts its writes, and fails when it is told to."""

    writes = 0
    broken = 0
    loses_answers = False

    @property
    def may_come_back(self) -> bool:
        return True

    def write(self, records: Sequence[Record], *, after: int = 0, epoch: int = 0, again: bool = False) -> Written:
        self.writes += 1
        if self.broken:
            self.broken -= 1
            if self.loses_answers:
                super().write(records, after=after, epoch=epoch, again=again)
            raise StorageError("the server is away")
        return super().write(records, after=after, epoch=epoch, again=again)


def store(tmp_path: Path) -> Counting:
    return Counting(f"sqlite:///{tmp_path / 'j'}")


async def many(journal: GroupJournal, count: int) -> list[Record]:
    return await asyncio.gather(*(journal.append(Record(Kind.NOTE, str(n))) for n in range(count)))


def test_a_hundred_appends_at_once_take_few_writes_and_keep_their_order(tmp_path: Path) -> None:
    kept, heard = store(tmp_path), []
    journal = GroupJournal(kept)
    journal.follow(heard.append)
    answers = asyncio.run(many(journal, 100))
    assert kept.writes <= 3
    assert [r.subject for r in heard] == [str(n) for n in range(100)]
    assert answers == heard
    verify(kept.read(), kept.head())


def test_a_listener_that_comes_late_hears_what_was_before(tmp_path: Path) -> None:
    kept = store(tmp_path)
    asyncio.run(many(GroupJournal(kept), 3))
    journal, first, late = GroupJournal(kept), [], []
    journal.follow(first.append)
    asyncio.run(many(journal, 2))
    kept.write([Record(Kind.ASKED)])
    journal.follow(late.append, after=1)
    assert [r.seq for r in late] == [2, 3, 4, 5]
    asyncio.run(journal.refresh())
    assert [r.seq for r in first] == [1, 2, 3, 4, 5, 6]
    assert [r.seq for r in late] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("loses_answers", [False, True])
def test_a_server_that_comes_back_costs_time_and_no_record(tmp_path: Path, loses_answers) -> None:
    kept, heard = store(tmp_path), []
    kept.broken, kept.loses_answers = 2, loses_answers
    journal = GroupJournal(kept, patience_s=30)
    journal.follow(heard.append)
    asyncio.run(many(journal, 5))
    assert [r.subject for r in heard] == ["0", "1", "2", "3", "4"]
    assert [r.subject for r in kept.read()] == ["0", "1", "2", "3", "4"]


def test_what_cannot_be_kept_is_said_to_each_that_waits_and_told_to_no_listener(tmp_path: Path) -> None:
    kept, heard = store(tmp_path), []
    kept.broken = 1
    journal = GroupJournal(kept, patience_s=0)
    journal.follow(heard.append)

    async def both() -> list[object]:
        appends = (journal.append(Record(Kind.NOTE, str(n))) for n in range(2))
        return await asyncio.gather(*appends, return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(both())] == [StorageError, StorageError]
    assert not heard
    assert asyncio.run(many(journal, 1))[0].seq == 1


def test_a_driver_that_was_taken_over_is_told_at_its_next_append(tmp_path: Path) -> None:
    kept = store(tmp_path)
    journal = GroupJournal(kept, epoch=kept.take("a:1"))
    asyncio.run(many(journal, 1))
    kept.take("b:2")
    with pytest.raises(FencedError, match="b:2"):
        asyncio.run(many(journal, 1))
