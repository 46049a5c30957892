"""Each rule lets the planner's plans pass, and finds what was broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from escalator.catalogue.components import load_catalogue
from escalator.checks import check
from escalator.model.plan import Action, Plan, Procedure, Step
from small_site import campaign, inventory, plan, without

CATALOGUE = load_catalogue()


def rules(made: Plan, found: Any = None) -> set[str]:
    return {f.rule for f in check(made, found or inventory(), CATALOGUE)}


def changed(made: Plan, keep: Callable[[Action], bool]) -> Plan:
    """The plan without the actions that ``keep`` refuses."""

    def node(this: Procedure | Step) -> Procedure | Step:
        if isinstance(this, Step):
            return replace(this, actions=tuple(a for a in this.actions if keep(a)))
        return replace(this, children=tuple(node(c) for c in this.children))

    return replace(made, procedures=tuple(node(p) for p in made.procedures))  # type: ignore[misc]


@pytest.mark.parametrize("hops", ["fewest", "every"])
def test_the_planners_own_plans_keep_all_rules(hops: str) -> None:
    found = inventory(bundles=("2025.1", "2025.2", "2026.1"))
    assert rules(plan(campaign(hops=hops), found), found) == set()


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("schema.expand", "schema.expand-first"),
        ("bundle.stage", "bundle.staged-first"),
        ("balancer.drain", "service.always-one"),
        ("balancer.ready", "service.always-one"),
        ("backup.take", "backup.first"),
    ],
)
def test_a_plan_that_lacks_a_kind_of_action_is_found_out(kind: str, rule: str) -> None:
    assert rule in rules(changed(plan(), lambda a: a.kind != kind))


def test_a_contraction_before_the_commit_is_found_out() -> None:
    made = plan()
    assert "undo.until-commit" in rules(replace(made, procedures=(*made.procedures, *made.commit)))


def test_a_service_without_a_second_instance_is_found_out() -> None:
    found = without(inventory(), "glance-api-b")
    assert "service.always-one" in rules(plan(found=found), found)


def test_a_unit_that_is_not_switched_is_found_out() -> None:
    made = plan()
    broken = changed(made, lambda a: not (a.kind == "unit.start" and a.args["unit"] == "nova-api-a"))
    assert rules(broken)


def test_a_worker_that_stops_before_the_other_starts_is_found_out() -> None:
    broken = changed(plan(), lambda a: not (a.kind == "unit.start" and a.args["unit"] == "nova-scheduler-b"))
    assert "service.always-one" in rules(broken)
