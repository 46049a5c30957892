"""Long commands as units of the hosts' own systemd: they outlive our connection, and us.

An order is a unit named by its run, action, attempt and index (:class:`escalator.sites.protocol.Order`). Its output and
its result lie on the host (:mod:`escalator.sites.order_unit`), so whoever asks again finds it: starting is look and
start under one lock of the host, and the unit itself starts its command once only. Waiting is asking again and again;
each question is answered when the order ends, at the latest after a few seconds, so a connection that broke costs
nothing but the next question. (DESIGN.md, idea 4.)
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from escalator.errors import (
    BusyError,
    CommandError,
    InputError,
    LostError,
    SiteTimeoutError,
    UnreachableError,
)
from escalator.sites.protocol import CommandResult, Order, OrderSeen, OrderState, Shell

ROOT = "/var/lib/escalator"
MARK = "escalator-order: "
POLL_S = 10.0  # between two heartbeats; the end of an order is heard of at once
ANSWER_S = 60.0  # longest for one answer of a host, besides the time that it waits for an order's end
BEGIN_S = 60.0  # so long a host that can't be reached is tried before an order counts as not begun
GRACE_S = 30.0  # behind an order's longest time: the host ends it by itself
PAUSES_S = (0.5, 15.0)  # before a host is asked again: the first, and the longest
FAILURES = 10  # bad answers in a row, from a host that can be reached, before we give up
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")

#: Loads both texts on the host: the second imports the first by its name here.
BOOT = (
    "import json, sys, types\n"
    "given = json.load(sys.stdin)\n"
    "for name in ('order_unit', 'order_verbs'):\n"
    "    module = sys.modules['escalator.sites.' + name] = types.ModuleType(name)\n"
    "    exec(compile(given['texts'][name], name, 'exec'), module.__dict__)\n"
    "module.main(dict(given['order'], program=given['texts']['order_unit']))\n"
)

Ask = Callable[[], Awaitable[dict[str, Any]]]


@cache
def _texts() -> dict[str, str]:
    folder = Path(__file__).parent
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in ("order_unit", "order_verbs")}


class HostOrders:
    """The :class:`escalator.sites.protocol.Orders` of real hosts, over their shell."""

    def __init__(self, shell: Shell, *, root: str = ROOT, poll_s: float = POLL_S) -> None:
        self._shell, self._root, self._poll_s = shell, root, poll_s

    async def start_or_attach(
        self, host: str, order: Order, progress: Callable[[OrderSeen], None] = lambda _: None
    ) -> CommandResult:
        """Start an order unless it was started before, and return how it ended; see the protocol."""
        ask = _given(order, argv=list(order.argv), longest_s=order.longest_s, exclusive=order.exclusive)
        answer = await _again(lambda: self._ask(host, "begin", ask), until=time.monotonic() + BEGIN_S, failures=1)
        end = time.monotonic() + order.longest_s - float(answer.get("age_s", 0.0)) + GRACE_S
        ask = _given(order, seconds=self._poll_s)
        while True:
            answer = await _again(lambda: self._ask(host, "wait", ask), until=end, failures=FAILURES)
            seen = _seen(answer)
            if seen.state is not OrderState.RUNNING:
                return _result(host, order, seen, answer)
            progress(seen)
            if time.monotonic() > end:
                raise SiteTimeoutError(
                    f"{host}: {order.unit} still runs {GRACE_S:g} s after its longest time of {order.longest_s:g} s"
                )

    async def look(self, host: str, order: Order) -> OrderSeen:
        """How an order stands."""
        me = (order.attempt, order.index)
        mine = [seen for seen in await self.look_all(host, order) if (seen.attempt, seen.index) == me]
        return mine[0] if mine else OrderSeen(OrderState.ABSENT, *me)

    async def look_all(self, host: str, order: Order) -> tuple[OrderSeen, ...]:
        """How the orders of the same attempt stand, and what still runs of others; see the protocol.

        It passes the fence: behind a look through a newer epoch, nothing that was sent before can start.
        """
        answer = await self._ask(host, "look", _given(order))
        return tuple(_seen(row) for row in answer["orders"])

    async def stop(self, host: str, order: Order) -> None:
        """End what runs of the order's action, up to its attempt, and let none of that start any more."""
        await self._ask(host, "stop", _given(order))

    async def forget(self, host: str, run: str = "", *, kept_days: float = 0.0) -> tuple[str, ...]:
        """Delete what a host keeps of a run (of all runs) that changed nothing for so long; the runs that went."""
        answer = await self._ask(host, "forget", {"run": _plain(run) if run else "", "days": kept_days})
        return tuple(answer["runs"])

    async def _ask(self, host: str, verb: str, given: dict[str, Any]) -> dict[str, Any]:
        """One question to a host; its answer, with ``output`` where an order has ended."""
        words = json.dumps({"texts": _texts(), "order": {"verb": verb, "root": self._root, **given}})
        result = await self._shell.run(
            host, ["python3", "-I", "-c", BOOT], timeout_s=ANSWER_S + given.get("seconds", 0.0), check=False,
            stdin=words, fenced=verb != "wait",
        )  # fmt: skip
        _, mark, rest = result.output.partition(f"\n{MARK}")
        line, _, output = rest.partition("\n")
        if not result.ok or not mark:
            last = [text for text in result.output.splitlines() if text.strip()][-1:] or ["no answer"]
            raise CommandError(
                f"{host}: its orders can't be reached ({verb}): {last[0][:300]}", status=result.status,
                output=result.output[-2000:], hint="it needs systemd, python3, and room below /var/lib/escalator",
            )  # fmt: skip
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise CommandError(f"{host}: an answer can't be read ({verb}): {line[-200:]!r}") from error
        if answer["state"] == "refused":
            raise BusyError(
                f"{host}: nothing was started: {answer['why']} ({answer['by']})",
                hint=f"wait for its end: systemctl status {answer['by']}",
            )
        return {**answer, "output": output}


