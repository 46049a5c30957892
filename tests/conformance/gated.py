"""A run that waits at gates, on a kept engine, killed with -9 and resumed: ``gated.py URL FOLDER``.

URL "" keeps engine and journal in SQLite below FOLDER. One scenario a line on stdin, its story a line on stdout. Each
life is forked from here, where everything is imported and no thread runs, so that it costs no start of Python.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from chaos.points import KillableJournal, Points
from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.engine.durable import DurableEngine
from escalator.execution.commit import commit
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.journal.events import Kind, Record
from escalator.journal.fold import fold
from escalator.journal.group import GroupJournal
from escalator.journal.store import Store
from escalator.model.gates import COMMIT, Gate, GateKind
from escalator.model.plan import Action, Plan
from escalator.model.states import State
from world import plan

GATES = (
    Gate("word", GateKind.APPROVAL, "look first", before=("s1",)),
    Gate("after s2", GateKind.PAUSE, after=("s2.0",)),
    Gate("last", GateKind.APPROVAL, before=(COMMIT,)),
)


class Switches:
    """Verbs whose effects are lines of a file."""

    kind = "switch"

    def __init__(self, file: Path) -> None:
        self.file = file

    def done(self) -> list[str]:
        return self.file.read_text().split() if self.file.exists() else []

    async def probe(self, context: Context, action: Action) -> Probe:
        return Probe(Done.DONE if action.id in self.done() else Done.NOT_DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        with self.file.open("a") as file:
            file.write(f"{action.id}\n")
        return Outcome("on")

    async def undo(self, context: Context, action: Action) -> Outcome:
        raise AssertionError("nothing is taken back here")


class Scene:
    """One run: a plan of four steps and a commit, its journal and its engine."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.url = url or f"sqlite:///{folder / name}.engine.sqlite"
        self.journal_url = url
        self.verbs = Switches(folder / f"{name}.effects")
        self.plan: Plan = replace(plan(steps=4, actions=1), gates=GATES)

    def store(self) -> Store:
        if self.journal_url:
            return Store(self.journal_url, self.name)
        return Store.in_file(self.folder / f"{self.name}.journal.sqlite")

    def life(self, verb: str, at: str = "") -> str:
        """One life of a driver; how it ended: a state, ``killed``, or what went wrong."""
        said = self.folder / f"{self.name}.said"
        said.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            try:
                said.write_text(asyncio.run(self._drive(verb, at)).value)
            except BaseException:  # noqa: BLE001 - told to who waits for us
                said.write_text(traceback.format_exc())
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return f"killed {os.WTERMSIG(status)}"
        return said.read_text()

    async def _drive(self, verb: str, at: str) -> State:
        store = self.store()
        epoch = store.take("test", least=0)
        inner = GroupJournal(store, epoch=epoch)
        points = Points(names=frozenset({at}), killed=self.folder / f"{self.name}.killed")
        engine = DurableEngine(self.url, executor_id=self.name, application_version="gated", poll_s=0.05)
        driver = Driver(
            self.plan, KillableJournal(inner, points), engine, lambda _: self.verbs, lambda *_: cast("Any", None)
        )
        await driver.write(Kind.TAKEN, epoch=epoch, owner="test")
        try:
            return await execute(driver, self.name) if verb == "execute" else (await commit(driver, self.name))[0]
        finally:
            await engine.close()
            await inner.close()

    def approve(self, gate: str) -> None:
        """As ``escalator approve`` does it, beside whoever drives."""
        store = self.store()
        store.write([Record(Kind.ASKED, "", {"what": "approve", "gate": gate, "who": "ann"}, at=time.time())])
        store.close()

    def stands(self) -> dict[str, Any]:
        """What the journal says, and the effects."""
        store = self.store()
        view = fold(store.read())
        store.close()
        return {"state": view.state.value, "done": self.verbs.done()}


def story(scene: Scene, steps: list[list[str]]) -> list[dict[str, Any]]:
    """What came of each step: ``[execute|commit, point to be killed at]`` or ``[approve, gate]``."""
    told = []
    for what, which in steps:
        if what == "approve":
            scene.approve(which)
            continue
        ended = scene.life(what, which)
        told.append({"ended": ended, **scene.stands()})
    return told


def main(url: str, folder: Path) -> None:
    importlib.import_module("escalator.engine.transact")
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(story(Scene(job.get("url") or url, folder, job["name"]), job["steps"])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
