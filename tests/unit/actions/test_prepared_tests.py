"""Prepared tests for real: commands as processes of this machine, requests to a server of this machine."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest

from escalator.actions.registry import verbs_of
from escalator.actions.verbs import Context, Outcome
from escalator.engine.memory import MemoryEngine
from escalator.errors import CommandError, SiteError, SiteTimeoutError, UnreachableError
from escalator.execution.driver import Driver
from escalator.execution.executor import execute
from escalator.execution.rollback import roll_back
from escalator.journal.journal import MemoryJournal
from escalator.model.plan import Action, Mode, Phase, Policy, Procedure, Step
from escalator.model.states import State
from escalator.report.tests import results_of
from escalator.sites.operator_side import KEPT, OperatorSide
from escalator.sites.protocol import Site
from small_site import SITE, plan


def context(folder: Path) -> Context:
    nothing = cast("Any", None)
    site = Site("small", nothing, nothing, nothing, nothing, OperatorSide(), SITE)
    run = folder / "runs" / "run1"
    run.mkdir(parents=True, exist_ok=True)
    return Context(
        site,
        folder,
        run,
        run.name,
        1,
        run / "output.txt",
        lambda _: None,
        asyncio.sleep,
        time.monotonic,
        frozenset(),
        lambda _: {},
    )


def run(state: Path, kind: str, **args: object) -> Outcome:
    given = {"test": "t", "when": "after", "component": "nova", "phase": "roll", "timeout_s": 20, **args}
    action = Action("roll/test/t", kind, "small", "", given, "test: t", 1, 60)
    return asyncio.run(verbs_of(kind).do(context(state), action))


def command(folder: Path, *argv: str, **args: object) -> Outcome:
    return run(folder, "test.command", argv=list(argv), folder=str(folder), **args)


def output(folder: Path) -> str:
    return (folder / "runs" / "run1" / "output.txt").read_text(encoding="utf-8")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until_gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not is_alive(pid)


def test_a_command_runs_in_the_campaigns_folder_and_knows_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "beside.txt").write_text("")
    names = ["SITE_NAME", "RUN", "PHASE", "COMPONENT", "STATE", "SITE"]
    said = command(tmp_path, "sh", "-c", "ls beside.txt; echo " + " ".join(f"$ESCALATOR_{n}" for n in names))
    assert said.text == f"passed: small run1 roll nova {tmp_path} {SITE.file}"
    assert "beside.txt" in output(tmp_path)
    assert "[0, " in output(tmp_path)


def test_a_command_that_fails_says_its_status_and_last_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="test 't' ended with 3: no calls") as caught:
        command(tmp_path, "sh", "-c", "echo begun; echo no calls >&2; exit 3")
    assert caught.value.status == 3
    assert "begun\nno calls\n" in output(tmp_path)


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"'\./no-such-test' can't be started"):
        command(tmp_path, "./no-such-test")


def test_secrets_are_kept_out_of_what_is_kept(tmp_path: Path) -> None:
    said = command(tmp_path, "sh", "-c", "for i in 1 2 3; do echo password=hunter2; done")
    assert "hunter2" not in said.text + output(tmp_path).split("\n", 1)[1]
    assert output(tmp_path).count("password=[secret]") >= 3


def test_the_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    script = "sleep 300 & echo $! > child; trap '' TERM; echo $$ > parent; while :; do sleep 0.1; done"
    began = time.monotonic()
    with pytest.raises(SiteTimeoutError, match=r"not done within 0\.5 s"):
        command(tmp_path, "sh", "-c", script, timeout_s=0.5)
    assert time.monotonic() - began < 10
    assert until_gone(int((tmp_path / "child").read_text()))
    assert until_gone(int((tmp_path / "parent").read_text()))


def test_what_a_command_left_running_is_ended_with_it(tmp_path: Path) -> None:
    began = time.monotonic()
    command(tmp_path, "sh", "-c", "sleep 300 & echo $! > child; echo done")
    assert time.monotonic() - began < 10  # the child held the pipe open
    assert until_gone(int((tmp_path / "child").read_text()))


def test_a_call_that_is_cancelled_leaves_nothing_running(tmp_path: Path) -> None:
    async def cancelled() -> None:
        begun = asyncio.Event()
        call = OperatorSide().command(
            ["sh", "-c", "echo $$ > parent; echo begun; sleep 300"], folder=tmp_path, env={}, timeout_s=60,
            heard=lambda _: begun.set(),
        )  # fmt: skip
        task = asyncio.create_task(call)
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert until_gone(int((tmp_path / "parent").read_text()))


def test_a_command_is_in_a_group_and_session_of_its_own(tmp_path: Path) -> None:
    show = "import os; print(os.getpgrp() == os.getpid() == os.getsid(0))"
    assert command(tmp_path, sys.executable, "-c", show).text == "passed: True"
    assert os.getpgrp() != 0


def test_a_flood_of_output_is_read_to_its_end_and_kept_in_part(tmp_path: Path) -> None:
    said = command(tmp_path, sys.executable, "-c", "print(('x' * 99 + chr(10)) * 100000 + 'the end')")
    assert said.text == "passed: the end"
    assert KEPT < (tmp_path / "runs" / "run1" / "output.txt").stat().st_size < 2 * KEPT
    assert "the rest is left out" in output(tmp_path)


class Portal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1.5)
            return
        self.send_response(503 if self.path == "/ill" else 200)
        self.end_headers()
        self.wfile.write(b"portal is ready")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def portal() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(folder: Path, url: str, **args: object) -> Outcome:
    return run(folder, "test.http", **{"url": url, "ok": [200, 299], "contains": "", **args})


def test_a_url_that_answers_as_wanted_passes(tmp_path: Path, portal: str) -> None:
    assert ask(tmp_path, f"{portal}/", contains="is ready").text == "passed: 200"
    assert ask(tmp_path, f"{portal}/ill", ok=[500, 599]).text == "passed: 503"
    assert "portal is ready" in output(tmp_path)


@pytest.mark.parametrize(
    ("path", "args", "error", "text"),
    [
        ("/ill", {}, SiteError, "answered 503, not 200 to 299"),
        ("/", {"contains": "green"}, SiteError, "answered 200 without 'green'"),
        ("/slow", {"timeout_s": 0.3}, SiteTimeoutError, "no answer within 0.3 s"),
    ],
)
def test_a_url_that_does_not_answer_as_wanted_fails(tmp_path, portal, path, args, error, text) -> None:  # noqa: PLR0917
    with pytest.raises(error, match=text):
        ask(tmp_path, portal + path, **args)


def test_nobody_at_a_url_is_an_error_of_the_site(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1/"):
        ask(tmp_path, "http://127.0.0.1:1/")


def in_a_plan(folder: Path, script: str, retries: int) -> Driver:
    """A run of a single test, with the engine, the executor and the verbs of every run."""
    args = {
        "test": "calls", "when": "after", "component": "", "phase": "verify", "argv": ["sh", "-c", script],
        "folder": str(folder), "timeout_s": 20,
    }  # fmt: skip
    action = Action("verify/test/calls/test.command", "test.command", "small", "", args, "test: calls", 1, 60)
    step = Step("verify/test/calls", "test: calls", Phase.VERIFY, "", "small/calls", (action,))
    verify = Procedure("verify", "Verify", Phase.VERIFY, Mode.SEQUENCE, (step,))
    made = replace(plan(), procedures=(verify,), policy=Policy(retries=retries))
    return Driver(made, MemoryJournal(time.time), MemoryEngine(), verbs_of, lambda *_: context(folder))


def test_a_test_that_fails_is_tried_again_as_the_policy_says(tmp_path: Path) -> None:
    d = in_a_plan(tmp_path, "test -e again || { touch again; exit 1; }", retries=1)
    assert asyncio.run(execute(d)) is State.EXECUTION_COMPLETED
    (result,) = results_of(d.plan, d.journal.read())
    assert (result["result"], result["text"]) == ("passed", "passed: no output")
    assert result["took_s"] >= 0


def test_a_test_that_goes_on_failing_suspends_the_run_and_the_report_says_so(tmp_path: Path) -> None:
    d = in_a_plan(tmp_path, "echo no calls; exit 1", retries=1)
    assert asyncio.run(execute(d)) is State.SUSPENDED_BY_ERROR_DETECTED
    assert "test 'calls' ended with 1: no calls [ESC-303]" in d.view.problems[0]
    assert output(tmp_path).count("no calls") >= 2
    (result,) = results_of(d.plan, d.journal.read())
    assert result["result"] == "failed"
    assert asyncio.run(roll_back(d)) is State.ROLLBACK_COMPLETED
    assert results_of(d.plan, d.journal.read()) == [result]
