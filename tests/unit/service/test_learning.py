"""Learning from the runs of a state folder, through the command line and behind a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from escalator.catalogue.times import NAME
from escalator.errors import DocumentError
from escalator.execution import runs
from escalator.journal.events import Kind, Record
from escalator.service import Place, learn
from escalator.service.learning import MOST_RUNS, learn_behind
from small_site import plan

START = "roll/controller/nova-api-a/unit.start"
STOP = "roll/controller/nova-api-a/unit.stop"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "site.yaml", tmp_path)


def ended(place: Place, took_s: float, *events: str, at: float = 1000.0) -> runs.Run:
    """A run that started one unit; ``events`` move its campaign behind that."""
    run = runs.create(place.state, plan(), "")
    records = [Record(Kind.TAKEN, "", {"epoch": 1}), Record(Kind.MOVED, "", {"event": "execute"})]
    for action, took in ((STOP, took_s / 4), (START, took_s)):
        done = {"verb": "do", "result": "ok", "took_s": took}
        records += [Record(Kind.INTENT, action, {"verb": "do"}), Record(Kind.OUTCOME, action, done)]
    records += [Record(Kind.MOVED, "", {"event": e}) for e in events]
    store = run.store()
    store.write([Record(r.kind, r.subject, r.data, at) for r in records])
    store.close()
    return run


def expected(place: Place, act: str = "unit.start", of: str = "nova-api") -> tuple[float, int]:
    found = place.catalogue().learned.time_of(act, of, "do", "")
    assert found is not None
    return found.expected_s, found.runs


def test_the_median_of_finished_runs_is_learned_for_a_service_and_for_the_act(place: Place) -> None:
    for took in (8.0, 20.0, 9.0):
        ended(place, took, "all-done")
    lesson = learn(place)
    assert lesson.runs == 3
    assert expected(place) == (9.0, 3)
    assert expected(place, of="glance-api") == (9.0, 3)
    text = (place.overlay / NAME).read_text()
    learn(place)
    assert (place.overlay / NAME).read_text() == text


def test_runs_that_did_not_finish_teach_nothing_rolled_back_ones_do(place: Place) -> None:
    ended(place, 50.0)
    ended(place, 50.0, "error", "quiet")
    assert learn(place).times == ()
    assert not (place.overlay / NAME).exists()
    ended(place, 6.0, "error", "quiet", "rollback", "undone")
    assert learn(place).runs == 1
    assert expected(place) == (6.0, 1)


def test_only_the_newest_runs_count(place: Place) -> None:
    for n in range(MOST_RUNS + 3):
        ended(place, 100.0 if n < 3 else 5.0, "all-done", at=1000.0 + n)
    assert learn(place).runs == MOST_RUNS
    assert expected(place) == (5.0, MOST_RUNS)


def test_a_damaged_run_is_named_and_left_out(place: Place) -> None:
    ended(place, 8.0, "all-done")
    broken = ended(place, 9.0, "all-done")
    (broken.folder / "plan.json").write_text("{")
    lesson = learn(place)
    assert lesson.runs == 1
    assert list(lesson.unread) == [broken.folder.name]


def test_what_an_operator_fixed_stays(place: Place) -> None:
    place.overlay.mkdir()
    mine = "{act: unit.start, of: nova-api, expected_s: 33, longest_s: 333, fixed: true}"
    (place.overlay / NAME).write_text(f"schema: escalator/times/v1\ntimes:\n- {mine}\n")
    ended(place, 8.0, "all-done")
    learn(place)
    assert expected(place) == (33.0, 0)
    assert expected(place, "unit.stop") == (2.0, 1)


def test_a_file_that_does_not_fit_is_not_written_over_and_stops_no_run(place: Place) -> None:
    place.overlay.mkdir()
    (place.overlay / NAME).write_text("schema: escalator/times/v1\ntimes: [{act: x}]\n")
    run = ended(place, 8.0, "all-done")
    heard: list[Record] = []
    learn_behind(place, run.view(), heard.append)
    assert "times were not learned" in heard[0].data["text"]
    assert (place.overlay / NAME).read_text().endswith("[{act: x}]\n")
    with pytest.raises(DocumentError):
        learn(place)


def test_behind_a_run_that_finished_it_is_learned_and_said(place: Place) -> None:
    heard: list[Record] = []
    learn_behind(place, ended(place, 8.0).view(), heard.append)
    assert not heard
    learn_behind(place, ended(place, 8.0, "all-done").view(), heard.append)
    assert "learned from 1 run" in heard[0].data["text"]
    assert expected(place) == (8.0, 1)


def test_the_command_line_learns_and_shows(place: Place) -> None:
    def escalator(*words: str) -> str:
        command = [sys.executable, "-m", "escalator.cli.main", "catalogue", *words, "--state", str(place.state)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "nothing was measured yet" in escalator("times")
    ended(place, 8.0, "all-done")
    assert "times of 4 acts are learned from 1 run\n" in escalator("learn")
    shown = escalator("times", "--act", "unit.start")
    assert "unit.start        nova-api              do    8.0 s" in shown
    assert "1 in 1 run" in shown
    assert "unit.stop" not in shown
    found = json.loads(escalator("times", "--json"))
    assert {(e["act"], e["of"]) for e in found} == {
        (a, o) for a in ("unit.start", "unit.stop") for o in ("", "nova-api")
    }
