"""Killed with -9 at every record of the journal and inside every call that leaves the process, and resumed.

Against a run that nobody disturbed: no effect lost, none completed twice, the same end of all hosts, the journal whole,
the campaign where it should be. What is an effect, and which of them may be repeated, stands in ``ledger.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaos.conftest import Amount, Pace
from chaos.workers import Job, Workers
from escalator.actions.registry import VERBS

pytestmark = pytest.mark.chaos
LEAST_RUNS = 2
EACH = 25  # kills of one long run
RUNS = 8  # that share all points of a verb: so many points lie between two kills of one run


def _cases(*verbs: str) -> list[Any]:
    """Each verb on each database; ``make test`` leaves out what PostgreSQL hardly does in another way than SQLite."""
    some = [pytest.param("sqlite", verb) for verb in verbs]
    some += [pytest.param("postgresql", verb, marks=[pytest.mark.full] if verb != "execute" else []) for verb in verbs]
    return some


@pytest.mark.parametrize(
    ("database", "verb"), _cases("execute", "rollback", "commit", "restore"), indirect=["database"]
)
def test_nothing_is_lost_and_nothing_done_twice(
    workers: Workers, database: str, verb: str, amount: Amount, pace: Pace
) -> None:
    measured = workers.ask(Job("every-kind", database, verb, "measure"))
    assert not measured["problems"], measured
    wanted = amount.some(measured["names"])
    job = Job("every-kind", database, verb, "chain")
    left = _kill_at(workers, job, wanted, max(LEAST_RUNS, RUNS // amount.every), pace)
    # A kill may have led the next life past a later point: those get runs of their own.
    left = _kill_at(workers, job, left, len(left), pace)
    assert not left, f"points that no life came to: {left}"
    assert pace.kills == len(wanted)


def _kill_at(workers: Workers, job: Job, names: list[str], runs: int, pace: Pace) -> list[str]:
    """Share the points out to so many runs, neighbours to different ones; returns those that no life came to."""
    chains = [chain for n in range(runs) if (chain := names[n::runs])]
    answers = workers.carry_out([replace(job, more={"names": chain}) for chain in chains])
    for answer in answers:
        assert not answer["problems"], "\n".join(answer["problems"])
    pace.kills += sum(answer["killed"] for answer in answers)
    return [name for answer in answers for name in answer["left"]]


def test_the_campaign_has_every_kind_of_action(workers: Workers) -> None:
    found = set()
    for verb in ("execute", "commit", "restore"):
        answer = workers.ask(Job("every-kind", "", verb, "measure"))
        found |= set(answer["kinds"])
    assert found == set(VERBS), found ^ set(VERBS)


def test_a_roll_back_ends_where_it_began(workers: Workers) -> None:
    before = workers.ask(Job("every-kind", "", "execute", "measure"))["start"]
    after = workers.ask(Job("every-kind", "", "rollback", "measure"))["end"]
    differs = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert differs == {"controller:db/keystone.sql", "controller:db/nova.sql"}  # an expanded schema stays: undo R0


@pytest.mark.parametrize(("database", "verb"), _cases("execute", "rollback"), indirect=["database"])
def test_two_hundred_steps_killed_at_seeded_instants(
    workers: Workers, database: str, verb: str, amount: Amount, pace: Pace
) -> None:
    jobs = [
        Job(
            "long",
            database,
            verb,
            "instants",
            {"seed": amount.seed + n, "kills": min(EACH, amount.instants // LEAST_RUNS)},
        )
        for n in range(max(LEAST_RUNS, amount.instants // EACH))
    ]
    answers = workers.carry_out(jobs)
    for job, answer in zip(jobs, answers, strict=True):
        assert not answer["problems"], f"seed {job.more}\n" + "\n".join(answer["problems"])
    pace.kills += sum(answer["killed"] for answer in answers)
    assert pace.kills > len(jobs)
