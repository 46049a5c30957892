"""What the durable engine costs: workflows and actions per second on SQLite and PostgreSQL, beside raw fsync.

``.venv/bin/python bench/engine.py [--json] [--only sqlite|postgresql]``: its last line is one JSON object. Each store
is measured in a process of its own: one parent, its steps nested under it, 20 at a time, 10 no-op actions each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from escalator.engine.durable import DurableEngine
from escalator.engine.port import Call

ROOT = Path(__file__).parents[1]
FSYNC_S = 1.0


def fsync_per_s(folder: Path, seconds: float = FSYNC_S) -> float:
    """How many times a second this disk keeps 4 KiB more: what no store can beat, one commit at a time."""
    path, count = folder / "fsync", 0
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        os.write(file, b"x" * 4096)
        os.fsync(file)
        count += 1
    took = time.monotonic() - began
    os.close(file)
    path.unlink()
    return round(count / took)


async def action() -> None:
    """An action that does nothing: what is left is the engine's own cost."""
    await asyncio.sleep(0)


def engine_of(url: str, steps: int, actions: int, at_once: int, begun: asyncio.Event) -> DurableEngine:
    """An engine with a campaign of steps, and a last step that says when it is reached."""
    engine = DurableEngine(url, executor_id="bench", application_version="bench")

    async def step(payload: dict[str, Any]) -> int:
        for _ in range(actions):
            await action()
        return int(payload["n"])

    async def last(payload: dict[str, Any]) -> int:
        begun.set()
        if payload["hold"]:
            await asyncio.Event().wait()
        return steps

    async def campaign(payload: dict[str, Any]) -> int:
        calls = [Call("step", f"{payload['id']}/{n}", {"n": n}) for n in range(steps)]
        hold = Call("last", f"{payload['id']}/last", {"hold": payload["hold"]})
        return len(await engine.run([*calls, hold], limit=at_once))

    for workflow in (step, last, campaign):
        engine.register(workflow.__name__, workflow)
    return engine


async def throughput(url: str, steps: int, actions: int, at_once: int) -> dict[str, float]:
    """A campaign from its start to its end."""
    engine = engine_of(url, steps, actions, at_once, asyncio.Event())
    began = time.monotonic()
    await engine.launch()
    launched = time.monotonic()
    cpu = time.process_time()
    await engine.run([Call("campaign", "whole", {"id": "whole", "hold": False})])
    took, cpu = time.monotonic() - launched, time.process_time() - cpu
    await engine.close()
    return {
        "launch_s": round(launched - began, 3),
        "workflows_per_s": round(steps / took, 1),
        "actions_per_s": round(steps * actions / took, 1),
        "cpu_ms_per_workflow": round(cpu / steps * 1000, 2),
    }


async def resume(url: str, steps: int, actions: int, at_once: int) -> dict[str, float]:
    """A campaign stopped at its last step, and how long until that one runs again in a new engine."""
    for again in (False, True):
        begun = asyncio.Event()
        engine = engine_of(url, steps, actions, at_once, begun)
        began = time.monotonic()
        await engine.launch()
        asked = asyncio.create_task(engine.run([Call("campaign", "held", {"id": "held", "hold": True})]))
        await begun.wait()
        took = time.monotonic() - began
        await engine.close()
        await asyncio.gather(asked, return_exceptions=True)
        if again:
            return {"resume_s": round(took, 3), "recorded_actions": steps * actions}
    raise AssertionError


def measure(url: str, args: argparse.Namespace) -> dict[str, float]:
    """All figures of one store, in this process."""
    shape = (args.steps, args.actions, args.at_once)
    figures = asyncio.run(throughput(url, *shape))
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {**figures, **asyncio.run(resume(url, *shape))}


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """A fresh store's URL; a PostgreSQL is started for it, fsync on."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/engine.db"
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from postgres import running  # noqa: PLC0415 - the tests' own server

    with running() as server:
        yield server.new_database()


def in_a_process(url: str, args: argparse.Namespace) -> dict[str, float]:
    """Measure in a new process, so that the peak of memory is that of one store."""
    shape = ["--steps", str(args.steps), "--actions", str(args.actions), "--at-once", str(args.at_once)]
    command = [sys.executable, __file__, "--url", url, *shape]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure, print a line for each figure unless only JSON is wanted, and the JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--actions", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.url:
        print(json.dumps(measure(args.url, args)))
        return
    with tempfile.TemporaryDirectory(prefix="escalator-bench-") as name:
        folder = Path(name)
        figures: dict[str, float] = {"fsync_per_s": fsync_per_s(folder)}
        for kind in [args.only] if args.only else ["sqlite", "postgresql"]:
            with store(kind, folder) as url:
                figures |= {f"{kind}_{key}": value for key, value in in_a_process(url, args).items()}
    if not args.json:
        for key, value in figures.items():
            print(f"{key:34} {value:>10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
