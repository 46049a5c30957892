"""The stores of the conformance cases: what each can do decides which cases run on it, so none is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.stores import Store
from postgres import Postgres, running

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with running() as one:
        yield one


def _store(kind: str, request: pytest.FixtureRequest) -> Store:
    if kind == "memory":
        return Store("")
    if kind == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return Store(f"sqlite:///{folder}/engine.db")
    server: Postgres = request.getfixturevalue("server")
    return Store(server.new_database())


@pytest.fixture(params=["memory", "sqlite", POSTGRESQL])
def store(request: pytest.FixtureRequest) -> Store:
    """Every engine."""
    return _store(request.param, request)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def kept(request: pytest.FixtureRequest) -> Store:
    """The engines that outlive their process."""
    return _store(request.param, request)


@pytest.fixture(params=[POSTGRESQL])
def shared(request: pytest.FixtureRequest) -> Store:
    """The engines that several processes share."""
    return _store(request.param, request)
