"""The planner against what the upgrade guides ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from escalator.config.campaign import CampaignFile, Target
from escalator.errors import InputError
from escalator.model.findings import refused
from escalator.model.inventory import Bundle, Inventory
from escalator.model.plan import Phase, Plan, UndoClass
from small_site import bundle, campaign, inventory, plan


def order(made: Plan, step: str) -> int:
    return [s.id for s in made.steps()].index(step)


def test_expand_comes_before_the_first_switch_of_its_component() -> None:
    made = plan()
    for component in ("keystone", "placement", "glance", "nova", "neutron"):
        first = min(order(made, s.id) for s in made.steps() if s.phase is Phase.ROLL and s.component == component)
        assert order(made, f"expand/{component}") < first


def test_conductor_then_scheduler_then_api_then_computes_then_unpin() -> None:
    made = plan()
    steps = [
        "roll/controller/nova-conductor", "roll/controller/nova-scheduler", "roll/controller/nova-api-a",
        "roll/compute1/nova-compute", "unpin/controller/nova-conductor",
    ]  # fmt: skip
    places = [order(made, s) for s in steps]
    assert places == sorted(places)
    assert order(made, "roll/controller/placement-api-b") < places[0]
    assert order(made, "roll/controller/neutron-api-b") < order(made, "roll/compute1/neutron-l2-agent")


def test_nothing_in_execute_is_without_undo_and_contraction_is_in_commit_only() -> None:
    made = plan()
    assert all(a.undo not in (UndoClass.RESTORE, UndoClass.NEVER) for s in made.steps() for a in s.actions)
    assert {s.phase for s in made.commit_steps()} == {Phase.MIGRATE, Phase.CONTRACT}


def test_action_ids_are_unique() -> None:
    ids = [a.id for s in (*plan().steps(), *plan().commit_steps()) for a in s.actions]
    assert len(ids) == len(set(ids))


def test_a_second_plan_is_empty() -> None:
    made = plan(found=inventory("2026.1"))
    assert made.empty
    assert not made.findings


def test_a_half_upgraded_site_is_planned_for_the_rest_only() -> None:
    found, new = inventory(), bundle("2026.1")
    done = tuple(
        replace(i, running=new.id, installed=new.id, release="2026.1", version=new.components["keystone"])
        if i.component == "keystone" else i
        for i in found.instances
    )  # fmt: skip
    made = plan(found=replace(found, instances=done))
    assert "keystone" not in {s.component for s in made.steps()}
    assert {c.component for c in made.changes} == {"placement", "glance", "nova", "neutron"}


@pytest.mark.parametrize(("hops", "first"), [("fewest", "2026.1"), ("every", "2025.2")])
def test_each_plan_is_one_hop_of_the_chain(hops: str, first: str) -> None:
    made = plan(campaign("2026.2", hops=hops), inventory(bundles=("2025.2", "2026.1", "2026.2")))
    assert made.hop == ("2025.1", first)
    assert made.chain[-1] == "2026.2"


def test_a_hop_that_is_not_allowed_names_the_rule_and_the_chain_that_works() -> None:
    (finding,) = refused(plan(campaign("2026.2", hops="direct"), inventory(bundles=("2026.2",))).findings)
    assert finding.rule == "hop.not-allowed"
    assert "2025.1 -> 2026.1 -> 2026.2" in finding.hint


def test_computes_below_the_floor_stop_a_control_plane_hop() -> None:
    found = inventory("2026.1", computes="2025.1", bundles=("2026.1", "2026.2"))
    made = plan(campaign("2026.2", scope={"roles": ["controller"]}), found)
    assert {f.rule for f in refused(made.findings)} == {"compute.floor"}


def test_what_was_not_collected_is_named() -> None:
    (finding,) = refused(plan(found=inventory(bundles=("2025.1",))).findings)
    assert finding.rule == "artefacts.there"
    assert "2025.1-aaaa" in finding.hint


def patched(component: str, version: str, id_: str = "2025.1-bbbb") -> Bundle:
    """A bundle of 2025.1 that differs in one component."""
    base = bundle("2025.1")
    return replace(base, id=id_, components={**base.components, component: version})


def running(found: Inventory, component: str, new: Bundle) -> Inventory:
    """The site when a component runs from another bundle."""
    version = new.components[component]
    rows = tuple(
        replace(i, running=new.id, installed=new.id, release=new.release, version=version)
        if i.component == component and i.active else i
        for i in found.instances
    )  # fmt: skip
    return replace(found, instances=rows, bundles=tuple({b.id: b for b in (*found.bundles, new)}.values()))


def patch(**versions: str) -> CampaignFile:
    return campaign().model_copy(update={"target": Target(components=versions)})


def test_a_patch_touches_one_component_on_controllers_and_computes() -> None:
    found = inventory()
    made = plan(patch(nova="31.1.0"), replace(found, bundles=(*found.bundles, patched("nova", "31.1.0"))))
    assert [(c.component, c.to_version, c.size) for c in made.changes] == [("nova", "31.1.0", "minor")]
    turned = {(a.host, a.args["unit"]) for s in made.steps() for a in s.actions if a.kind == "unit.switch"}
    assert {host for host, _ in turned} == {"controller", "compute1", "compute2"}
    assert {unit for _, unit in turned if not unit.startswith("nova-")} == set()
    assert Phase.UNPIN not in {s.phase for s in made.steps()}


def test_a_patch_that_runs_leaves_nothing_to_do_and_its_release_neither() -> None:
    found = running(inventory(), "glance", patched("glance", "30.1.0"))
    assert plan(patch(glance="30.1.0"), found).empty
    assert plan(campaign("2025.1"), found).empty


@pytest.mark.parametrize("name", ["2025.1-0000", "2025.1-zzzz"])
def test_no_plan_goes_back_to_an_older_version_whatever_the_bundles_are_called(name: str) -> None:
    found = running(inventory(), "glance", patched("glance", "30.1.0", name))
    for wanted in (campaign("2025.1"), campaign("2026.1"), patch(nova="31.0.0")):
        made = plan(wanted, found)
        assert not refused(made.findings)
        assert [c for c in made.changes if c.component == "glance" and c.to_version < "30.1.0"] == []
    (finding,) = refused(plan(patch(glance="30.0.0"), found).findings)
    assert finding.rule == "hop.backwards"
    assert "older than the 30.1.0 that runs" in finding.text


def test_the_newest_bundle_of_the_next_release_is_taken() -> None:
    new = bundle("2026.1")
    better = replace(new, id="2026.1-0000", components={**new.components, "nova": "33.0.2"})
    assert plan(found=replace(inventory(), bundles=(better, new))).bundle == better.id


def test_what_is_ahead_of_a_hop_stays_ahead() -> None:
    found = running(inventory(bundles=("2025.2", "2026.1")), "keystone", bundle("2026.1"))
    made = plan(campaign("2026.1", hops="every"), found)
    assert made.hop == ("2025.1", "2025.2")
    assert "keystone" not in {c.component for c in made.changes}


def test_a_version_that_was_not_collected_is_named_with_those_there_are() -> None:
    (finding,) = refused(plan(patch(glance="30.9.9")).findings)
    assert finding.rule == "artefacts.there"
    assert finding.text == "no collected bundle of 2025.1 holds glance 30.9.9"
    assert "glance 30.0.0" in finding.hint


def test_an_unknown_component_is_named_with_those_there_are() -> None:
    for wanted in (campaign("2026.1", scope={"components": ["cinder"]}), patch(cinder="26.0.0")):
        with pytest.raises(InputError, match="unknown component 'cinder'") as caught:
            plan(wanted)
        assert "glance" in caught.value.hint


def test_a_check_that_is_broken_in_the_target_is_left_out_and_said_so() -> None:
    made = plan(campaign("2026.2"), inventory("2026.1", bundles=("2026.1", "2026.2")))
    asked = [a.title for s in made.steps() for a in s.actions if a.kind == "check.command"]
    assert "keystone-status upgrade check of the target" in asked
    assert not [t for t in asked if "glance" in t]
    assert [f.subject for f in made.findings if f.rule == "check.left-out"] == ["glance 2026.2"]


def with_versions(release: str, name: str, **versions: str) -> Bundle:
    made = bundle(release)
    return replace(made, id=f"{release}-{name}", components={**made.components, **versions})


@pytest.mark.parametrize(
    ("version", "size"), [("30.0.1", "patch"), ("30.1.0", "minor"), ("30.0.1.dev3", "patch"), ("31.0.0", "major")]
)
def test_the_size_of_a_change_comes_from_its_versions(version: str, size: str) -> None:
    found = replace(inventory(), bundles=(bundle("2025.1"), with_versions("2025.1", "new", glance=version)))
    made = plan(patch(glance=version), found)
    assert [(c.component, c.size) for c in made.changes] == [("glance", size)]
    assert not made.findings


def test_a_wanted_version_that_can_t_be_read_is_refused() -> None:
    found = replace(inventory(), bundles=(bundle("2025.1"), with_versions("2025.1", "new", glance="30.x")))
    made = plan(patch(glance="30.x"), found)
    assert [f.rule for f in refused(made.findings)] == ["version.readable"]
    assert made.empty


def test_of_two_bundles_the_release_is_taken_not_its_candidate() -> None:
    candidate = with_versions("2026.1", "zz", **{c: f"{v}.0rc1" for c, v in bundle("2026.1").components.items()})
    found = replace(inventory(), bundles=(bundle("2025.1"), bundle("2026.1"), candidate))
    assert plan(found=found).bundle == bundle("2026.1").id


def test_novas_services_have_the_time_that_they_wait_at_a_stop() -> None:
    stops = {a.args["unit"]: a for s in plan().steps() for a in s.actions if a.kind == "unit.stop"}
    for unit in ("nova-conductor-a", "nova-scheduler-a", "nova-compute"):
        assert stops[unit].args["stop_s"] > 160
        assert stops[unit].longest_s > stops[unit].args["stop_s"]
