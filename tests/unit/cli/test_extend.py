"""`escalator extend`: more time for a run, with who and why, and when it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from escalator.execution import runs
from escalator.journal.events import Kind, Record
from small_site import campaign, plan


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    return runs.create(tmp_path, plan(campaign(budgets={"max_duration": 600})), "schema: x")


def extend(run: runs.Run, *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "escalator.cli.main", "extend", *words, "--state", str(run.folder.parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"SUDO_USER": "ann"})
    return done.returncode, done.stdout, done.stderr


def moved(run: runs.Run, *events: str) -> None:
    store = run.store()
    store.write([Record(Kind.MOVED, "", {"event": event}, 1000.0) for event in events])
    store.close()


def test_it_is_in_the_journal_with_who_and_why_and_adds_up(run: runs.Run) -> None:
    status, text, _ = extend(run, "--by", "300", "--why", "agreed, password=hunter2", "--json")
    assert (status, json.loads(text)) == (0, {"extended_by_s": 300.0, "max_duration_s": 900.0})
    moved(run, "execute", "suspend", "quiet")
    assert "1000 s are allowed from now on" in extend(run, "--by", "100", "--why", "again")[1]
    record = run.records()[0]
    assert (record.data["who"], record.data["why"]) == ("ann", "agreed, password=[secret]")
    assert run.view().extended_s == 400


def test_without_a_reason_or_a_second_or_behind_the_end_it_is_refused(run: runs.Run) -> None:
    status, _, text = extend(run, "--by", "10", "--why", " ")
    assert (status, "an extension needs seconds and a reason" in text) == (2, True)
    assert extend(run, "--by", "0", "--why", "no")[0] == 2
    moved(run, "execute", "suspend", "quiet", "rollback")
    status, _, text = extend(run, "--by", "10", "--why", "more")
    assert (status, "does not execute any more: it is ROLLING_BACK" in text) == (3, True)
    assert run.view().extended_s == 0
