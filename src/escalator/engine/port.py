"""The port behind which work runs.

A workflow is a named coroutine over plain JSON data with a deterministic id, so that an adapter that survives a crash
can find it again. Domain code registers its workflows and asks the engine to run them, and starts no task of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Workflow = Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Call:
    """One run of a workflow; ``id`` is unique and the same again after a crash."""

    workflow: str
    id: str
    payload: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Runs workflows."""

    def register(self, name: str, workflow: Workflow) -> None:
        """Make a workflow known; the name is what a crashed run finds it by."""
        ...

    async def launch(self) -> None:
        """Begin; what a crash left pending goes on from here. StorageError where the store can't be used."""
        ...

    async def run(self, calls: Sequence[Call], *, limit: int = 0) -> list[Any]:
        """Run calls, at most ``limit`` at once (0 = all); wait for all of them, then raise the first failure."""
        ...

    def now(self) -> float:
        """Seconds since the epoch; virtual in a rehearsal."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...
