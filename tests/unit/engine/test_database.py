"""The engine's database: durable by its settings, and clear about what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from escalator.engine.database import open_database
from escalator.engine.durable import DurableEngine
from escalator.engine.port import Call
from escalator.errors import EscalatorError, InputError, StateError, StorageError


async def leaf(payload: dict[str, Any]) -> str:
    return "x" * payload.get("size", 1)


async def after(path: Path, calls: list[Call], prepare: Any = lambda _: None) -> list[Any]:
    engine = DurableEngine(f"sqlite:///{path}", executor_id="one", application_version="1")
    engine.register("leaf", leaf)
    await engine.launch()
    try:
        prepare(engine._database)
        return await engine.run(calls)
    finally:
        await engine.close()


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/e.db")
    with database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.dispose()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "mysql://root:secret@h/d", "postgresql+psycopg://u:secret@h"]
)
def test_another_url_is_refused_and_no_password_is_shown(url: str) -> None:
    with pytest.raises(InputError) as caught:
        open_database(url)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_database_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="unable to open"):
        open_database(f"sqlite:///{tmp_path}/no/such/folder/e.db")
    with pytest.raises(StorageError) as caught:
        open_database(f"postgresql+psycopg://u:secret@/d?host={tmp_path}")
    assert "secret" not in str(caught.value)
    (tmp_path / "text").write_text("this is not a database, it is a text of some length" * 30)
    with pytest.raises(StorageError, match="not a database"):
        open_database(f"sqlite:///{tmp_path}/text")


def test_a_full_disk_is_a_storage_error_and_nothing_kept_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    assert asyncio.run(after(path, [Call("leaf", "first")])) == ["x"]

    def fill(database: sql.Engine) -> None:
        def limit(connection: Any, *_: Any) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 4}")

        sql.event.listen(database, "checkout", limit)

    with pytest.raises(StorageError, match="full"):
        asyncio.run(after(path, [Call("leaf", "big", {"size": 1_000_000})], fill))
    assert asyncio.run(after(path, [Call("leaf", "first"), Call("leaf", "big", {"size": 1_000_000})]))[0] == "x"


def test_what_is_kept_is_json_that_a_person_can_read(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    asyncio.run(after(path, [Call("leaf", "first", {"size": 3}, gates=(("site:a", 2),))]))
    with sqlite3.connect(path) as raw:
        (inputs,) = raw.execute("SELECT inputs FROM workflow_input").fetchone()
        (output,) = raw.execute("SELECT output FROM workflow_output").fetchone()
    assert json.loads(inputs) == {"value": {"args": [{"size": 3}, [["site:a", 2]]], "kwargs": {}}}
    assert json.loads(output) == {"value": "xxx"}


def test_an_engine_says_when_it_is_used_too_early_or_told_too_late(tmp_path: Path) -> None:
    async def too_early() -> None:
        engine = DurableEngine(f"sqlite:///{tmp_path}/e.db", executor_id="one", application_version="1")
        with pytest.raises(StateError, match="not launched"):
            await engine.run([Call("leaf", "x")])
        await engine.launch()
        try:
            with pytest.raises(StateError, match="after the engine's launch"):
                engine.register("late", leaf)
            with pytest.raises(EscalatorError, match="no workflow 'leaf'"):
                await engine.run([Call("leaf", "x")])
            other = DurableEngine(f"sqlite:///{tmp_path}/f.db", executor_id="two", application_version="1")
            with pytest.raises(StateError, match="already"):
                await other.launch()
        finally:
            await engine.close()

    asyncio.run(too_early())


def test_the_command_line_does_not_wait_for_what_only_a_campaign_needs() -> None:
    look = (
        "import sys, escalator.cli.main, escalator.engine.durable, escalator.engine.takeover\n"
        "print('dbos' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
