"""The engine of real campaigns: each call is a DBOS workflow, kept in SQLite or PostgreSQL (docs/adr, 4).

What a crash left pending is taken up at the next launch by the same executor id; another executor's by
:mod:`escalator.engine.takeover`. A workflow that is taken up runs from its beginning: what it calls and has ended
answers from its record, its own acts are guarded by the journal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from escalator.engine.database import open_database
from escalator.engine.gates import Gates, refuse_in_gate
from escalator.engine.port import Call, Workflow
from escalator.engine.record import ours, plain, plain_calls
from escalator.engine.takeover import recover
from escalator.engine.together import together
from escalator.errors import EscalatorError, StateError, StorageError

if TYPE_CHECKING:
    from escalator.engine.transact import Answer, Transact

_launched: list[str] = []  # the executor id of the engine that is launched: DBOS is one per process

POLL_S = 0.25  # between two looks at a queue, or at a call that runs elsewhere
STOP_S = 10.0  # a store that does not answer must not keep a cancelled caller for ever


class DurableEngine:
    """Runs workflows so that they outlive the process.

    ``url``: ``sqlite:///PATH`` (one process only: its user holds a lock) or ``postgresql+psycopg://...`` (the database
    exists). ``executor_id``: who takes this engine's work up again; never used by two processes at once.
    ``application_version``: only work of the same version is taken up, so it is set by hand and changes only where
    old workflows can't be gone on with. ``queues``: those of the sites that this process serves. ``poll_s``: seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        executor_id: str,
        application_version: str,
        queues: Sequence[str] = (),
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._url = url
        self._executor_id = executor_id
        self._version = application_version
        self._queues = tuple(queues)
        self._poll_s = poll_s
        self._workflows: dict[str, Workflow] = {}
        self._gates = Gates()
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._asking: set[asyncio.Task[Any]] = set()
        self._stopped: set[str] = set()
        self._closing = False
        self._database: sql.Engine | None = None
        self._transact: Transact | None = None

    def register(self, name: str, workflow: Workflow) -> None:
        """Make a workflow known; StateError behind the launch, when pending work may have missed it already."""
        if self._transact is not None:
            raise StateError(f"workflow {name} is registered after the engine's launch")
        self._workflows[name] = workflow

    async def launch(self) -> None:
        """Bring the store up and take up what is pending. Blocks the loop for some tenths of a second."""
        from escalator.engine import transact  # noqa: PLC0415 - a second of imports that only a campaign needs

        if _launched:
            raise StateError(f"an engine is launched already in this process: {_launched[0]}")
        self._database = await asyncio.to_thread(open_database, self._url)
        _launched.append(self._executor_id)
        self._closing = False
        settings = transact.Settings(self._database, self._executor_id, self._version, self._queues, self._poll_s)
        try:
            await asyncio.to_thread(recover, self._database, self._executor_id, self._version)
            self._transact = transact.Transact(settings, self._workflows, self._body)
            self._transact.launch()
            await self._transact.serve()
        except Exception as error:
            await self.close()
            raise StorageError(f"the engine's store can't be used: {error}") from error

    async def close(self) -> None:
        """Stop what runs here; it stays pending. A second engine can be launched afterwards."""
        self._closing = True
        ending = [*self._asking, *self._running.values()]  # who asks may wait for a call that runs elsewhere
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self._transact is not None:
            await self._transact.close()
            self._transact = None
        if self._database is not None:
            _launched.clear()
            self._database.dispose()
            self._database = None

    async def run(self, calls: Sequence[Call], *, limit: int = 0) -> list[Any]:
        """Run calls, or find what they ended with; all are waited for before a failure is raised."""
        refuse_in_gate()
        if self._transact is None:
            raise StateError("the engine is not launched")
        transact = self._transact
        calls = plain_calls(calls)
        for call in calls:
            if call.workflow not in self._workflows:
                raise EscalatorError(f"no workflow '{call.workflow}' is registered")
        stopped = [call.id for call in calls if call.id in self._stopped]
        if stopped:
            self._stopped.difference_update(stopped)
            await transact.again(stopped)
        for queue in {call.queue for call in calls if call.queue}:
            await transact.know(queue)
        recorded = await transact.recorded(calls) if len(calls) > 1 else {}
        return await together([partial(self._one, transact, recorded, call) for call in calls], limit)

    async def _one(self, transact: Transact, recorded: dict[str, Answer], call: Call) -> Any:
        task = asyncio.ensure_future(self._ask(transact, recorded, call))
        self._asking.add(task)
        try:
            return await task
        finally:
            self._asking.discard(task)

    async def _ask(self, transact: Transact, recorded: dict[str, Answer], call: Call) -> Any:
        starting = asyncio.ensure_future(_begin(transact, recorded, call))
        try:
            return await (await asyncio.shield(starting))()
        except asyncio.CancelledError:
            await asyncio.wait([starting], timeout=STOP_S)
            await self._stop(call.id)
            raise
        except StateError:
            self._stopped.add(call.id)  # not recorded, so pending with nobody at it
            raise
        except EscalatorError:
            raise
        except SQLAlchemyError as error:
            self._stopped.add(call.id)
            raise StorageError(f"the engine's store failed: {error}") from error
        except Exception as error:
            raise ours(error) from error

    async def _stop(self, identifier: str) -> None:
        """Stop a call whose caller was cancelled. It stays pending: this process may ask for it again, or the next."""
        self._stopped.add(identifier)
        task = self._running.get(identifier)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=STOP_S)

    async def _body(self, call: Call) -> Any:
        """What each DBOS workflow does."""
        task = asyncio.current_task()
        if self._closing or call.id in self._stopped or task is None:
            raise asyncio.CancelledError  # its caller was cancelled before it began
        self._running[call.id] = task
        try:
            async with self._gates.through(call.gates):
                return plain(await self._workflows[call.workflow](call.payload))
        except EscalatorError:
            raise
        except Exception as error:
            raise ours(error) from error
        finally:
            if self._running.get(call.id) is task:
                del self._running[call.id]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    async def sleep(self, seconds: float) -> None:
        """Let time pass; not kept."""
        await asyncio.sleep(seconds)


async def _begin(transact: Transact, recorded: dict[str, Answer], call: Call) -> Callable[[], Awaitable[Any]]:
    """Start a call, or pass over it where its answer is known; gives how to wait for the answer.

    Both take their place among the caller's steps at once, so that the places come in the order of the calls.
    """
    known = recorded.get(call.id)
    if known is None:
        return partial(transact.result, await transact.start(call))
    transact.skip()
    return partial(_answer, known)


async def _answer(known: Answer) -> Any:
    if known.failure:
        raise known.failure
    return known.value
