"""The part of DBOS Transact that Escalator uses: its public calls, in one place. Importing it takes a second."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sql
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer, SetWorkflowID, WorkflowHandleAsync, WorkflowStatus

from escalator.engine.port import Call
from escalator.engine.record import failure_from_data, failure_to_data
from escalator.errors import EscalatorError, StateError, StorageError

T = TypeVar("T")
Body = Callable[[Call], Awaitable[Any]]

APPLICATION = "escalator"
WAITING = ("ENQUEUED", "DELAYED")
AT_ONCE = 1000  # ids in one read
THREADS = 24  # for DBOS's blocking database calls, the loop's to_thread among them


class Json(Serializer):
    """Everything DBOS keeps for us is JSON that a person can read: no pickle, which would run what it loads.

    A failure of the store or of our own state folder is no outcome of a call. DBOS would record it as one (a result
    that a full disk refused becomes a failure that fits); it is refused here, so the call stays pending instead.
    """

    def __init__(self) -> None:
        self._refused = threading.local()

    def name(self) -> str:
        """Stands beside each row, so that another serializer's rows are refused."""
        return "escalator_json"

    def serialize(self, data: Any) -> str:
        """Inputs and results as they are, failures by their code; raises what must not be recorded."""
        if not isinstance(data, Exception):
            kept = {"value": data}
        elif isinstance(data, EscalatorError) and not isinstance(data, StateError):
            kept = {"failure": failure_to_data(data)}
        else:
            raise self._refuse(data)
        return json.dumps(kept, allow_nan=False, separators=(",", ":"), ensure_ascii=False)

    def deserialize(self, serialized_data: str) -> Any:
        """The value, or the failure to raise."""
        kept = json.loads(serialized_data)
        return failure_from_data(kept["failure"]) if "failure" in kept else kept["value"]

    def _refuse(self, error: Exception) -> EscalatorError:
        """The failure to raise. DBOS tries a refused one again as a bare Exception, in the same thread."""
        if type(error) is Exception and getattr(self._refused, "last", None):
            last: EscalatorError = self._refused.last
            return last
        failure = error if isinstance(error, StateError) else StorageError(f"the engine's store failed: {error}")
        self._refused.last = failure
        return failure


@dataclass(frozen=True)
class Answer:
    """What a call ended with."""

    value: Any
    failure: EscalatorError | None


@dataclass(frozen=True)
class Settings:
    """What makes one engine: where it keeps, who it is, which version's work it takes up, which queues it serves."""

    database: sql.Engine
    executor_id: str
    application_version: str
    queues: tuple[str, ...]
    poll_s: float

    @property
    def home(self) -> str:
        """The queue on which this executor takes up its own work again, and nobody else."""
        return home_of(self.executor_id)


def home_of(executor_id: str) -> str:
    """The queue of one executor."""
    return f"executor:{executor_id}"


