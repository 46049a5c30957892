"""A process of its own that runs a campaign in small on an engine, to be killed: ``worker.py URL LEDGER EXECUTOR ...``.

The ledger stands for the world: one line for each effect, on the disk before the effect counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

from escalator.engine.durable import DurableEngine
from escalator.engine.port import Call

PROCEDURES, LEAVES, LIMIT = 3, 6, 2


class Ledger:
    def __init__(self, path: Path, executor: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._executor = executor

    def write(self, what: str) -> None:
        os.write(self._file, f"{self._executor} {what}\n".encode())
        os.fsync(self._file)


def workflows(engine: DurableEngine, ledger: Ledger, go: Path) -> None:
    """A campaign of procedures of leaves; and a leaf that is held until ``go`` exists."""

    async def campaign(payload: dict[str, Any]) -> list[Any]:
        answers = []
        for n in range(PROCEDURES):
            answers += await engine.run([Call("procedure", f"{payload['id']}/{n}", {"id": f"{payload['id']}/{n}"})])
        return answers

    async def procedure(payload: dict[str, Any]) -> list[Any]:
        ids = [f"{payload['id']}/{n}" for n in range(LEAVES)]
        return await engine.run([Call("leaf", i, {"id": i}) for i in ids], limit=LIMIT)

    async def leaf(payload: dict[str, Any]) -> str:
        await asyncio.sleep(0.01)
        ledger.write(payload["id"])
        await asyncio.sleep(0.01)
        return str(payload["id"])

    async def held(payload: dict[str, Any]) -> str:
        ledger.write(payload["id"])
        while not go.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)
        return str(payload["id"])

    for workflow in (campaign, procedure, leaf, held):
        engine.register(workflow.__name__, workflow)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("ledger", type=Path)
    parser.add_argument("executor")
    parser.add_argument("--queue", action="append", default=[])
    parser.add_argument("--campaign", help="run it and end; else serve the queues until killed")
    args = parser.parse_args()
    engine = DurableEngine(
        args.url, executor_id=args.executor, application_version="conformance", queues=args.queue, poll_s=0.1
    )
    ledger = Ledger(args.ledger, args.executor)
    workflows(engine, ledger, args.ledger.with_suffix(".go"))
    await engine.launch()
    if args.campaign:
        answers = await engine.run([Call("campaign", args.campaign, {"id": args.campaign})])
        ledger.write(f"answers {sum(len(a) for a in answers[0])}")
    else:
        ledger.write("serves")
        await asyncio.Event().wait()
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main())
