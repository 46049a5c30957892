"""A schema is changed while requests are held: in which order, and what follows when a part of it fails."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from escalator.actions.held import let_go, while_held
from escalator.errors import FencedError, SiteError, SiteTimeoutError
from escalator.sites.protocol import CommandResult


class Place:
    """A database whose lock the work waits for, and a balancer; ``broken``: which call fails."""

    def __init__(self, broken: str = "", *, hold_s: float = 5, asks: bool = True) -> None:
        self.said: list[str] = []
        self.locked = self.waited_for = False
        self.broken, self.asks = broken, asks
        self.clock = 0.0
        self.site = SimpleNamespace(
            shell=self, balancer=self,
            config=SimpleNamespace(databases=SimpleNamespace(host="db"), load_balancer=SimpleNamespace(hold_s=hold_s)),
        )  # fmt: skip

    def now(self) -> float:
        return self.clock

    async def sleep(self, seconds: float) -> None:
        self.clock += seconds
        await asyncio.sleep(0)

    async def run(self, host, argv, *, timeout_s, stdin="", check=True):
        if argv[0] == "systemd-run":
            self.tell("lock")
            self.locked = True
        elif stdin.startswith("KILL"):
            self.tell("unlock")
            self.locked = False
        rows = {"SELECT id": "7" if self.locked else "", "SELECT CO": str(int(self.locked))}
        answer = rows.get(stdin[:9], "")
        if "metadata lock" in stdin:
            answer = str(int(self.waited_for))
        return CommandResult(0, answer, 0.0)

    async def hold(self, longest_s: float) -> None:
        self.tell("hold")

    async def release(self) -> None:
        self.tell("release")

    def tell(self, what: str) -> None:
        self.said.append(what)
        if what == self.broken:
            raise SiteError(f"no {what}")

    async def work(self) -> CommandResult:
        self.said.append("begin")
        while self.locked:
            self.waited_for = self.asks
            await asyncio.sleep(0)
        self.said.append("change")
        return CommandResult(0, "", 0.0)

    def go(self, schema: str = "neutron") -> str:
        return asyncio.run(while_held(self, schema, self.work))


def test_the_change_comes_when_requests_are_held_and_they_go_on_behind_it() -> None:
    place = Place()
    assert place.go().startswith("requests were held for ")
    assert place.said == ["lock", "begin", "hold", "unlock", "change", "release"]


@pytest.mark.parametrize(("schema", "hold_s"), [("", 5), ("neutron", 0)])
def test_where_nothing_is_to_be_held_the_work_is_just_done(schema: str, hold_s: float) -> None:
    place = Place(hold_s=hold_s)
    assert not place.go(schema)
    assert place.said == ["begin", "change"]


@pytest.mark.parametrize("broken", ["lock", "hold"])
def test_where_holding_fails_the_work_is_done_all_the_same_and_it_is_said(broken: str) -> None:
    place = Place(broken)
    assert place.go() == f"requests were not held: no {broken}"
    assert place.said.count("change") == 1
    assert not place.locked


def test_a_tool_that_never_asks_is_not_waited_for_for_ever() -> None:
    place = Place(asks=False)
    assert "did not ask" in place.go()
    assert "hold" not in place.said
    assert place.said[-1] == "change"


def test_a_work_that_fails_leaves_nothing_held() -> None:
    place = Place()

    async def fails() -> CommandResult:
        await place.work()
        raise SiteTimeoutError("the tool failed")

    with pytest.raises(SiteTimeoutError, match="the tool failed"):
        asyncio.run(while_held(place, "neutron", fails))
    assert place.said[-1] == "release"
    assert not place.locked


def test_who_was_taken_over_does_not_go_on_without_holding() -> None:
    place = Place()

    async def fenced(longest_s: float) -> None:
        raise FencedError("taken over")

    place.hold = fenced
    with pytest.raises(FencedError):
        place.go()
    assert "change" not in place.said or not place.locked


def test_a_lock_that_a_killed_one_left_is_taken_over() -> None:
    place = Place()
    place.locked = True
    assert place.go().startswith("requests were held for ")
    assert place.said == ["begin", "hold", "unlock", "change", "release"]


def test_a_lock_that_was_left_goes_when_the_change_is_taken_back() -> None:
    place = Place()
    place.locked = True
    asyncio.run(let_go(place, "neutron"))
    assert place.said == ["unlock"]


def test_nothing_is_asked_where_nothing_is_held() -> None:
    place = Place(hold_s=0)
    place.locked = True
    asyncio.run(let_go(place, "neutron"))
    assert not place.said
