"""What an operator reads: the plan's tree, the status screen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from escalator.cli.knowledge import SCHEMAS
from escalator.config.campaign import CampaignFile
from escalator.execution.status import screen, status_of
from escalator.journal.events import Kind, Record
from escalator.journal.fold import fold
from escalator.model.plan import Plan
from escalator.plan.report import tree
from small_site import campaign, inventory, plan

Golden = Callable[[str, str], None]


def test_the_plan_of_a_slurp_hop(golden: Golden) -> None:
    golden("plan-2025.1-2026.1.txt", tree(plan()))


def test_the_plan_of_one_component(golden: Golden) -> None:
    old = inventory(bundles=("2025.1",))
    patched = replace(old.bundles[0], id="2025.1-bbbb", components={**old.bundles[0].components, "glance": "30.1.0"})
    wanted = campaign().model_copy(
        update={"target": campaign().target.model_copy(update={"release": None, "components": {"glance": "30.1.0"}})}
    )
    golden("plan-glance-30.1.0.txt", tree(plan(wanted, replace(old, bundles=(*old.bundles, patched)))))


def test_the_plan_of_the_gated_example(golden: Golden) -> None:
    example = Path(__file__).parents[2] / "examples" / "campaign-gated.yaml"
    wanted = CampaignFile.model_validate(yaml.safe_load(example.read_text(encoding="utf-8")))
    golden("plan-gated.txt", tree(plan(wanted)))


def test_the_status_of_a_run_that_waits_for_a_word(golden: Golden) -> None:
    made = plan(campaign(approvals=[{"before": "preflight", "text": "the customers are told"}]))
    moves = [Record(Kind.MOVED, "", {"event": e}, at=at) for e, at in (("execute", 1000.0), ("suspend", 1001.0))]
    view = fold(
        replace(r, seq=n) for n, r in enumerate([*moves, Record(Kind.MOVED, "", {"event": "quiet"}, 1001.0)], 1)
    )
    golden("status-held.txt", screen(status_of("run1", made, view, {"requests": 300, "failed": 0}, 1100.0)))


STOP = "roll/controller/glance-api-a/unit.start"


def until(made: Plan, stop: str, slower: float = 1.0) -> tuple[list[Record], float]:
    """The journal of a run up to the intent of one action, each taking so many times what was expected; and when."""
    records, at = [Record(Kind.MOVED, "", {"event": "execute"}, at=1000.0)], 1000.0
    for action in (a for s in made.steps() for a in s.actions):
        records.append(Record(Kind.INTENT, action.id, {"verb": "do"}, at=at))
        if action.id == stop:
            return records, at
        at += action.expected_s * slower
        records.append(Record(Kind.OUTCOME, action.id, {"verb": "do", "result": "ok"}, at=at))
    raise AssertionError(stop)


def shown(made: Plan, records: list[Record], totals: dict[str, object], now: float) -> str:
    view = fold(replace(r, seq=n) for n, r in enumerate(records, 1))
    return screen(status_of("run1", made, view, totals, now))


def test_the_status_in_the_middle(golden: Golden) -> None:
    made = plan()
    records, at = until(made, STOP)
    totals = {"at": at + 0.5, "requests": 12345, "failed": 0}
    golden("status-middle.txt", shown(made, records, totals, at + 1))


def test_the_status_with_one_slow_action_and_failed_requests(golden: Golden) -> None:
    made = plan(campaign(budgets={"failed_requests": 5}))
    records, at = until(made, STOP, slower=1.6)
    now = at + 88
    apis = {
        "glance": {"requests": 4000, "failed": 2, "last_failure": now - 12},
        "nova": {"requests": 8345, "failed": 0},
    }
    totals = {"at": now - 0.5, "requests": 12345, "failed": 2, "apis": apis}
    golden("status-slow.txt", shown(made, records, totals, now))


def test_the_status_suspended_by_an_error(golden: Golden) -> None:
    made = plan()
    records, at = until(made, STOP)
    records.pop()  # the intent: two attempts follow
    why = f"{STOP}: glance-api-a is not healthy: http://127.0.0.1:19292/ answers 503 [ESC-304]"
    failed = {"verb": "do", "result": "failed", "text": "not healthy", "code": "ESC-304"}
    for start in (at, at + 250):
        records += [
            Record(Kind.INTENT, STOP, {"verb": "do"}, at=start),
            Record(Kind.OUTCOME, STOP, failed, at=start + 240),
        ]
    records += [
        Record(Kind.MOVED, "", {"event": "error", "why": why}, at=at + 491),
        Record(Kind.MOVED, "", {"event": "quiet"}, at=at + 491),
    ]
    totals = {"at": at + 495, "requests": 43210, "failed": 0}
    golden("status-suspended.txt", shown(made, records, totals, at + 491 + 732))


@pytest.mark.parametrize("name", ["site", "campaign", "constraints", "inventory", "component", "times"])
def test_the_published_schema_is_the_one_that_is_used(name: str) -> None:
    """`make docs` writes it anew."""
    published = Path(__file__).parents[2] / f"docs/reference/{name}.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == SCHEMAS[name].model_json_schema(by_alias=True)


def test_the_published_command_reference_is_the_one_of_the_commands(tmp_path: Path) -> None:
    """`make docs` writes it anew."""
    made = tmp_path / "cli.md"
    typer = Path(sys.executable).with_name("typer")
    words = ["escalator.cli.main", "utils", "docs", "--name", "escalator", "--output", str(made)]
    subprocess.run([typer, *words], check=True, capture_output=True)
    assert made.read_text() == (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()
