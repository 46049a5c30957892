"""A run that waits at a gate is killed with -9, on every engine that is kept: nothing passes without its word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import gated
from conformance.stores import Store

pytestmark = pytest.mark.processes

KILLED = "killed 9"
WAITS, DONE, COMMITTED = "EXECUTION_SUSPENDED", "EXECUTION_COMPLETED", "CAMPAIGN_COMMITTED"
#: From the moment that the gate is met until the suspension is in the journal.
AT_THE_WORD = [
    "record note  held word: before",
    *(f"record {what}: after" for what in ("note  held word", "halted s1", "moved  suspend", "moved  quiet")),
]
Play = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def play(kept: Store, tmp_path: Path) -> Iterator[Play]:
    """Carries steps out in a scene of its own; what came of each life."""
    url = "" if kept.url.startswith("sqlite") else kept.url
    program = Path(gated.__file__)
    errors = tmp_path / "errors"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, program, url, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=file, env={**os.environ, "PYTHONPATH": str(program.parents[1])},
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    number = 0

    def one(*steps: tuple[str, str]) -> list[dict[str, Any]]:
        nonlocal number
        number += 1
        process.stdin.write(json.dumps({"name": f"scene{number}", "steps": steps}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, errors.read_text()[-3000:]
        told: list[dict[str, Any]] = json.loads(line)
        return told

    yield one
    process.stdin.close()
    process.wait(timeout=30)


def test_killed_at_an_approval_it_waits_for_the_word_and_goes_on_with_it(play: Play) -> None:
    for at in AT_THE_WORD:
        killed, again, gone_on = play(("execute", at), ("execute", ""), ("approve", "word"), ("execute", ""))
        assert killed["ended"] == KILLED, at
        assert (again["ended"], again["done"]) == (WAITS, ["s0.0"]), at
        assert (gone_on["ended"], gone_on["done"]) == (WAITS, ["s0.0", "s1.0", "s2.0"]), at  # the pause


def test_a_word_given_while_no_driver_lives_is_enough(play: Play) -> None:
    for at in AT_THE_WORD:
        killed, gone_on = play(("execute", at), ("approve", "word"), ("execute", ""))
        assert killed["ended"] == KILLED, at
        assert gone_on["done"] == ["s0.0", "s1.0", "s2.0"], at


def test_killed_at_a_pause_it_is_not_passed_unseen(play: Play) -> None:
    for at in ("record note  held after s2: after", "record halted s3: after", "record moved  suspend: after"):
        _, killed, stands, ended = play(
            ("execute", ""), ("approve", "word"), ("execute", at), ("execute", ""), ("execute", "")
        )
        assert killed["ended"] == KILLED, at
        assert (stands["ended"], stands["done"]) == (WAITS, ["s0.0", "s1.0", "s2.0"]), at
        assert (ended["ended"], ended["done"]) == (DONE, ["s0.0", "s1.0", "s2.0", "s3.0"]), at


def test_killed_before_the_commit_it_waits_for_the_word_too(play: Play) -> None:
    ready = [("approve", "word"), ("execute", ""), ("execute", "")]
    at = "record note  held last: after"
    *_, killed, waits, committed = play(*ready, ("commit", at), ("commit", ""), ("approve", "last"), ("commit", ""))
    assert killed["ended"] == KILLED
    assert waits["state"] == DONE
    assert "c0.0" not in waits["done"]
    assert committed["ended"] == COMMITTED
    assert committed["done"][-2:] == ["c0.0", "c0.1"]
