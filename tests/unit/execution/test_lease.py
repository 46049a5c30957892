"""One driver at a time: the lock of a machine, the epoch, the beat."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from escalator.errors import FencedError, LockedError
from escalator.execution.lease import LEASE_S, Lease, driving, is_silent, seize
from escalator.journal.store import Store


def test_only_one_drives(tmp_path: Path) -> None:
    with driving(tmp_path), pytest.raises(LockedError, match="another Escalator") as refused, driving(tmp_path):
        pass
    assert "takeover" in refused.value.hint


def test_each_that_drives_has_a_newer_epoch(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        with driving(tmp_path) as epoch:
            epochs.append(epoch)
    assert epochs == [1, 2, 3]


def test_a_seized_lock_is_free_for_the_next_while_the_old_holder_still_hangs(tmp_path: Path) -> None:
    with driving(tmp_path) as old:
        seize(tmp_path)
        with driving(tmp_path) as new:
            assert new > old


def test_a_driver_that_was_frozen_past_its_lease_asks_before_it_acts(tmp_path: Path) -> None:
    store, now = Store.in_file(tmp_path / "j"), [100.0]
    lease = Lease(store, store.take("a:1"), lambda: now[0])
    asyncio.run(lease.confirm())
    now[0] += LEASE_S + 1
    asyncio.run(lease.confirm())  # nobody took it over: it goes on
    store.take("b:2")
    asyncio.run(lease.confirm())  # within its lease again
    now[0] += LEASE_S + 1
    with pytest.raises(FencedError, match="b:2"):
        asyncio.run(lease.confirm())


def test_a_beat_shows_that_a_driver_lives(tmp_path: Path) -> None:
    store = Store.in_file(tmp_path / "j")
    epoch = store.take("a:1")
    assert is_silent(store, watch_s=0.1, pause_s=0.02)

    async def watched() -> bool:
        task = asyncio.create_task(asyncio.to_thread(is_silent, Store.in_file(tmp_path / "j"), watch_s=5, pause_s=0.02))
        await asyncio.sleep(0.2)
        store.beat(epoch)
        return await task

    assert not asyncio.run(watched())
