"""A run's folder: the log's fields, planted secrets, one driver at a time, unreadable state."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from escalator.errors import NotFoundError, StorageError
from escalator.execution import runs
from escalator.journal.events import Kind, Record
from escalator.journal.group import GroupJournal
from escalator.redaction import redact, redact_data
from small_site import plan

PLANTED = "hunter2-planted"


@pytest.mark.parametrize(
    "text",
    [
        f"mysql+pymysql://nova:{PLANTED}@127.0.0.1/nova",
        f"password={PLANTED}",
        f"Password : {PLANTED}, more",
        f"MYSQL_PWD={PLANTED} mariadb",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert PLANTED not in redact(text)


def test_a_known_secret_is_hidden_wherever_it_stands_and_the_rest_is_kept() -> None:
    data = {"a": [f"x{PLANTED}y", 3, {"b": 'a "quoted" text'}], "token": 0.5}
    assert redact_data(data, (PLANTED,)) == {"a": ["x[secret]y", 3, {"b": 'a "quoted" text'}], "token": 0.5}


def logged(run: runs.Run, heard: list[Record], *records: Record) -> None:
    """What a driver of this run would write."""
    inner = GroupJournal(run.store())
    journal = runs.LoggedJournal(inner, run.folder / "log.jsonl", (PLANTED,), heard.append)

    async def write() -> None:
        for record in records:
            await journal.append(record)
        await inner.close()

    asyncio.run(write())


def lines(run: runs.Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]


def test_a_log_line_says_when_what_on_which_object_with_which_code_and_no_secret(tmp_path: Path) -> None:
    run = runs.create(tmp_path, plan(), "name: test\n")
    seen: list[Record] = []
    failed = {"verb": "do", "result": "failed", "code": "ESC-303", "text": f"no login with {PLANTED}"}
    logged(
        run, seen,
        Record(Kind.INTENT, "roll/x/unit.start", {"verb": "do", "title": "start x"}, at=1000.25),
        Record(Kind.OUTCOME, "roll/x/unit.start", failed, at=1001.0),
    )  # fmt: skip
    written = lines(run)
    assert [line["time"] for line in written] == ["1970-01-01T00:16:40.250Z", "1970-01-01T00:16:41.000Z"]
    assert written[1]["run"] == run.folder.name
    assert written[1]["object"] == "roll/x/unit.start"
    assert (written[0]["verb"], written[1]["result"], written[1]["code"]) == ("do", "failed", "ESC-303")
    assert [r.seq for r in seen] == [1, 2]
    assert run.view().actions["roll/x/unit.start"].code == "ESC-303"
    for path in run.folder.iterdir():
        assert PLANTED.encode() not in path.read_bytes(), path


def test_what_was_said_while_nobody_drove_gets_its_line_from_the_next_driver(tmp_path: Path) -> None:
    run = runs.create(tmp_path, plan(), "")
    heard: list[Record] = []
    logged(run, heard, Record(Kind.NOTE, "first"))
    run.store().write([Record(Kind.ASKED, "", {"what": "suspend"}, at=9.0)])
    logged(run, heard, Record(Kind.NOTE, "second"))
    assert [line["seq"] for line in lines(run)] == [1, 2, 3]
    assert [r.seq for r in heard] == [1, 3]


def test_a_run_is_found_again_and_a_second_one_of_the_same_plan_has_its_own_folder(tmp_path: Path) -> None:
    first, second = (runs.create(tmp_path, plan(), "") for _ in range(2))
    assert first.folder != second.folder
    assert runs.load(tmp_path).folder == second.folder
    assert runs.load(tmp_path, first.folder.name).plan == plan()


def test_a_missing_run_and_a_damaged_plan_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        runs.load(tmp_path)
    run = runs.create(tmp_path, plan(), "")
    (run.folder / "plan.json").write_text("{")
    with pytest.raises(StorageError):
        runs.load(tmp_path)
