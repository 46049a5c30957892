"""The verbs of every kind of action."""

from __future__ import annotations

from typing import Any

from escalator.actions import backup, balancer, bundles, cloud, commands, computes, restore, tests, units
from escalator.actions.verbs import Verbs
from escalator.errors import InputError

_ALL: tuple[Any, ...] = (
    bundles.VerifyBundle(), bundles.Stage(), bundles.Remove(), backup.Take(), balancer.Drain(), balancer.Ready(),
    units.Stop(), units.Start(), units.Switch(), units.Enable(), units.Verify(), computes.Disable(), computes.Enable(),
    commands.Check(), commands.Expand(), commands.Migrate(), commands.Contract(), cloud.Use(), cloud.Whole(),
    cloud.Soak(), tests.Command(), tests.Http(), restore.Prove(), restore.Stop(), restore.Load(), restore.Configure(),
    restore.Start(), restore.Serve(), restore.Reconcile(),
)  # fmt: skip
VERBS: dict[str, Verbs] = {verbs.kind: verbs for verbs in _ALL}


def verbs_of(kind: str) -> Verbs:
    """The verbs of a kind; InputError where a plan names one that this Escalator does not know."""
    if kind not in VERBS:
        raise InputError(f"unknown kind of action '{kind}'", hint="the plan was made by another version of Escalator")
    return VERBS[kind]
