"""How much of it runs: ``make chaos`` all, ``make test`` every k-th point. Seeds are printed, and can be given."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos.workers import Workers, working
from postgres import Postgres, running


@dataclass(frozen=True)
class Amount:
    """``every``: each so many-th point is a kill; ``instants``: kills in the long campaign; ``seed`` chooses both."""

    every: int
    instants: int
    seed: int

    def some(self, names: list[str]) -> list[str]:
        return names[self.seed % self.every :: self.every]


@pytest.fixture(scope="session")
def amount() -> Amount:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    found = Amount(int(os.environ.get("CHAOS_EVERY", "30")), int(os.environ.get("CHAOS_COUNT", "20")), seed)
    print(f"\nchaos: CHAOS_SEED={found.seed} CHAOS_EVERY={found.every} CHAOS_COUNT={found.instants}")
    return found


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """Where worlds stand: in memory where there is room, as thousands of them are made. It stays where a test fails."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="escalator-chaos-", dir=shared if shared.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def workers(base: Path) -> Iterator[Workers]:
    with working(base) as some:
        yield some


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with running() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a PostgreSQL server, or "" for SQLite."""
    if request.param == "sqlite":
        return ""
    server: Postgres = request.getfixturevalue("server")
    return server._url("postgres")


@dataclass
class Pace:
    kills: int = 0
    began: float = 0.0

    def __str__(self) -> str:
        took = time.monotonic() - self.began
        return f"{self.kills} kills in {took:.0f} s, {self.kills / took:.1f} a second"


@pytest.fixture
def pace(request: pytest.FixtureRequest) -> Iterator[Pace]:
    one = Pace(began=time.monotonic())
    yield one
    print(f"\nchaos: {request.node.name}: {one}")
