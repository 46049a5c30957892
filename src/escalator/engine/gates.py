"""Gates: at most so many calls of one name at once in this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar

from escalator.errors import EscalatorError

_held: ContextVar[tuple[str, ...]] = ContextVar("escalator_gates_held", default=())


def refuse_in_gate() -> None:
    """EscalatorError inside a call that holds a gate: what it ran could wait for that gate for ever."""
    if _held.get():
        raise EscalatorError(
            f"a call that holds gates ({', '.join(_held.get())}) can't run others: gates are for leaves"
        )


class _Gate:
    """Lets callers in by the order in which they came."""

    def __init__(self) -> None:
        self._inside = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, limit: int) -> None:
        if not self._waiting and self._inside < limit:
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((limit, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._let_in()  # no longer in front of those behind
            else:
                self.leave()  # let in and cancelled at once: the place goes to the next
            raise

    def leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            limit, turn = self._waiting[0]
            if not turn.done():
                if self._inside >= limit:
                    return
                self._inside += 1
                turn.set_result(None)
            self._waiting.popleft()


class Gates:
    """The gates of one engine, made when first named."""

    def __init__(self) -> None:
        self._gates: dict[str, _Gate] = {}

    @asynccontextmanager
    async def through(self, wanted: Iterable[tuple[str, int]]) -> AsyncIterator[None]:
        """Hold all of them, taken in the order of their names, so that two calls never wait for each other."""
        names: list[str] = []
        async with AsyncExitStack() as stack:
            for name, limit in sorted(wanted):
                gate = self._gates.setdefault(name, _Gate())
                await gate.enter(limit)
                stack.callback(gate.leave)
                names.append(name)
            token = _held.set(tuple(names))
            try:
                yield
            finally:
                _held.reset(token)
