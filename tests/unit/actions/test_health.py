"""Waiting for health on a real shell of this machine, with systemctl and journalctl of our own in its path."""

from __future__ import annotations

import asyncio
import http.server
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from escalator.actions import health
from escalator.errors import CommandError
from escalator.model.plan import Action, UndoClass

SHOW = """#!/bin/sh
n=$(cat {folder}/looks 2>/dev/null || echo 0); echo $((n + 1)) > {folder}/looks
echo ActiveState={state}; echo SubState=running; echo NRestarts=$((n * {more})); echo MainPID=7
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Answers, and says nothing of it."""

    def log_message(self, *_: object) -> None:
        return


class Shell:
    """Commands run here, as a host would run them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def run(
        self, host: str, argv: list[str], *, timeout_s: float, check: bool = True, fenced: bool = True
    ) -> Any:
        del host
        process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"PATH": f"{self.path}:{os.environ['PATH']}"},
        )  # fmt: skip
        output = (await asyncio.wait_for(process.communicate(), timeout_s))[0].decode()
        if check and process.returncode:
            raise CommandError(f"ended with {process.returncode}", output=output)
        return SimpleNamespace(output=output, ok=process.returncode == 0)


def context(folder: Path, *, state: str = "active", more: int = 0) -> Any:
    for name, text in (
        ("systemctl", SHOW.format(folder=folder, state=state, more=more)),
        ("journalctl", "#!/bin/sh\necho ImportError: this package is broken\n"),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    return SimpleNamespace(site=SimpleNamespace(shell=Shell(folder)), now=time.monotonic, sleep=asyncio.sleep)


def start(url: str, longest_s: float) -> Action:
    args = {"unit": "glance-api-a", "health": [{"kind": "http", "url": url, "ok": [200, 300]}]}
    return Action("x", "unit.start", "s", "h", args, "start", 1, longest_s, UndoClass.REVERSE)


@pytest.fixture
def good() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOOK_S", 0.2)


NOBODY = "http://127.0.0.1:1/"


def test_an_api_that_answers_is_healthy(tmp_path: Path, good: str) -> None:
    asyncio.run(health.wait_healthy(context(tmp_path), start(good, 60)))


def test_a_unit_that_keeps_ending_fails_at_once_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not stay up") as caught:
        asyncio.run(health.wait_healthy(context(tmp_path, more=2), start(NOBODY, 600)))
    assert "this package is broken" in caught.value.output


def test_a_unit_that_runs_and_never_answers_fails_at_its_longest_time(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"is not healthy: .*refused"):
        asyncio.run(health.wait_healthy(context(tmp_path), start(NOBODY, 1)))


def test_a_unit_that_failed_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="failed/running"):
        asyncio.run(health.wait_healthy(context(tmp_path, state="failed"), start(NOBODY, 600)))
