"""Rules that a plan must keep, one file each, without the planner's code: what one gets wrong the other finds."""

from __future__ import annotations

from collections.abc import Callable

from escalator.catalogue.components import Catalogue
from escalator.checks import commit_only, deadlines, expand_first, reaches_target, redundancy, staged_first
from escalator.model.findings import Finding
from escalator.model.inventory import Inventory
from escalator.model.plan import Plan

Rule = Callable[[Plan, Inventory, Catalogue], tuple[Finding, ...]]

RULES: tuple[Rule, ...] = (
    commit_only.check, expand_first.check, staged_first.check, redundancy.check, reaches_target.check,
    deadlines.check,
)  # fmt: skip


def check(plan: Plan, inventory: Inventory, catalogue: Catalogue) -> tuple[Finding, ...]:
    """What every rule says of a plan, in the rules' order."""
    return tuple(finding for rule in RULES for finding in rule(plan, inventory, catalogue))
