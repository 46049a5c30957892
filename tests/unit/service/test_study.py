"""A campaign's hosts on an inventory file: stages, what each begins with, and what stops it before anything is planned.

The scheduler here is a small honest one: hosts in turn, each server to the first other host with room.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from escalator.config.campaign import CampaignFile
from escalator.config.constraints import ConstraintsFile
from escalator.errors import InputError
from escalator.inventory.file import InventoryFile
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints, Limits
from escalator.model.schedule import Move, Schedule, Visit
from escalator.service import study as module
from escalator.service.study import study
from small_fleet import fleet, server

Asked = list[tuple[Inventory, Constraints, tuple[str, ...]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the scheduler was asked."""
    seen: Asked = []

    def one_by_one(inventory: Inventory, constraints: Constraints, hosts: Iterable[str]) -> Schedule:
        names = tuple(hosts)
        seen.append((inventory, constraints, names))
        at = {s.id: s.host for s in inventory.servers}
        moves, visits, now = [], [], 0.0
        for name in names:
            target = next(h.host for h in inventory.hypervisors if h.host != name and h.host not in names)
            leaving = [s for s, place in at.items() if place == name]
            moves += [Move(s, name, target, now, now + 10) for s in leaving]
            at.update(dict.fromkeys(leaving, target))
            visits.append(Visit(name, now, now + 10, now + 10 + constraints.limits.host_offline_s, len(visits)))
            now = visits[-1].back_s
        return Schedule(tuple(moves), tuple(visits))

    monkeypatch.setattr(module, "scheduler", lambda: one_by_one)
    return seen


def campaign(**hosts: Any) -> CampaignFile:
    target = {"packages": {"qemu-system-x86": "newest"}, "offline_s": 100.0}
    return CampaignFile.model_validate(
        {"schema": "escalator/campaign/v1", "name": "c", "hosts": {"target": target, **hosts}}
    )


def file(inventory: Inventory | None = None, constraints: Constraints | None = None) -> InventoryFile:
    return InventoryFile(schema="escalator/inventory/v1", inventory=inventory or fleet(), constraints=constraints)


def limits(text: dict[str, Any]) -> ConstraintsFile:
    return ConstraintsFile.model_validate({"schema": "escalator/constraints/v1", "limits": text})


def test_the_others_begin_with_what_the_canary_leaves_behind(asked: Asked) -> None:
    made = study(file(), campaign(select={"failure_sets": ["rack:r1"]}, canary={"soak_s": 60.0}))
    assert [(s.name, len(s.schedule.visits), s.soak_s) for s in made.stages] == [("canary", 1, 60.0), ("hosts", 1, 0.0)]
    assert made.hosts == ("h1", "h2")
    assert [names for _, _, names in asked] == [("h1",), ("h2",)]
    assert {s.id: s.host for s in asked[1][0].servers} == {"s1": "h2", "s3": "h2", "s2": "h2", "s4": "h2", "s5": "h3"}
    assert made.makespan_s == 110.0 + 60.0 + 110.0
    assert made.moves == 2 + 4


def test_without_a_canary_there_is_one_stage(asked: Asked) -> None:
    made = study(file(), campaign(select={"count": 2}))
    assert [s.name for s in made.stages] == ["hosts"]
    assert asked[0][2] == ("h4", "h3")


def test_the_campaign_tightens_what_the_constraints_say(asked: Asked) -> None:
    study(file(), campaign(select={"count": 1}, at_once=2, per_failure_set={"rack": 1}), limits({"hosts_at_once": 3}))
    assert asked[0][1].limits == Limits(hosts_at_once=2, offline_per_set=(("rack", 1),), host_offline_s=100.0)


def test_constraints_given_beside_the_inventory_stand_over_its_own(asked: Asked) -> None:
    held = file(constraints=Constraints(Limits(migrations=7)))
    study(held, campaign(select={"count": 1}))
    study(held, campaign(select={"count": 1}), limits({"migrations": 9}))
    study(file(), campaign(select={"count": 1}))
    assert [c.limits.migrations for _, c, _ in asked] == [7, 9, 0]
    assert [c.default.impacted_at_once(5) for _, c, _ in asked] == [5, 1, 1]


def test_what_does_not_fit_together_is_not_planned(asked: Asked) -> None:
    astray = replace(fleet(), servers=(server("s1", "nowhere"),))
    made = study(file(astray), campaign())
    assert (made.stages, asked) == ((), [])
    assert {f.rule for f in made.findings} >= {"inventory.fits"}


def test_where_the_canary_is_refused_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Finding(Severity.REFUSED, "hosts.room", "h1", "there is no room")
    monkeypatch.setattr(module, "scheduler", lambda: lambda *_: Schedule((), (), findings=(stop,)))
    made = study(file(), campaign(canary={}))
    assert [s.name for s in made.stages] == ["canary"]
    assert stop in made.findings


def test_what_was_found_when_collecting_is_told_again(asked: Asked) -> None:
    del asked
    odd = Finding(Severity.WARNING, "site.fleet", "small/h4", "odd")
    made = study(file(replace(fleet(), findings=(odd,))), campaign(select={"count": 1}))
    assert made.findings == (odd,)


def test_a_campaign_without_hosts_is_a_wrong_input() -> None:
    other = CampaignFile.model_validate(
        {"schema": "escalator/campaign/v1", "name": "c", "target": {"release": "2026.1"}}
    )
    with pytest.raises(InputError, match="upgrades no hosts"):
        study(file(), other)
