"""What every engine promises, in memory and kept: the cases are the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from conformance.stores import Store
from escalator.engine.port import Call, Engine
from escalator.errors import CommandError, DocumentError, EscalatorError, JournalError, StateError, UnreachableError

Nested = Callable[[Engine, dict[str, Any]], Awaitable[Any]]  # a workflow that may run others


@asynccontextmanager
async def launched(engine: Engine, **workflows: Nested):
    for name, workflow in workflows.items():
        engine.register(name, partial(workflow, engine))
    await engine.launch()
    try:
        yield engine
    finally:
        await engine.close()


def play(store: Store, script: Callable[[Engine], Awaitable[Any]], **workflows: Nested) -> Any:
    """Run a script against a launched engine."""

    async def whole() -> Any:
        async with launched(store.engine(), **workflows) as engine:
            return await asyncio.wait_for(script(engine), 120)

    return asyncio.run(whole())


class Crowd:
    """A workflow that counts how many of it run at once, in all and by key."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.began: list[int] = []

    async def __call__(self, engine: Engine, payload: dict[str, Any]) -> int:
        self.began.append(payload["n"])
        for key in ("all", *payload.get("keys", ())):
            self.inside[key] += 1
            self.most[key] = max(self.most[key], self.inside[key])
        await asyncio.sleep(0.02)
        for key in ("all", *payload.get("keys", ())):
            self.inside[key] -= 1
        return payload["n"]


def test_answers_come_in_the_order_of_the_calls(store: Store) -> None:
    async def late(engine: Engine, payload: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.05 if payload["n"] == 0 else 0)
        return {"n": payload["n"], "pair": (1, 2)}

    calls = [Call("late", f"late/{n}", {"n": n}) for n in range(4)]
    answers = play(store, lambda engine: engine.run(calls), late=late)
    assert answers == [{"n": n, "pair": [1, 2]} for n in range(4)]


def test_calls_start_in_order_and_no_more_at_once_than_the_limit(store: Store) -> None:
    crowd = Crowd()
    calls = [Call("crowd", f"crowd/{n}", {"n": n}) for n in range(12)]
    assert play(store, lambda engine: engine.run(calls, limit=3), crowd=crowd) == list(range(12))
    assert crowd.most["all"] == 3
    assert all(abs(place - n) < 3 for place, n in enumerate(crowd.began))


def test_no_limit_is_all_at_once(store: Store) -> None:
    crowd, inside = Crowd(), asyncio.Barrier(6)

    async def meet(engine: Engine, payload: dict[str, Any]) -> int:
        await inside.wait()  # passes only when all six are here
        return await crowd(engine, payload)

    calls = [Call("meet", f"meet/{n}", {"n": n}) for n in range(6)]
    play(store, lambda engine: engine.run(calls), meet=meet)
    assert crowd.most["all"] == 6


def test_gates_hold_across_runs_and_a_call_passes_several(store: Store) -> None:
    crowd = Crowd()

    def calls(site: str, other: str) -> list[Call]:
        gates = ((f"site:{site}", 3), ("kind:compute", 4), ("zone:" + other, 1))
        return [
            Call("crowd", f"{site}/{n}", {"n": n, "keys": [name for name, _ in gates]}, gates=gates) for n in range(9)
        ]

    async def both(engine: Engine) -> None:
        await asyncio.gather(engine.run(calls("a", "x"), limit=8), engine.run(calls("b", "y")))

    play(store, both, crowd=crowd)
    assert sorted(crowd.began) == sorted([*range(9), *range(9)])
    assert crowd.most["zone:x"] == crowd.most["zone:y"] == 1
    assert crowd.most["all"] == 2  # the zones' gates are the narrowest


def test_a_wider_gate_lets_as_many_in_as_it_says(store: Store) -> None:
    crowd = Crowd()
    calls = [Call("crowd", f"w/{n}", {"n": n, "keys": ["g"]}, gates=(("g", 4),)) for n in range(16)]
    play(store, lambda engine: engine.run(calls), crowd=crowd)
    assert crowd.most["g"] == 4


