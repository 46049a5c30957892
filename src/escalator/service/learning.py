"""Learning how long acts take from the journals of finished runs: into ``catalogue/times.yaml`` of the state folder."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from escalator.catalogue.components import Catalogue
from escalator.catalogue.fit import Point, fit
from escalator.catalogue.times import Key, LearnedTime, save_times
from escalator.errors import EscalatorError
from escalator.execution import runs
from escalator.execution.measured import Measured, measured
from escalator.journal.events import Kind, Listener, Record
from escalator.journal.fold import View, fold
from escalator.model.states import State
from escalator.plan.learned import subject_of
from escalator.service.place import Place

#: What a run of these states has done is done well.
FINISHED = frozenset(
    {State.EXECUTION_COMPLETED, State.CAMPAIGN_COMMITTED, State.ROLLBACK_COMPLETED, State.ROLLBACK_COMMITTED}
)
MOST_RUNS = 30  # the newest: hosts and releases change


@dataclass(frozen=True)
class Lesson:
    """What was learned: the entries that are new or newer, of how many runs, and those that could not be read."""

    times: tuple[LearnedTime, ...]
    runs: int
    unread: dict[str, str]  # run -> why

    @property
    def text(self) -> str:
        """It in a line."""
        return f"times of {len(self.times)} acts are learned from {self.runs} run{'s' * (self.runs != 1)}"


@dataclass
class _Seen:
    """All measurements of one key, oldest run first."""

    points: list[Point]
    runs: set[str]
    per_unit_s: float = 0.0


def learn(place: Place) -> Lesson:
    """Read the newest finished runs and write what they teach; DocumentError where times.yaml does not fit."""
    catalogue = place.catalogue()
    finished, unread = _finished(place.state)
    seen: dict[Key, _Seen] = {}
    for run, records in finished:
        for one in measured(run.plan, records):
            _remember(seen, run.folder.name, one, catalogue)
    times = tuple(_entry(key, seen[key]) for key in sorted(seen))
    if times:
        save_times(place.overlay, catalogue.learned.with_newer(times))
    return Lesson(times, len(finished), unread)


def learn_behind(place: Place, view: View, listen: Listener) -> None:
    """Learn where a run has just finished; that it can't be learned from is said, and stops nobody."""
    if view.state not in FINISHED:
        return
    try:
        lesson = learn(place)
        text = lesson.text
    except EscalatorError as error:
        text = f"times were not learned: {error.text}"
    listen(Record(Kind.NOTE, "", {"what": "learned", "text": text}))


def _finished(state: Path) -> tuple[list[tuple[runs.Run, tuple[Record, ...]]], dict[str, str]]:
    """The newest finished runs, oldest first, with their records; and what could not be read."""
    found: list[tuple[float, str, runs.Run, tuple[Record, ...]]] = []
    unread: dict[str, str] = {}
    folders = [(p.stat().st_mtime, p.name) for p in (state / "runs").glob("*") if p.is_dir()]
    for _, name in sorted(folders, reverse=True):
        if len(found) == MOST_RUNS:
            break
        try:
            run = runs.load(state, name)
            records = run.records()
            view = fold(records)
        except EscalatorError as error:
            unread[name] = error.text
            continue
        if view.state in FINISHED:
            found.append((view.started, name, run, records))
    found.sort(key=lambda row: row[:2])
    return [(run, records) for _, _, run, records in found], unread


def _remember(seen: dict[Key, _Seen], run: str, one: Measured, catalogue: Catalogue) -> None:
    """Under what it is about; and, but for tests, of which each has its own time, under all of this act."""
    action = one.action
    of = subject_of(action, one.component, catalogue)
    names: Iterable[str] = {of} if "test" in action.args else {of, ""}
    for name in names:
        mine = seen.setdefault((action.kind, name, one.verb, action.basis.unit), _Seen([], set()))
        mine.points.append(Point(action.basis.size, one.took_s))
        mine.runs.add(run)
        mine.per_unit_s = action.basis.per_unit_s


def _entry(key: Key, seen: _Seen) -> LearnedTime:
    act, of, verb, unit = key
    found = fit(seen.points, seen.per_unit_s)
    return LearnedTime(
        act=act, of=of, verb=verb, unit=unit,
        expected_s=round(found.expected_s, 3), expected_per_unit_s=round(found.expected_per_unit_s, 6),
        longest_s=max(1.0, math.ceil(10 * found.longest_s) / 10),
        longest_per_unit_s=math.ceil(1e6 * found.longest_per_unit_s) / 1e6,
        runs=len(seen.runs), measured=len(seen.points),
    )  # fmt: skip
