"""What an engine that outlives its process promises beyond the rest: real processes, really killed."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance import worker
from conformance.stores import Store
from escalator.engine.port import Call
from escalator.errors import CommandError

pytestmark = pytest.mark.processes

WORKER = Path(worker.__file__)
TOTAL = worker.PROCEDURES * worker.LEAVES


@contextmanager
def process(store: Store, ledger: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; killed at the end where it still runs."""
    with ledger.with_suffix(".log").open("ab") as log:
        one = subprocess.Popen([sys.executable, WORKER, store.url, ledger, *arguments], stdout=log, stderr=log)
    try:
        yield one
    finally:
        one.kill()
        one.wait()


def lines(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines() if ledger.exists() else []


def until(ledger: Path, wanted: Any, within_s: float) -> float:
    """Wait for the ledger to be as wanted; returns the seconds that took."""
    began = time.monotonic()
    while not wanted(lines(ledger)):
        assert time.monotonic() - began < within_s, (lines(ledger), ledger.with_suffix(".log").read_text()[-3000:])
        time.sleep(0.01)
    return time.monotonic() - began


def test_an_id_that_has_ended_answers_from_its_record(kept: Store) -> None:
    ran: list[int] = []

    async def leaf(payload: dict[str, Any]) -> dict[str, Any]:
        ran.append(payload["n"])
        if payload["n"] == 2:
            raise CommandError("host 2: apt failed", status=100, output="E: no space", hint="free some")
        return {"n": payload["n"]}

    async def once() -> tuple[list[Any], Exception]:
        engine = kept.engine()
        engine.register("leaf", leaf)
        await engine.launch()
        try:
            answers = await engine.run([Call("leaf", f"leaf/{n}", {"n": n}) for n in range(2)])
            with pytest.raises(CommandError) as caught:
                await engine.run([Call("leaf", "leaf/2", {"n": 2})])
            return answers, caught.value
        finally:
            await engine.close()

    for _ in range(3):
        answers, failure = asyncio.run(once())
        assert answers == [{"n": 0}, {"n": 1}]
        assert (failure.text, failure.code, failure.hint) == ("host 2: apt failed", "ESC-303", "free some")
        assert (failure.status, failure.output) == (100, "E: no space")
    assert sorted(ran) == [0, 1, 2]


def test_what_a_closed_engine_left_goes_on_at_the_next_launch(kept: Store) -> None:
    ran: list[str] = []

    async def first() -> None:
        engine, begun = kept.engine(), asyncio.Event()

        async def leaf(payload: dict[str, Any]) -> str:
            ran.append("stopped")
            begun.set()
            await asyncio.sleep(60)
            return "never"

        engine.register("leaf", leaf)
        await engine.launch()
        caller = asyncio.create_task(engine.run([Call("leaf", "left")]))
        await begun.wait()
        await engine.close()
        with pytest.raises(asyncio.CancelledError):
            await caller

    async def second() -> None:
        engine, ended = kept.engine(), asyncio.Event()

        async def leaf(payload: dict[str, Any]) -> str:
            ran.append("taken up")
            ended.set()
            return "ended"

        engine.register("leaf", leaf)
        await engine.launch()
        try:
            await asyncio.wait_for(ended.wait(), 10)  # nobody has asked for it again
            assert await engine.run([Call("leaf", "left")]) == ["ended"]
        finally:
            await engine.close()

    asyncio.run(first())
    asyncio.run(second())
    assert ran == ["stopped", "taken up"]


def test_closing_ends_who_waits_for_a_call_that_runs_elsewhere(kept: Store) -> None:
    async def whole() -> None:
        engine = kept.engine()

        async def leaf(payload: dict[str, Any]) -> None:
            raise AssertionError("nobody serves this queue")

        engine.register("leaf", leaf)
        await engine.launch()
        asked = asyncio.create_task(engine.run([Call("leaf", f"far/{n}", queue="far") for n in range(3)]))
        await asyncio.sleep(0.5)
        await asyncio.wait_for(engine.close(), 10)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asked, 5)

    asyncio.run(whole())


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_it_loses_nothing_and_repeats_no_recorded_result(
    kept: Store, tmp_path: Path, seed: int
) -> None:
    dice, ledger, kills = random.Random(seed), tmp_path / "ledger", 4
    for _ in range(kills):
        goal = len(lines(ledger)) + dice.randint(1, 5)
        with process(kept, ledger, "one", "--campaign", "c") as one:
            until(ledger, lambda now, goal=goal, one=one: len(now) >= goal or one.poll() is not None, 60)
    with process(kept, ledger, "one", "--campaign", "c") as one:
        assert one.wait(timeout=60) == 0, ledger.with_suffix(".log").read_text()[-3000:]
    effects = Counter(line.split(maxsplit=1)[1] for line in lines(ledger))
    assert effects.pop(f"answers {TOTAL}") >= 1
    wanted = {f"c/{n}/{m}" for n in range(worker.PROCEDURES) for m in range(worker.LEAVES)}
    assert set(effects) == wanted
    repeated = sum(effects.values()) - TOTAL
    assert repeated <= kills * worker.LIMIT  # only what ran at a kill has no recorded result


def test_nothing_is_printed_and_nothing_is_kept_elsewhere(kept: Store, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    ledger = tmp_path / "ledger"
    done = subprocess.run(
        [sys.executable, WORKER, kept.url, ledger, "one", "--campaign", "c"],
        cwd=folder, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"", b"")
    assert not list(folder.iterdir())
    assert {path.name for path in tmp_path.iterdir()} <= {"work", "ledger", "engine.db"}