async def _again(ask: Ask, *, until: float, failures: int) -> dict[str, Any]:
    """Ask until there is an answer: a lost connection till ``until``, a bad answer so many times in a row.

    What is asked here may be asked twice: an order is started once, however often that is asked for.
    """
    pause, bad = PAUSES_S[0], 0
    while True:
        try:
            return await ask()
        except BusyError:
            raise
        except (UnreachableError, SiteTimeoutError, CommandError) as error:
            bad += isinstance(error, CommandError)
            if bad >= failures or time.monotonic() + pause > until:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, PAUSES_S[1])


def _plain(run: str) -> str:
    """A run's name becomes a folder's: InputError where it could be anything else."""
    if not RUN_NAME.fullmatch(run):
        raise InputError(f"'{run}' is no name of a run")
    return run


def _given(order: Order, **more: Any) -> dict[str, Any]:
    action = hashlib.sha256(order.action.encode()).hexdigest()[:16]
    title = "".join(c if c.isprintable() else " " for c in f"Escalator {order.run} {order.action} {order.attempt}")
    place = {"run": _plain(order.run), "action": action, "attempt": order.attempt, "index": order.index}
    return {**place, "unit": order.unit, "title": title, **more}


def _seen(answer: dict[str, Any]) -> OrderSeen:
    known = {field.name for field in fields(OrderSeen)}
    line = "".join(c if c.isprintable() else " " for c in answer.get("line", "")).strip()
    values = {name: value for name, value in answer.items() if name in known}
    return OrderSeen(**{**values, "state": OrderState(answer["state"]), "line": line})


def _result(host: str, order: Order, seen: OrderSeen, answer: dict[str, Any]) -> CommandResult:
    """What came of an order that runs no more, or the error that says why there is no result."""
    name = f"{order.argv[0].rsplit('/', 1)[-1]} ({order.unit})"
    if seen.state is OrderState.ABSENT:
        raise LostError(f"{host}: nothing is known there of {name} any more", hint="was /var/lib/escalator emptied?")
    if seen.state is OrderState.LOST:
        how = "the host rebooted" if seen.why == "rebooted" else "its unit was killed"
        raise LostError(f"{host}: {name} was lost: {how} while it ran")
    result = CommandResult(seen.status, answer["output"], float(answer["took_s"]))
    if seen.why == "time limit":
        raise SiteTimeoutError(f"{host}: {name} did not end within {order.longest_s:g} s and was killed")
    if seen.why == "stopped":
        raise CommandError(f"{host}: {name} was stopped there", status=seen.status, output=result.output[-2000:])
    return result