def test_a_call_that_holds_a_gate_runs_no_others(store: Store) -> None:
    async def nested(engine: Engine, payload: dict[str, Any]) -> None:
        await engine.run([Call("nested", "inner")])

    async def script(engine: Engine) -> None:
        with pytest.raises(EscalatorError, match="gates are for leaves"):
            await engine.run([Call("outer", "outer", gates=(("g", 1),))])

    play(store, script, outer=nested, nested=nested)


def test_a_failure_waits_for_all_and_is_the_first_of_the_list(store: Store) -> None:
    ended: list[int] = []

    async def some_fail(engine: Engine, payload: dict[str, Any]) -> int:
        n = payload["n"]
        await asyncio.sleep(0.05 if n == 1 else 0)
        if n in (1, 3):
            raise CommandError(f"host {n} failed", status=n, output="E: no space", hint="look at it")
        ended.append(n)
        return n

    calls = [Call("some_fail", f"f/{n}", {"n": n}) for n in range(6)]
    with pytest.raises(CommandError, match="host 1 failed") as caught:
        play(store, lambda engine: engine.run(calls, limit=2), some_fail=some_fail)
    assert (caught.value.status, caught.value.output, caught.value.hint) == (1, "E: no space", "look at it")
    assert ended == [0, 2, 4, 5]


def test_a_bug_is_a_failure_that_names_its_type(store: Store) -> None:
    async def buggy(engine: Engine, payload: dict[str, Any]) -> None:
        {}["nothing"]

    with pytest.raises(EscalatorError, match="KeyError: 'nothing'") as caught:
        play(store, lambda engine: engine.run([Call("buggy", "b")]), buggy=buggy)
    assert type(caught.value) is EscalatorError


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object()])
def test_what_is_no_plain_json_is_refused(store: Store, value: Any) -> None:
    async def odd(engine: Engine, payload: dict[str, Any]) -> Any:
        return value

    with pytest.raises(EscalatorError, match="no plain JSON"):
        play(store, lambda engine: engine.run([Call("odd", "o")]), odd=odd)
    with pytest.raises(EscalatorError, match="no plain JSON"):
        play(store, lambda engine: engine.run([Call("odd", "p", {"value": value})]), odd=odd)


def test_runs_nest_and_a_failure_passes_through_them(store: Store) -> None:
    async def node(engine: Engine, payload: dict[str, Any]) -> int:
        depth, name = payload["depth"], payload["name"]
        if depth == 0:
            if name.endswith("2.2"):
                raise DocumentError("leaf", problems=("a: b", "c: d"))
            return 1
        names = [f"{name}.{n}" for n in range(payload["wide"])]
        calls = [Call("node", n, {"depth": depth - 1, "name": n, "wide": payload["wide"]}) for n in names]
        return sum(await engine.run(calls, limit=2))

    async def script(engine: Engine) -> None:
        assert await engine.run([Call("node", "n", {"depth": 3, "name": "n", "wide": 2})]) == [8]
        with pytest.raises(DocumentError) as caught:
            await engine.run([Call("node", "m", {"depth": 2, "name": "m", "wide": 3})])
        assert caught.value.problems == ("a: b", "c: d")

    play(store, script, node=node)


def test_a_thousand_children(store: Store) -> None:
    async def parent(engine: Engine, payload: dict[str, Any]) -> int:
        return sum(await engine.run([Call("leaf", f"leaf/{n}", {"n": n}) for n in range(1000)], limit=50))

    async def leaf(engine: Engine, payload: dict[str, Any]) -> int:
        await asyncio.sleep(0)
        return payload["n"]

    asked = [Call("parent", "parent")]
    assert play(store, lambda engine: engine.run(asked), parent=parent, leaf=leaf) == [499500]


