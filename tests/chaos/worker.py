"""Lives and ends in one place: carries chains of kills out and says what is wrong with what is left.

Usage: ``python -m chaos.worker FOLDER``; a job (JSON) a line on stdin, an answer a line on stdout. It imports all that
a life needs, runs no thread, and forks each life, so that one costs milliseconds instead of a start of Python."""

from __future__ import annotations

import importlib
import json
import random
import re
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from chaos import campaigns, ledger
from chaos.child import Life, born
from chaos.ends import wait
from chaos.faults import FAULTS
from chaos.sandbox import World, free_port
from escalator.execution import runs
from escalator.journal.fold import fold
from escalator.journal.journal import verify
from escalator.model.states import State

MOST_LIVES = 5000
MOST_TOLD = 20  # problems of one run
SPREAD = 2.4  # an instant is up to so many even shares of a run's points away: commits are points, too
STARTS_FROM = {"execute": "made", "rollback": "executed", "commit": "executed", "restore": "executed"}
ENDS_IN = {
    "execute": State.EXECUTION_COMPLETED, "rollback": State.ROLLBACK_COMPLETED, "commit": State.CAMPAIGN_COMMITTED,
    "restore": State.EXECUTION_COMPLETED,
}  # fmt: skip


@dataclass
class Place:
    """Where this worker's worlds stand; ``server``: URL of a PostgreSQL, or ""."""

    folder: Path
    campaign: str
    server: str = ""
    living: int = 0  # a life that was left under way
    _port: int = 0

    def __post_init__(self) -> None:
        self._port = free_port()
        self.top = self.folder / f"{self.campaign}-{'postgresql' if self.server else 'sqlite'}"
        self.world = World(self.top / "world", self._port)
        self.undisturbed: dict[str, dict[str, Any]] = {}

    def make(self) -> None:
        """The world before the campaign, and an undisturbed run of the part that others start from."""
        artefacts = self.top / "artefacts"
        artefacts.mkdir(parents=True)
        make = campaigns.every_kind if self.campaign == "every-kind" else campaigns.long
        scene = make(self.world, artefacts)
        runs.create(self.world.state, scene.plan, "")
        if self.server:
            self._database("CREATE DATABASE {}", self._name("world"))
        self.world.boot()
        self._alone("nothing")  # makes the tables of both, so that no life pays for them
        self.save("made")

    def measure(self, verb: str) -> dict[str, Any]:
        """What an undisturbed run of one verb reaches and leaves."""
        if verb not in self.undisturbed:
            start = STARTS_FROM[verb]
            if start != "made" and not (self.top / start).exists():
                self.measure("execute")
            self.put_back(start)
            before = self.world.as_it_is()
            began = time.monotonic()
            answer = self._alone(verb, seen=True)
            took = time.monotonic() - began
            problems = self.problems(verb, None, 0)
            assert not problems, f"undisturbed {verb}: {answer}: {problems}"
            names = list(dict.fromkeys((self.world.top / "seen").read_text().splitlines()))
            self.undisturbed[verb] = {
                "names": names, "effects": self.world.effects(), "end": self.world.as_it_is(), "start": before,
                "took_s": took, "kinds": sorted(campaigns.kinds(runs.load(self.world.state).plan)),
            }  # fmt: skip
            if verb == "execute":
                for name in ("seen", "killed", "answers"):
                    (self.world.top / name).unlink(missing_ok=True)
                self.save("executed")
        return self.undisturbed[verb]

    def life(self, verb: str, **more: Any) -> Life:
        database = self._url(self._name("world")) if self.server else ""
        return Life(self.world.top, verb, database, **more)

    def _alone(self, verb: str, **more: Any) -> str:
        pid = born(self.life(verb, **more))
        status = wait(pid)
        assert status == 0, f"{verb}: {status}: {self.said(pid)} {self.tail('stderr')}"
        return self.said(pid)

    def said(self, pid: int) -> str:
        """What a life said at its end."""
        lines = self.tail("answers", 100_000).split("\0")
        return "\n".join(line.split("\t", 1)[1] for line in lines if line.startswith(f"{pid}\t"))

    def tail(self, name: str, characters: int = 2500) -> str:
        path = self.world.top / name
        return path.read_text()[-characters:] if path.exists() else ""

    def save(self, name: str) -> None:
        self.world.save(name)
        if self.server:
            self._copy("world", name)

    def put_back(self, name: str) -> None:
        self.world.put_back(name)
        if self.server:
            self._copy(name, "world")

    def problems(self, verb: str, wanted: dict[str, Any] | None, kills: int) -> list[str]:
        """What is wrong with the end: effects, hosts, journal, state."""
        self.world.quiet()
        run = runs.load(self.world.state)
        store = self.life(verb).store(run)
        head, records = store.head(), store.read()
        store.close()
        verify(records, head)
        view = fold(records)
        found = [] if view.state is ENDS_IN[verb] else [f"ends in {view.state}: {view.problems} {view.halts}"]
        found += [f"in doubt: {view.in_doubt}"] if view.in_doubt else []
        found += [f"left behind: {path}" for path in self.world.state.glob("backups/.*.part")]
        if wanted is not None:
            found += ledger.faults(self.world.effects(), wanted["effects"], kills)
            found += _differences(self.world.as_it_is(), wanted["end"])
        return found

    def _copy(self, source: str, target: str) -> None:
        self._database("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._name(target))
        self._database("CREATE DATABASE {} TEMPLATE {}", self._name(target), self._name(source))

    def _name(self, what: str) -> str:
        return re.sub(r"[^a-z0-9]+", "_", f"{self.folder.name}_{self.campaign}_{what}".lower())

    def _url(self, database: str) -> str:
        return self.server.replace("/postgres?", f"/{database}?")

    def _database(self, statement: str, *names: str) -> None:
        engine = sql.create_engine(self.server, isolation_level="AUTOCOMMIT", poolclass=sql.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement.format(*names))
        engine.dispose()


def chain(place: Place, verb: str, names: list[str]) -> dict[str, Any]:
    """One run, killed at each of the named points that it comes to, each time once; resumed until it ends."""
    place.measure(verb)
    place.put_back(STARTS_FROM[verb])
    left = set(names)
    killed = place.world.top / "killed"
    lives = 0
    while True:
        lives += 1
        (place.world.top / "slow").unlink(missing_ok=True)
        status = wait(born(place.life(verb, names=frozenset(left))))
        left -= set(killed.read_text().splitlines()) if killed.exists() else set()
        if status != -signal.SIGKILL or lives > MOST_LIVES:
            break
    return _answer(place, verb, lives - 1, status, {"killed": len(names) - len(left), "left": sorted(left)})


def instants(place: Place, verb: str, seed: int, kills: int) -> dict[str, Any]:
    """One run, killed ``kills`` times, each time so many points behind its start as the seed says."""
    wanted = place.measure(verb)
    place.put_back(STARTS_FROM[verb])
    dice = random.Random(seed)
    had = 0
    while True:
        furthest = max(2, int(SPREAD * len(wanted["names"]) / (kills + 1)))
        status = wait(born(place.life(verb, at=dice.randint(1, furthest) if had < kills else 0, commits=True)))
        if status != -signal.SIGKILL:
            break
        had += 1
    return _answer(place, verb, had, status, {"killed": had, "left": []})


def _answer(place: Place, verb: str, kills: int, status: int, more: dict[str, Any]) -> dict[str, Any]:
    problems = [] if status == 0 else [f"the last life ended with {status}"]
    problems += place.problems(verb, place.undisturbed[verb], kills)
    if problems:
        problems = problems[:MOST_TOLD]
        problems += [f"{name}: {place.tail(name)}" for name in ("killed", "answers", "stderr")]
    return {"problems": problems, **more}


def _differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    keys = sorted(one.keys() | other.keys())
    return [f"differs: {k}: {one.get(k)} not {other.get(k)}" for k in keys if one.get(k) != other.get(k)]


def main(folder: Path) -> None:
    """Answer jobs until there are none."""
    importlib.import_module("escalator.engine.transact")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending what runs in our worlds
    places: dict[tuple[str, str], Place] = {}
    try:
        for line in sys.stdin:
            job = json.loads(line)
            try:
                answer = _job(_place(places, folder, job.pop("campaign"), job.pop("server")), **job)
            except Exception:  # noqa: BLE001 - told to who gave the job
                answer = {"problems": [traceback.format_exc()], "killed": 0, "left": []}
            print(json.dumps(answer), flush=True)
    finally:
        for place in places.values():
            place.world.end()


def _place(places: dict[tuple[str, str], Place], folder: Path, campaign: str, server: str) -> Place:
    key = (campaign, server)
    if key not in places:
        places[key] = Place(folder, campaign, server)
        places[key].make()
    return places[key]


def _job(place: Place, verb: str, how: str, **given: Any) -> dict[str, Any]:
    if how == "measure":
        found = place.measure(verb)
        return {"problems": [], **{key: found[key] for key in ("names", "took_s", "start", "end", "kinds")}}
    if how in FAULTS:
        place.measure(verb)
        return FAULTS[how](place, **given)
    return (
        chain(place, verb, given["names"]) if how == "chain" else instants(place, verb, given["seed"], given["kills"])
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
