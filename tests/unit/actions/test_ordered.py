"""Actions whose commands outlive us: done again they attach, looked at they tell how far they came."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from escalator.actions.commands import Check, Contract, Expand, Migrate
from escalator.actions.verbs import Context, Done
from escalator.errors import CommandError, RefusedError, SiteTimeoutError
from escalator.model.plan import Action
from escalator.sites.orders import HostOrders
from local_host import LocalHost

TOOL = """#!/bin/sh
echo "$@" >> {folder}/ledger
case $1 in
  hold) until [ -e {folder}/go ]; do sleep 0.02; done ;;
  fail) [ -e {folder}/mended ] || {{ echo "password=hunter2 is wrong"; exit 1; }} ;;
  batch) [ "$(wc -l < {folder}/ledger)" -ge 4 ] || exit 1 ;;
esac
"""


class Place:
    """One host with a component's tool, and the context of an attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tool").write_text(TOOL.format(folder=folder))
        (folder / "tool").chmod(0o755)
        self.said: list[str] = []

    def context(self, attempt: int = 1) -> Context:
        shell: Any = LocalHost(self.folder)
        made = HostOrders(shell, root=str(self.folder / "state"), poll_s=0.3)
        return SimpleNamespace(
            site=SimpleNamespace(orders=made, shell=shell), run="run1", attempt=attempt, now=time.monotonic,
            sleep=asyncio.sleep, progress=self.said.append, output=self.folder / "output",
        )  # fmt: skip

    def action(self, kind: str, *argv: Any, **args: Any) -> Action:
        given = {"bin": str(self.folder), "argv": list(argv), **args}
        return Action(f"s/{kind}", kind, "s", "h", given, "an action", expected_s=1, longest_s=30)

    @property
    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def do(place: Place, verbs: Any, action: Action, attempt: int = 1) -> str:
    return asyncio.run(verbs.do(place.context(attempt), action)).text


def probe(place: Place, verbs: Any, action: Action, attempt: int = 1) -> tuple[Done, str]:
    seen = asyncio.run(verbs.probe(place.context(attempt), action))
    return seen.done, seen.seen


async def cancelled_midway(place: Place, verbs: Any, action: Action) -> None:
    """Begin, and leave as a killed Escalator does: without a word to the host."""
    task = asyncio.ensure_future(verbs.do(place.context(), action))
    while not any(line.startswith("hold") for line in place.ledger):
        assert not task.done(), task.exception()
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_an_expand_left_in_the_middle_is_found_running_and_attached_to(place: Place) -> None:
    action = place.action("schema.expand", ["tool", "first"], ["tool", "hold"], ["tool", "last"])
    assert probe(place, Expand(), action) == (Done.NOT_DONE, "never began")
    asyncio.run(cancelled_midway(place, Expand(), action))
    done, seen = probe(place, Expand(), action)
    assert done is Done.RUNNING
    assert "quiet for" in seen
    (place.folder / "go").touch()
    assert do(place, Expand(), action) == "expanded"
    assert place.ledger == ["first", "hold", "last"]
    assert probe(place, Expand(), action) == (Done.DONE, "command 3 ended with 0")


def test_between_two_commands_it_is_half_done(place: Place) -> None:
    action = place.action("schema.expand", ["tool", "first"], ["tool", "fail"])
    with pytest.raises(CommandError, match="'tool fail' on h ended with 1"):
        do(place, Expand(), action)
    assert probe(place, Expand(), action) == (Done.HALF_DONE, "command 2 ended: status 1")
    assert "hunter2" not in (place.folder / "output").read_text()
    longer = replace(action, args={**action.args, "argv": [["tool", "first"], ["tool", "x"], ["tool", "y"]]})
    (place.folder / "mended").touch()
    assert do(place, Expand(), action, attempt=2) == "expanded"
    assert probe(place, Expand(), longer, attempt=2) == (Done.HALF_DONE, "command 2 ended well, more are to come")
    assert place.ledger == ["first", "fail", "first", "fail"]


def test_the_undo_of_an_expand_ends_what_still_runs(place: Place) -> None:
    action = place.action("schema.expand", ["tool", "hold"])

    async def case() -> None:
        await cancelled_midway(place, Expand(), action)
        undoing = place.context(attempt=2)  # an undo is a try of its own; killed before it came to anything
        assert (await Expand().probe(undoing, action)).done is Done.RUNNING
        await Expand().undo(undoing, action)
        assert (await Expand().probe(undoing, action)).done is Done.NOT_DONE

    asyncio.run(case())
    assert probe(place, Expand(), action) == (Done.NOT_DONE, "it ended: stopped")
    with pytest.raises(CommandError, match="was stopped there"):
        do(place, Expand(), action)
    (place.folder / "go").touch()
    assert do(place, Expand(), action, attempt=3) == "expanded"


def test_a_migration_done_again_goes_on_behind_its_last_batch(place: Place) -> None:
    action = place.action("data.migrate", "tool", "batch", again=[1], done=[0])
    context = place.context()
    broken = Exception("killed")

    def kill(text: str) -> None:
        if text == "batch 2":
            raise broken

    context.progress = kill  # type: ignore[misc]
    with pytest.raises(Exception, match="killed"):
        asyncio.run(Migrate().do(context, action))
    assert probe(place, Migrate(), action) == (Done.HALF_DONE, "command 2 ended well, more are to come")
    assert do(place, Migrate(), action) == "done after 4 batches"
    assert place.ledger == ["batch"] * 4
    assert probe(place, Migrate(), action)[0] is Done.DONE
    with pytest.raises(RefusedError):
        asyncio.run(Migrate().undo(place.context(), action))


def test_a_check_that_passed_meanwhile_is_done(place: Place) -> None:
    action = place.action("check.command", "tool", "hold", ok=[0, 3])
    asyncio.run(cancelled_midway(place, Check(), action))
    assert probe(place, Check(), action)[0] is Done.RUNNING
    (place.folder / "go").touch()
    assert do(place, Check(), action) == "passed (0)"
    assert probe(place, Check(), action) == (Done.DONE, "it ended with 0")
    assert place.ledger == ["hold"]


def test_the_host_ends_a_command_before_the_action_is_given_up(place: Place) -> None:
    action = replace(place.action("schema.contract", ["tool", "hold"]), longest_s=0.5)
    began = time.monotonic()
    with pytest.raises(SiteTimeoutError, match="was killed"):
        do(place, Contract(), action)
    assert time.monotonic() - began < 25
    assert probe(place, Contract(), action) == (Done.NOT_DONE, "it ended: time limit")
