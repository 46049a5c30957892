"""A campaign whose limits leave no time, for itself or for a roll-back, is warned of when it is planned."""

from __future__ import annotations

import pytest

from escalator.catalogue.components import load_catalogue
from escalator.checks import check
from escalator.checks.deadlines import check as deadlines
from escalator.model.findings import Severity
from escalator.plan.report import tree
from small_site import campaign, inventory, plan

NIGHT = {"from": "22:00", "to": "04:00"}


def rules(**wanted: object) -> dict[str, str]:
    made = plan(campaign(**wanted))
    found = deadlines(made, inventory(), load_catalogue())
    assert all(f.severity is Severity.WARNING for f in found)
    return {f.rule: f.text for f in found}


def test_enough_time_is_no_finding() -> None:
    assert not rules()
    assert not rules(windows=[NIGHT])
    assert not [f for f in check(plan(), inventory(), load_catalogue()) if f.rule.startswith("deadline")]


def test_each_limit_that_is_too_short_is_named_with_both_times() -> None:
    made = plan()
    ahead, back = sum(p.expected_s for p in made.procedures), made.back_s
    assert 60 < back < ahead
    assert rules(budgets={"max_duration": 60, "max_rollback": 7200}) == {
        "deadline.execute": f"it is expected to take {ahead:.0f} s, 60 are allowed"
    }
    assert rules(budgets={"max_rollback": 60}) == {
        "deadline.rollback": f"a roll-back from the end would take about {back:.0f} s, 60 are allowed"
    }


def test_a_roll_back_may_take_as_long_as_executing_where_nothing_is_said() -> None:
    made = plan(campaign(budgets={"max_duration": 60}))
    assert (made.policy.max_duration_s, made.policy.max_rollback_s) == (60, 60)


@pytest.mark.parametrize(("to", "warned"), [("22:10", True), ("23:00", False), ("22:00", False)])
def test_a_window_needs_room_for_the_way_back(to: str, *, warned: bool) -> None:
    found = rules(windows=[{"from": "22:00", "to": to}, {"from": "01:00", "to": "01:05"}])
    assert ("deadline.window" in found) is warned


def test_a_deadline_inside_the_window_keeps_the_way_back_inside_too() -> None:
    made = plan()
    assert sum(p.expected_s for p in made.procedures) + made.back_s > 600 > 300 + made.back_s
    window = [{"from": "22:00", "to": "22:10"}]
    assert "deadline.window" in rules(windows=window)
    assert "deadline.window" not in rules(windows=window, budgets={"max_duration": 300, "max_rollback": 7200})


def test_the_plan_says_the_limits_and_what_a_roll_back_takes_before_anything_begins() -> None:
    wanted = campaign(budgets={"max_duration": 3600, "max_rollback": 900}, policy={"at_deadline": "rollback"})
    made = plan(wanted)
    assert (
        f"Deadline: 3600 s, then it rolls back. A roll-back from the end: about {made.back_s:.0f} s, at most 900."
        in tree(made)
    )