def test_a_cancelled_caller_stops_what_it_called_and_may_ask_again(store: Store) -> None:
    begun, cancelled, hold = asyncio.Barrier(3), [], [True]

    async def middle(engine: Engine, payload: dict[str, Any]) -> list[Any]:
        return await engine.run([Call("leaf", f"c/{n}", {"n": n}) for n in range(3)], limit=2)

    async def script(engine: Engine) -> None:
        caller = asyncio.create_task(engine.run([Call("middle", "c")]))
        await begun.wait()  # both that may run at once do
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert sorted(cancelled) == [0, 1]  # the third had not begun
        hold[0] = False
        assert await engine.run([Call("middle", "c")]) == [[0, 1, 2]]

    async def leaf(engine: Engine, payload: dict[str, Any]) -> int:
        try:
            if hold[0]:
                await begun.wait()
                await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(payload["n"])
            raise
        return payload["n"]

    play(store, script, middle=middle, leaf=leaf)


def test_a_cancelled_call_gives_its_gate_to_the_next(store: Store) -> None:
    inside = []

    async def script(engine: Engine) -> None:
        first = asyncio.create_task(engine.run([Call("hold", "g/0", {"s": 60}, gates=(("g", 1),))]))
        while not inside:
            assert not first.done()
            await asyncio.sleep(0.02)
        second = asyncio.create_task(engine.run([Call("hold", "g/1", {"s": 60}, gates=(("g", 1),))]))
        third = asyncio.create_task(engine.run([Call("hold", "g/2", {"s": 0}, gates=(("g", 1),))]))
        await asyncio.sleep(0.3)
        assert not third.done()
        second.cancel()  # waits before the gate
        first.cancel()  # is inside
        assert await third == ["through"]
        for task in (first, second):
            with pytest.raises(asyncio.CancelledError):
                await task

    async def hold(engine: Engine, payload: dict[str, Any]) -> str:
        inside.append(payload["s"])
        await asyncio.sleep(payload["s"])
        return "through"

    play(store, script, hold=hold)


def test_a_closed_engine_leaves_the_loop_usable_and_another_can_be_launched(store: Store) -> None:
    async def leaf(engine: Engine, payload: dict[str, Any]) -> int:
        return payload["n"]

    async def whole() -> None:
        for n in range(3):
            async with launched(store.engine(), leaf=leaf) as engine:
                assert await engine.run([Call("leaf", f"again/{n}", {"n": n})]) == [n]
            assert await asyncio.to_thread(lambda: 5) == 5

    asyncio.run(whole())


def test_time_passes(store: Store) -> None:
    async def script(engine: Engine) -> None:
        before = engine.now()
        await engine.sleep(0.05)
        assert 0.04 < engine.now() - before < 5

    play(store, script)


def test_a_failure_of_our_own_state_is_no_outcome_so_the_call_runs_again(store: Store) -> None:
    full = [True]

    async def parent(engine: Engine, payload: dict[str, Any]) -> list[Any]:
        return await engine.run([Call("leaf", f"s/{n}", {"n": n}) for n in range(3)])

    async def script(engine: Engine) -> None:
        with pytest.raises(JournalError, match="torn") as caught:
            await engine.run([Call("parent", "s")])
        assert caught.value.hint == "look at it"
        full[0] = False
        assert await engine.run([Call("parent", "s")]) == [[0, 1, 2]]

    async def leaf(engine: Engine, payload: dict[str, Any]) -> int:
        if full[0] and payload["n"] == 1:
            raise JournalError("torn", hint="look at it")
        return payload["n"]

    play(store, script, parent=parent, leaf=leaf)


def test_failures_keep_their_class_their_code_and_their_hint(store: Store) -> None:
    failures = [UnreachableError("gone", hint="look"), StateError("full"), CommandError("x", status=None)]

    async def fail(engine: Engine, payload: dict[str, Any]) -> None:
        raise failures[payload["n"]]

    for n, failure in enumerate(failures):
        with pytest.raises(type(failure)) as caught:
            play(store, lambda engine, n=n: engine.run([Call("fail", f"fail/{n}", {"n": n})]), fail=fail)
        assert (caught.value.code, caught.value.text, caught.value.hint) == (failure.code, failure.text, failure.hint)
