"""Workers that carry jobs out, each a process of its own with worlds of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKERS = 2 * (os.cpu_count() or 1)  # a life waits more than it computes


@dataclass(frozen=True)
class Job:
    """``how``: measure | chain (``names``) | instants (``seed``, ``kills``)."""

    campaign: str
    server: str
    verb: str
    how: str
    more: dict[str, Any] = field(default_factory=dict)

    def as_line(self) -> str:
        plain = {"campaign": self.campaign, "server": self.server, "verb": self.verb, "how": self.how}
        return json.dumps({**plain, **self.more}) + "\n"


class Workers:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes = [self._start(n) for n in range(WORKERS)]

    def ask(self, job: Job, worker: int = 0) -> dict[str, Any]:
        """One answer; a worker that ended is a fault of the tests."""
        process = self._processes[worker]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(job.as_line())
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"worker {worker} ended: see {self._folder}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def carry_out(self, jobs: list[Job]) -> list[dict[str, Any]]:
        """All jobs, on all workers; answers in the order of the jobs."""
        answers: list[dict[str, Any]] = [{} for _ in jobs]
        left = iter(enumerate(jobs))
        turn = threading.Lock()

        def work(worker: int) -> None:
            while True:
                with turn:
                    number, job = next(left, (-1, None))
                if job is None:
                    return
                answers[number] = self.ask(job, worker)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def end(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=60)

    def _start(self, number: int) -> subprocess.Popen[str]:
        folder = self._folder / f"w{number}"
        folder.mkdir()
        here = str(Path(__file__).parents[1])
        return subprocess.Popen(
            [sys.executable, "-m", "chaos.worker", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": here}, stderr=(folder / "stderr").open("w"),
        )  # fmt: skip


@contextmanager
def working(folder: Path) -> Iterator[Workers]:
    workers = Workers(folder)
    try:
        yield workers
    finally:
        workers.end()
