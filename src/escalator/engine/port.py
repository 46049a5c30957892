"""The port behind which work runs.

A workflow is a named coroutine over plain JSON data with a deterministic id, so that an adapter that survives a crash
can find it again. Domain code registers its workflows and asks the engine to run them, and starts no task of its own.

What every adapter promises, and ``tests/conformance`` checks on each of them:

- calls start in the order of the list (those that may run at once may overtake each other) and answer in that order;
- all are waited for before a failure is raised;
- payloads and results are plain JSON, and come back as JSON would bring them (a tuple as a list);
- a failure is an :class:`escalator.errors.EscalatorError`: ours as it was, any other as one that names its type;
- a cancelled caller stops what it called and waits until that has stopped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Workflow = Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Call:
    """One run of a workflow.

    ``id`` is unique and the same again after a crash. An engine that keeps results answers an id that has ended with
    what it ended with, so work that is to run again (a second execute of one plan) needs new ids.

    ``queue`` names the queue of a site: only a worker that listens to it runs the call; "" runs it here.

    ``gates`` are (name, limit) pairs: at most ``limit`` calls that name a gate run at once in one process (a site, a
    zone, a kind of host). Only leaves carry gates: a call that holds one and runs others could wait for itself.
    """

    workflow: str
    id: str
    payload: dict[str, Any] = field(default_factory=dict)
    queue: str = ""
    gates: tuple[tuple[str, int], ...] = ()


class Engine(Protocol):
    """Runs workflows."""

    def register(self, name: str, workflow: Workflow) -> None:
        """Make a workflow known, before ``launch``; the name is what a crashed run finds it by."""
        ...

    async def close(self) -> None:
        """Stop what runs, and leave it pending for the next launch of an engine that keeps it."""
        ...

    async def launch(self) -> None:
        """Begin; what a crash left pending goes on from here. StorageError where the store can't be used."""
        ...

    async def run(self, calls: Sequence[Call], *, limit: int = 0) -> list[Any]:
        """Run calls, at most ``limit`` at once (0 = all); wait for all of them, then raise the first failure.

        A workflow has one ``run`` under way at a time: an engine that recovers it relies on the order of its calls.
        """
        ...

    def now(self) -> float:
        """Seconds since the epoch; virtual in a rehearsal."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass. What is left of a wait after a crash is for the caller to work out."""
        ...
