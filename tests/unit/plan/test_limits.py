"""What a campaign's limits make of a plan: gates at its steps, hosts of the zones in turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from escalator.errors import InputError
from escalator.model.inventory import ComputeService, Inventory
from escalator.model.plan import Phase, Plan, Procedure, Step
from escalator.plan.limits import limits_of
from escalator.plan.report import tree
from small_site import campaign, inventory, plan

ZONES = ("az1", "az1", "az1", "az2")


def wide(zones: tuple[str, ...] = ZONES) -> Inventory:
    """The small site with a compute per zone that is named."""
    found = inventory()
    names = [f"compute{n}" for n in range(1, len(zones) + 1)]
    mine = [i for i in found.instances if i.host == "compute1"]
    rows = [replace(i, host=name) for name in names for i in mine]
    template = next(h for h in found.hosts if h.name == "compute1")
    return replace(
        found,
        hosts=(found.hosts[0], *(replace(template, name=name) for name in names)),
        instances=(*(i for i in found.instances if i.host == "controller"), *rows),
        compute_services=tuple(
            ComputeService(n, "nova-compute", "enabled", "up", z) for n, z in zip(names, zones, strict=True)
        ),
    )  # fmt: skip


def limited(**parallel: object) -> Plan:
    return plan(campaign(parallel=parallel), wide())


def gates(made: Plan, step: str) -> dict[str, int]:
    return dict(next(s for s in (*made.steps(), *made.commit_steps()) if s.id == step).gates)


def test_no_limit_no_gate() -> None:
    assert not limits_of(limited(stage=3, computes=2))


def test_a_step_names_the_site_its_zone_and_its_kinds() -> None:
    made = limited(per_site=4, per_zone=1, per_kind={"unit.stop": 2, "bundle.stage": 1})
    assert gates(made, "roll/compute4/nova-compute") == {
        "site/small": 4, "zone/small/az2": 1, "kind/small/unit.stop": 2,
    }  # fmt: skip
    assert gates(made, "stage/compute1") == {"site/small": 4, "kind/small/bundle.stage": 1}  # it changes nothing yet
    assert gates(made, "roll/controller/glance-api-a") == {"site/small": 4, "kind/small/unit.stop": 2}
    assert gates(made, "contract/glance") == {"site/small": 4}
    assert "At most at once: kind/small/bundle.stage 1, kind/small/unit.stop 2, site/small 4, zone/small/az1 1" in tree(
        made
    )


def test_only_steps_carry_gates_so_none_waits_for_itself() -> None:
    made = limited(per_site=1, per_zone=1, per_kind={"unit.stop": 1})
    assert all(len(dict(s.gates)) == len(s.gates) for s in made.steps())
    assert not any(hasattr(p, "gates") for p in made.procedures)


def hosts(made: Plan) -> list[str]:
    rolling = next(p for p in made.procedures if p.id == "hosts")
    return [c.id for c in rolling.children if isinstance(c, Procedure | Step)]


def test_zones_are_taken_in_turn_where_they_are_limited() -> None:
    plain = [f"hosts/compute{n}" for n in (1, 2, 3, 4)]
    assert hosts(limited(computes=2)) == plain
    assert hosts(limited(computes=2, per_zone=1)) == [plain[0], plain[3], plain[1], plain[2]]


def test_hosts_without_a_zone_form_one() -> None:
    made = plan(campaign(parallel={"per_zone": 1}), wide(("", "", "", "")))
    rolled = {dict(s.gates).get("zone/small/-") for s in made.steps() if s.phase is Phase.ROLL and "compute" in s.id}
    assert rolled == {1}


def test_an_unknown_kind_and_a_limit_of_none_are_refused() -> None:
    with pytest.raises(InputError, match=r"no kind of action 'unit\.stopp'"):
        limited(per_kind={"unit.stopp": 1})
    for wrong in ({"per_zone": 0}, {"per_kind": {"unit.stop": 0}}, {"per_site": 1.5}):
        with pytest.raises(ValidationError):
            limited(**wrong)
