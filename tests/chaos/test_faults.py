"""A driver frozen past its lease, two at once, a full disk, a read-only journal, a clock set back, the server killed.

Each ends in a clear error with its exit status or goes on; nothing is lost, and what was mended is gone on with.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import pytest

from chaos.conftest import Amount
from chaos.workers import Job, Workers
from postgres import Postgres

pytestmark = pytest.mark.chaos
FENCED, LOCKED, STORAGE = "ESC-403", "ESC-203", "ESC-401"


STOP = "roll/controller/keystone-api-a/unit.stop"
#: Between intent and act; and in the act itself, where it is the host that refuses what is sent.
AT = {
    "between": f"record intent {STOP} do: after",
    "in": f"{STOP} call systemctl stop keystone-api-a.service 1: before",
}


def _jobs(url: str, amount: Amount) -> dict[str, Job]:
    """All that can happen side by side; of the freezes a seeded one on each database where not all is asked for."""

    def job(how: str, server: str = "", campaign: str = "long", **more: Any) -> Job:
        return Job(campaign, server, "execute", how, more)

    freezes = [(at, middle) for at in AT for middle in (True, False)]
    found = {
        f"frozen-{name}-{at}-{middle}": job("frozen", server, "every-kind", at=AT[at], middle=middle)
        for name, server in (("sqlite", ""), ("postgresql", url))
        for number, (at, middle) in enumerate(freezes)
        if amount.every == 1 or (number - amount.seed) % len(freezes) == 0
    }
    found |= {
        "frozen-write": job("frozen", url, "every-kind", at="write", write_of=STOP, middle=True),
        "hung": job("hung", "", "every-kind", at="write", write_of=STOP),
    }
    found |= {"two": job("two"), "clock": job("clock", by=-3600.0)}
    if os.getuid() == 0:
        found |= {"full_disk": job("full_disk"), "read_only": job("read_only")}
    return found


@pytest.fixture(scope="module")
def answers(workers: Workers, server: Postgres, amount: Amount) -> dict[str, dict[str, Any]]:
    """What came of each fault; most of them wait for a lease to end, so they wait side by side."""
    jobs = _jobs(server._url("postgres"), amount)
    return dict(zip(jobs, workers.carry_out(list(jobs.values())), strict=True))


def good(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without problems: nothing lost, nothing twice, the same end, the journal whole."""
    assert not answer["problems"], "\n".join(answer["problems"])
    return answer


def test_a_driver_that_was_frozen_past_its_lease_does_nothing_more(answers: dict[str, dict[str, Any]]) -> None:
    """It goes on in the middle of the second one's work, or when all is done; on PostgreSQL also in a write."""
    frozen = {name: good(answer) for name, answer in answers.items() if name.startswith("frozen")}
    assert len(frozen) >= 3
    for answer in frozen.values():
        assert answer["frozen"]["status"] == 5
        assert FENCED in answer["frozen"]["said"]
        assert answer["effects_behind"] == 0


def test_a_driver_frozen_in_the_middle_of_a_write_to_sqlite_must_be_ended(answers: dict[str, dict[str, Any]]) -> None:
    second = good(answers["hung"])["second"]
    assert second["status"] == 5
    assert STORAGE in second["said"]
    assert "end it" in second["said"]


def test_the_second_of_two_on_one_state_folder_is_refused(answers: dict[str, dict[str, Any]]) -> None:
    second = good(answers["two"])["second"]
    assert second["status"] == 3
    assert LOCKED in second["said"]


@pytest.mark.skipif(os.getuid() != 0, reason="a small disk of its own needs root")
def test_a_full_disk_stops_the_campaign_and_it_goes_on_when_there_is_room(answers: dict[str, dict[str, Any]]) -> None:
    stopped = good(answers["full_disk"])["stopped"]
    assert stopped["status"] == 5
    assert STORAGE in stopped["said"]
    assert "full" in stopped["said"] or "No space" in stopped["said"]


@pytest.mark.skipif(os.getuid() != 0, reason="to make one file read-only, even for root, needs root")
def test_a_journal_that_can_not_be_written_stops_the_campaign(answers: dict[str, dict[str, Any]]) -> None:
    stopped = good(answers["read_only"])["stopped"]
    assert stopped["status"] == 5
    assert STORAGE in stopped["said"]


def test_a_clock_set_back_an_hour_changes_nothing(answers: dict[str, dict[str, Any]]) -> None:
    assert good(answers["clock"])["backwards"] == 0


def test_the_server_killed_and_started_again_costs_nothing(workers: Workers, server: Postgres) -> None:
    job = Job("long", server._url("postgres"), "execute", "begin")
    good(workers.ask(job))
    for _ in range(3):
        time.sleep(1.0)
        server.kill()
        time.sleep(0.5)
        server.start()
    good(workers.ask(replace(job, how="conclude")))


def test_the_server_killed_and_we_too_are_gone_on_with_when_it_is_back(workers: Workers, server: Postgres) -> None:
    job = Job("long", server._url("postgres"), "execute", "begin")
    good(workers.ask(job))
    server.kill()
    good(workers.ask(replace(job, how="cut")))
    refused = good(workers.ask(replace(job, how="attempt")))
    server.start()
    assert refused["status"] == 5
    assert STORAGE in refused["said"]
    good(workers.ask(replace(job, how="go_on")))
    good(workers.ask(replace(job, how="conclude")))
