"""What carrying a plan out costs beside its actions: actions per second on SQLite and PostgreSQL, beside raw fsync.

``.venv/bin/python bench/engine.py [--json] [--only sqlite|postgresql] [--steps N]``: its last line is one JSON object.
The whole of it is measured: executor, journal (an intent and an outcome for each action, fsync on) and durable engine
(a workflow for each step). The actions do nothing; each step has 10, 20 steps are under way at a time. Each store is
measured in a process of its own. ``resume_s``: from the start of an engine on a run whose process was killed, with all
actions but one recorded, until that one begins.
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
from typing import cast

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.engine.durable import DurableEngine
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.journal.group import GroupJournal
from escalator.journal.journal import verify
from escalator.journal.store import Store
from escalator.model.plan import Action, Mode, Phase, Plan, Policy, Procedure, Step
from escalator.model.states import State

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


class Nothing:
    """Verbs that do nothing, but for the last action, which says when it is reached and waits to be killed there."""

    kind = "nothing"

    def __init__(self, *, hold: bool) -> None:
        self.hold = hold
        self.reached = asyncio.Event()
        self.began = self.cpu = 0.0

    async def probe(self, context: Context, action: Action) -> Probe:
        """Nothing can be done twice."""
        del context, action
        return Probe(Done.NOT_DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Do nothing, or wait."""
        del context
        if not self.began:
            self.began, self.cpu = time.monotonic(), time.process_time()
        if action.id == "last/0":
            self.reached.set()
            if self.hold:
                await asyncio.Event().wait()
        return Outcome()

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Undo nothing."""
        del context, action
        return Outcome()


def step(name: str, actions: int) -> Step:
    """A step of actions that do nothing."""
    acts = (
        Action(f"{name}/{n}", "nothing", "bench", f"host{n}", {"unit": "x"}, f"do nothing {n}", 1, 600)
        for n in range(actions)
    )
    return Step(name, f"step {name}", Phase.ROLL, "nova", f"bench/{name}", tuple(acts))


def plan(steps: int, actions: int, at_once: int) -> Plan:
    """Steps side by side, and a last one of a single action."""
    many = tuple(step(f"s{n}", actions) for n in range(steps))
    return Plan(
        campaign="bench", site="bench", hop=("a", "b"), bundle="b", changes=(),
        procedures=(
            Procedure("many", "many", Phase.ROLL, Mode.PARALLEL, many, limit=at_once),
            Procedure("end", "end", Phase.VERIFY, Mode.SEQUENCE, (step("last", 1),)),
        ),
        commit=(), policy=Policy(), smooth=True, inventory_digest="", catalogue_digest="", created_at="now",
    )  # fmt: skip


async def live(url: str, shape: tuple[int, int, int], *, hold: bool) -> dict[str, float]:
    """One life of a driver: to the end, or to the last action."""
    made, verbs = plan(*shape), Nothing(hold=hold)
    began = time.monotonic()
    store = Store(url, "bench")
    records = store.read()
    verify(records, store.head())
    journal = GroupJournal(store, epoch=store.take("bench"))
    engine = DurableEngine(url, executor_id="bench", application_version="bench")
    driver = Driver(made, journal, engine, lambda _: verbs, lambda _, __: cast("Context", None))
    running = asyncio.create_task(execute(driver, "bench"))
    await asyncio.wait([running, asyncio.create_task(verbs.reached.wait())], return_when=asyncio.FIRST_COMPLETED)
    reached, cpu = time.monotonic(), time.process_time()
    if hold:
        return {"resume_s": round(reached - began, 3), "records": len(records)}
    if await running is not State.EXECUTION_COMPLETED:
        raise SystemExit(f"the bench's campaign ended {driver.view.state}: {driver.view.halts}")
    await engine.close()
    await journal.close()
    count = shape[0] * shape[1]
    return {
        "actions_per_s": round(count / (reached - verbs.began), 1),
        "cpu_ms_per_action": round((cpu - verbs.cpu) / count * 1000, 3),
    }


def measure(url: str, args: argparse.Namespace) -> dict[str, float]:
    """The figure that is asked for, in this process; one that holds ends like a killed one."""
    figures = asyncio.run(_measured(url, args))
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


async def _measured(url: str, args: argparse.Namespace) -> dict[str, float]:
    shape = (args.steps, args.actions, args.at_once)
    figures = await live(url, shape, hold=args.hold)
    if args.hold:
        print(json.dumps(figures), flush=True)
        os.kill(os.getpid(), 9)
    return figures


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """A fresh store's URL; a PostgreSQL is started for it, fsync on."""
    if kind == "sqlite":
        folder.mkdir()
        yield f"sqlite:///{folder}/run.db"
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from postgres import running  # noqa: PLC0415 - the tests' own server

    with running() as server:
        yield server.new_database()


def in_a_process(url: str, args: argparse.Namespace, *, hold: bool = False) -> dict[str, float]:
    """Measure in a new process, so that the peak of memory is that of one store."""
    shape = ["--steps", str(args.steps), "--actions", str(args.actions), "--at-once", str(args.at_once)]
    command = [sys.executable, __file__, "--url", url, *shape, *(["--hold"] if hold else [])]
    done = subprocess.run(command, check=not hold, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def figures_of(kind: str, folder: Path, args: argparse.Namespace) -> dict[str, float]:
    """A whole run, and one that is killed before its last action and taken up again."""
    with store(kind, folder / "whole") as url:
        figures = in_a_process(url, args)
    with store(kind, folder / "killed") as url:
        in_a_process(url, args, hold=True)
        figures["resume_s"] = in_a_process(url, args, hold=True)["resume_s"]
    return {f"{kind}_{key}": value for key, value in figures.items()}


def main() -> None:
    """Measure, print a line for each figure unless only JSON is wanted, and the JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--actions", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.url:
        print(json.dumps(measure(args.url, args)))
        return
    with tempfile.TemporaryDirectory(prefix="escalator-bench-") as name:
        folder = Path(name)
        figures: dict[str, float] = {"fsync_per_s": fsync_per_s(folder)}
        for kind in [args.only] if args.only else ["sqlite", "postgresql"]:
            figures |= figures_of(kind, folder, args)
        for key in ("resume_s", "peak_rss_mb"):
            figures[key] = max(value for name, value in figures.items() if name.endswith(key))
        figures["recorded_actions"] = args.steps * args.actions
    if not args.json:
        for key, value in figures.items():
            print(f"{key:34} {value:>10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
