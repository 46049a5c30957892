"""Gates: at most so many calls of one name at once in this process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from escalator.errors import EscalatorError

_held: ContextVar[tuple[str, ...]] = ContextVar("escalator_gates_held", default=())


def refuse_in_gate() -> None:
    """EscalatorError inside a call that holds a gate: what it ran could wait for that gate for ever."""
    if _held.get():
        raise EscalatorError(
            f"a call that holds gates ({', '.join(_held.get())}) can't run others: gates are for leaves"
        )


class Gates:
    """The gates of one engine.

    A call takes all that it names at once, when each has a place: one that waits holds none, so that no two ever wait
    for each other, and a full zone keeps nobody out of the site. Those that wait are let in by the order in which they
    came, as far as their gates have places.
    """

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()
        self._waiting: list[tuple[tuple[tuple[str, int], ...], asyncio.Future[None]]] = []

    @asynccontextmanager
    async def through(self, wanted: Iterable[tuple[str, int]]) -> AsyncIterator[None]:
        """Hold all of them."""
        gates = tuple(wanted)
        if gates:
            await self._enter(gates)
        token = _held.set(tuple(name for name, _ in gates))
        try:
            yield
        finally:
            _held.reset(token)
            self._leave(gates)

    async def _enter(self, gates: tuple[tuple[str, int], ...]) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((gates, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._let_in()  # no longer among those that wait
            else:
                self._leave(gates)  # let in and cancelled at once: the places go to the next
            raise

    def _leave(self, gates: tuple[tuple[str, int], ...]) -> None:
        if gates:
            self._inside.subtract(name for name, _ in gates)
            self._let_in()

    def _let_in(self) -> None:
        still = []
        for gates, turn in self._waiting:
            if turn.done():
                continue
            if all(self._inside[name] < limit for name, limit in gates):
                self._inside.update(name for name, _ in gates)
                turn.set_result(None)
            else:
                still.append((gates, turn))
        self._waiting = still
