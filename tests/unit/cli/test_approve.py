"""`escalator approve` and what it leaves in the journal."""

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
    approvals = [{"before": "roll", "text": "the customers are told"}, {"before": "commit"}]
    return runs.create(tmp_path, plan(campaign(approvals=approvals)), "schema: x")


def escalator(run: runs.Run, *words: str) -> tuple[int, str, str]:
    state = str(run.folder.parents[1])
    command = [sys.executable, "-m", "escalator.cli.main", *words, "--state", state]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"SUDO_USER": "ann"})
    return done.returncode, done.stdout, done.stderr


def journalled(run: runs.Run, *records: Record) -> None:
    store = run.store()
    store.write(records)
    store.close()


def test_the_word_is_in_the_journal_with_who_and_why(run: runs.Run) -> None:
    status, text, _ = escalator(run, "approve", "roll", "--why", "told, password=hunter2", "--json")
    assert status == 0
    assert json.loads(text)["who"] == "ann"
    (record,) = run.records()
    assert record.kind is Kind.ASKED
    assert (record.data["what"], record.data["gate"], record.data["why"]) == (
        "approve", "roll", "told, password=[secret]",
    )  # fmt: skip
    assert run.view().approved["roll"] == "ann"


def test_a_second_word_an_unknown_gate_and_no_reason_are_refused(run: runs.Run) -> None:
    assert escalator(run, "approve", "roll", "--why", "told")[0] == 0
    status, _, text = escalator(run, "approve", "roll", "--why", "again")
    assert (status, "'roll' was approved already, by" in text) == (3, True)
    status, _, text = escalator(run, "approve", "rol", "--why", "told")
    assert (status, "hint: approvals: roll, commit" in text) == (2, True)
    status, _, text = escalator(run, "approve", "commit", "--why", " ")
    assert (status, "an approval needs a reason" in text) == (2, True)
    assert len(run.records()) == 1


def test_a_run_that_is_over_needs_no_word(run: runs.Run) -> None:
    journalled(run, *(Record(Kind.MOVED, "", {"event": e}) for e in ("execute", "error", "fail")))
    status, _, text = escalator(run, "approve", "roll", "--why", "told")
    assert (status, "is over: EXECUTION_FAILED" in text) == (3, True)


def test_status_says_what_is_waited_for(run: runs.Run) -> None:
    for step in run.plan.steps():
        if step.id in run.plan.gates[0].before:
            break
        for action in step.actions:
            done = {"verb": "do", "result": "ok"}
            journalled(run, Record(Kind.INTENT, action.id, {"verb": "do"}), Record(Kind.OUTCOME, action.id, done))
    _, text, _ = escalator(run, "status")
    assert "Held:        waits for approval 'roll' (the customers are told): 'escalator approve roll --why" in text
    escalator(run, "approve", "roll", "--why", "told")
    assert "Held:" not in escalator(run, "status")[1]
