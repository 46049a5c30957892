"""Several workers on one PostgreSQL, and the server itself killed."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from conformance import worker
from conformance.stores import Store
from conformance.test_kept import lines, process, until
from escalator.engine.port import Call
from escalator.engine.takeover import Watchdog
from postgres import Postgres


def begun(ledger: Path, executor: str) -> set[str]:
    """What an executor has begun."""
    return {line.split()[1] for line in lines(ledger) if line.startswith(f"{executor} ")} - {"serves"}


def test_a_killed_workers_work_goes_on_at_another_within_ten_seconds(shared: Store, tmp_path: Path) -> None:
    ledger, dead, told = tmp_path / "ledger", [], []
    north = [Call("held", f"north/{n}", {"id": f"north/{n}"}, queue="north") for n in range(4)]
    south = [Call("held", f"south/{n}", {"id": f"south/{n}"}, queue="south") for n in range(4)]

    async def held(payload: dict[str, Any]) -> None:
        raise AssertionError("the caller serves no queue, so nothing may run here")

    async def asks() -> list[Any]:
        engine = shared.engine("caller")
        engine.register("held", held)
        await engine.launch()
        watchdog = Watchdog(shared.url, "conformance", lambda: dead, lambda _: "north")
        watching = asyncio.create_task(watchdog.watch(1.0, told.append))
        try:
            with process(shared, ledger, "first", "--queue", "north") as first:
                asked = asyncio.create_task(engine.run([*north, *south]))
                await asyncio.to_thread(until, ledger, lambda _: len(begun(ledger, "first")) == len(north), 90)
                with process(shared, ledger, "second", "--queue", "south", "--queue", "north"):
                    await asyncio.to_thread(until, ledger, lambda _: len(begun(ledger, "second")) == len(south), 90)
                    first.kill()
                    first.wait()
                    dead.append("first")
                    took = await asyncio.to_thread(
                        until, ledger, lambda _: {c.id for c in north} <= begun(ledger, "second"), 30
                    )
                    assert took < 10
                    ledger.with_suffix(".go").touch()
                    return await asyncio.wait_for(asked, 90)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await engine.close()

    assert asyncio.run(asks()) == [c.id for c in (*north, *south)]
    assert begun(ledger, "first") == {c.id for c in north}
    assert [(taken.executor_id, taken.queue, set(taken.ids)) for taken in told] == [
        ("first", "north", {c.id for c in north})
    ]


def test_a_caller_that_was_cancelled_and_asks_again_finds_the_call_where_it_runs(shared: Store, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    calls = [Call("held", f"n/{n}", {"id": f"n/{n}"}, queue="north") for n in range(3)]

    async def held(payload: dict[str, Any]) -> None:
        raise AssertionError("not here")

    async def asks() -> list[Any]:
        engine = shared.engine("caller")
        engine.register("held", held)
        await engine.launch()
        try:
            with process(shared, ledger, "first", "--queue", "north"):
                asked = asyncio.create_task(engine.run(calls))
                await asyncio.to_thread(until, ledger, lambda _: len(begun(ledger, "first")) == len(calls), 90)
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
                again = asyncio.create_task(engine.run(calls))
                await asyncio.sleep(1)
                ledger.with_suffix(".go").touch()
                return await asyncio.wait_for(again, 90)
        finally:
            await engine.close()

    assert asyncio.run(asks()) == [c.id for c in calls]
    assert len(lines(ledger)) == 1 + len(calls)  # "serves", and each call once


def test_a_dead_workers_whole_campaign_goes_on_at_another(shared: Store, tmp_path: Path) -> None:
    ledger, told = tmp_path / "ledger", []

    async def watched() -> None:
        with process(shared, ledger, "first", "--campaign", "c"):
            await asyncio.to_thread(until, ledger, lambda now: len(now) >= 8, 90)
        with process(shared, ledger, "second", "--queue", "north"):
            watchdog = Watchdog(shared.url, "conformance", lambda: ["first"], lambda _: "north")
            watching = asyncio.create_task(watchdog.watch(1.0, told.append))
            await asyncio.to_thread(until, ledger, lambda _: "c/2/5" in begun(ledger, "second"), 90)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        assert len(begun(ledger, "first") | begun(ledger, "second")) == worker.PROCEDURES * worker.LEAVES
        assert len(begun(ledger, "first") & begun(ledger, "second")) <= worker.LIMIT  # what ran at the kill

    asyncio.run(watched())
    assert "c" in told[0].ids


def test_a_frozen_worker_that_continues_starts_nothing_more(shared: Store, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"

    async def watched() -> None:
        with process(shared, ledger, "first", "--campaign", "c") as first:
            await asyncio.to_thread(until, ledger, lambda now: len(now) >= 5, 90)
            first.send_signal(signal.SIGSTOP)
            before = len(begun(ledger, "first"))
            with process(shared, ledger, "second", "--queue", "north"):
                watchdog = Watchdog(shared.url, "conformance", lambda: ["first"], lambda _: "north")
                watching = asyncio.create_task(watchdog.watch(1.0))
                await asyncio.to_thread(until, ledger, lambda _: len(begun(ledger, "second")) >= 3, 90)
                first.send_signal(signal.SIGCONT)
                await asyncio.to_thread(until, ledger, lambda now: "first answers 18" in now, 90)
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            # What was under way may end (hosts refuse it by its fence epoch); its caller gets the other's answer.
            assert len(begun(ledger, "first") - {"answers"}) - before <= worker.LIMIT

    asyncio.run(watched())


def test_two_watchdogs_move_the_same_work_once(shared: Store, tmp_path: Path) -> None:
    ledger, told = tmp_path / "ledger", []
    calls = [Call("held", f"n/{n}", {"id": f"n/{n}"}, queue="north") for n in range(20)]

    async def asks() -> None:
        engine = shared.engine("caller")

        async def held(payload: dict[str, Any]) -> None:
            raise AssertionError("not here")

        engine.register("held", held)
        await engine.launch()
        with process(shared, ledger, "first", "--queue", "north"):
            asked = asyncio.create_task(engine.run(calls))
            await asyncio.to_thread(until, ledger, lambda _: len(begun(ledger, "first")) == len(calls), 90)
        dogs = [Watchdog(shared.url, "conformance", lambda: ["first"], lambda _: "north") for _ in range(3)]
        watching = [asyncio.create_task(dog.watch(0.05, told.append)) for dog in dogs]
        with process(shared, ledger, "second", "--queue", "north"):
            await asyncio.to_thread(until, ledger, lambda _: len(begun(ledger, "second")) == len(calls), 90)
            ledger.with_suffix(".go").touch()
            assert await asyncio.wait_for(asked, 90) == [c.id for c in calls]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await engine.close()

    asyncio.run(asks())
    assert sum(len(taken.ids) for taken in told) == len(calls)
    assert sum(line.startswith("second n/") for line in lines(ledger)) == len(calls)


def test_the_server_killed_and_started_again_costs_nothing(shared: Store, server: Postgres) -> None:
    ran: list[int] = []
    under_way = asyncio.Event()

    async def leaf(payload: dict[str, Any]) -> int:
        ran.append(payload["n"])
        if len(ran) == 60:
            under_way.set()
        await asyncio.sleep(0.02)
        return payload["n"]

    async def whole() -> list[Any]:
        engine = shared.engine()

        async def parent(payload: dict[str, Any]) -> list[Any]:
            return await engine.run([Call("leaf", f"leaf/{n}", {"n": n}) for n in range(200)], limit=10)

        engine.register("leaf", leaf)
        engine.register("parent", parent)
        await engine.launch()
        try:
            asked = asyncio.create_task(engine.run([Call("parent", "parent")]))
            await under_way.wait()
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)
            return await asyncio.wait_for(asked, 60)
        finally:
            await engine.close()

    assert asyncio.run(whole()) == [list(range(200))]
    assert sorted(ran) == list(range(200))  # the process lived on, so nothing was begun twice
