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


def test_the_status_in_the_middle(golden: Golden) -> None:
    made = plan()
    records, at, stop = (
        [Record(Kind.MOVED, "", {"event": "execute"}, at=1000.0)],
        1000.0,
        "roll/controller/glance-api-a",
    )
    for step in made.steps():
        for action in step.actions:
            records.append(Record(Kind.INTENT, action.id, {"verb": "do"}, at=at))
            if step.id == stop and action.kind == "unit.start":
                break
            at += action.expected_s
            records.append(Record(Kind.OUTCOME, action.id, {"verb": "do", "result": "ok"}, at=at))
        if step.id == stop:
            break
    view = fold(replace(r, seq=n) for n, r in enumerate(records, 1))
    golden("status-middle.txt", screen(status_of("run1", made, view, {"requests": 12345, "failed": 0}, at + 1)))


@pytest.mark.parametrize("name", ["site", "campaign", "component"])
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
