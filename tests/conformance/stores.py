"""Where the engines under test keep their work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from escalator.engine.durable import DurableEngine
from escalator.engine.memory import MemoryEngine
from escalator.engine.port import Engine


@dataclass(frozen=True)
class Store:
    """``url`` "" is memory. Engines of one store see each other's work."""

    url: str

    def engine(self, executor: str = "one", queues: Sequence[str] = ()) -> Engine:
        if not self.url:
            return MemoryEngine()
        return DurableEngine(
            self.url, executor_id=executor, application_version="conformance", queues=queues, poll_s=0.1
        )