def outside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Run it as if no workflow had called: inside one, DBOS would record the call as a step of it."""
    return asyncio.create_task(work, context=contextvars.Context())


class Transact:
    """One launched DBOS: there is at most one in a process."""

    def __init__(self, settings: Settings, names: Iterable[str], body: Body) -> None:
        self._settings = settings
        _keep_quiet()
        DBOS(config=_config(settings))
        # An unlimited number of recoveries: how often a campaign's machine may die is not DBOS's to say.
        register = {name: DBOS.workflow(name=name, max_recovery_attempts=None) for name in names}
        self._functions = {name: decorate(_named(name, body)) for name, decorate in register.items()}
        self._queues: set[str] = set()

    def launch(self) -> None:
        """Bring the tables up and go on with what is pending; on the loop's own thread, so that all runs there."""
        served = (self._settings.home, *self._settings.queues)
        DBOS.listen_queues(served)
        DBOS.launch()

    async def serve(self) -> None:
        """Make the queues known that this engine listens to."""
        for queue in (self._settings.home, *self._settings.queues):
            await self.know(queue)

    async def know(self, queue: str) -> None:
        """Make a queue known to all workers of this database."""
        if queue not in self._queues:
            await outside(
                DBOS.register_queue_async(
                    queue, polling_interval_sec=self._settings.poll_s, on_conflict="always_update"
                )
            )
            self._queues.add(queue)

    async def start(self, call: Call) -> WorkflowHandleAsync[Any]:
        """Start a call under its id, or find it. Its place among its parent's steps is taken before the first wait."""
        function = self._functions[call.workflow]
        gates = [list(gate) for gate in call.gates]
        with SetWorkflowID(call.id):
            if call.queue:
                return await DBOS.enqueue_workflow_async(call.queue, function, call.payload, gates)
            return await DBOS.start_workflow_async(function, call.payload, gates)

    def skip(self) -> None:
        """Take the place among the parent's steps that starting a call would have taken."""
        if DBOS.workflow_id is not None:
            DBOS.reserve_step()

    async def recorded(self, calls: Sequence[Call]) -> dict[str, Answer]:
        """Those of the calls that have ended, in few reads: a campaign that is taken up has thousands."""
        names = {call.id: call.workflow for call in calls}
        found: dict[str, Answer] = {}
        for some in _chunks(list(names)):
            ended = await outside(
                DBOS.list_workflows_async(workflow_ids=some, status=["SUCCESS", "ERROR"], load_input=False)
            )
            for one in ended:
                failure = one.error if isinstance(one.error, EscalatorError) else None
                if one.name == names[one.workflow_id] and (one.status == "SUCCESS" or failure):
                    found[one.workflow_id] = Answer(one.output, failure)
        return found

    async def result(self, handle: WorkflowHandleAsync[Any]) -> Any:
        """What a call ends with. Its own row keeps that, so it is not kept a second time with its parent."""
        return await outside(handle.get_result(polling_interval_sec=self._settings.poll_s))

    async def again(self, ids: list[str]) -> None:
        """Take up calls that were stopped in this process and are still pending; not what another worker has by now."""
        for some in _chunks(ids):
            stopped = await outside(
                DBOS.list_workflows_async(
                    workflow_ids=some,
                    status="PENDING",
                    executor_id=self._settings.executor_id,
                    load_input=False,
                    load_output=False,
                )
            )
            names = [one.workflow_id for one in stopped]
            if names:
                await outside(DBOS.resume_workflows_async(names, queue_name=self._settings.home))

    async def close(self) -> None:
        """End DBOS's threads. The loop gets a thread pool of its own back: DBOS had put its own there."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)


def migrate(database: sql.Engine) -> None:
    """Bring DBOS's tables up to the installed version."""
    _keep_quiet()
    DBOS.migrate(database.url.render_as_string(hide_password=False))


def client(database: sql.Engine) -> DBOSClient:
    """Reads and moves work without running any."""
    _keep_quiet()
    return DBOSClient(system_database_engine=database, serializer=Json(), application_name=APPLICATION)


def move(work: DBOSClient, executor_id: str, version: str, queue: str) -> tuple[str, ...]:
    """Put what an executor left unfinished on a queue; work of a site's queue goes back to that queue.

    The caller sees to it that the executor runs nothing any more and that nobody else moves its work at the same time.
    Returns the ids.
    """
    home = home_of(executor_id)
    left = work.list_workflows(status="PENDING", executor_id=executor_id, app_version=version, load_input=False)
    if queue != home:
        left += work.list_workflows(status=list(WAITING), queue_name=home, app_version=version, load_input=False)
    targets: dict[str, list[str]] = {}
    for one in left:
        targets.setdefault(_target(one, home, queue), []).append(one.workflow_id)
    for target, ids in targets.items():
        work.resume_workflows(ids, queue_name=target)
    return tuple(one.workflow_id for one in left)


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)]


def _target(one: WorkflowStatus, home: str, queue: str) -> str:
    return queue if one.queue_name in (None, home) else str(one.queue_name)


def _config(settings: Settings) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_engine": settings.database,
        "executor_id": settings.executor_id,
        "application_version": settings.application_version,
        "serializer": Json(),
        "log_level": "WARNING",
        "enable_otlp": False,
        "max_executor_threads": THREADS,
        "notification_listener_polling_interval_sec": 0.2,  # nothing is notified: this is how soon its thread ends
    }


def _named(name: str, body: Body) -> Callable[[dict[str, Any], list[list[Any]]], Coroutine[Any, Any, Any]]:
    async def workflow(payload: dict[str, Any], gates: list[list[Any]]) -> Any:
        return await body(Call(name, str(DBOS.workflow_id), payload, gates=tuple((g, n) for g, n in gates)))

    return workflow


class _OursAreReported(logging.Filter):
    """A failure of ours reaches the caller of ``run``; DBOS would log it as well, as its own error."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], EscalatorError))


def _keep_quiet() -> None:
    """DBOS prints to stderr unless its logger has a handler: give it none but the program's own."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_OursAreReported())
        logger.setLevel(logging.WARNING)
