"""What a component's file says is what the plan holds: no fact of the catalogue is only written down."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from escalator.catalogue.components import Catalogue, load_catalogue
from escalator.catalogue.parts import Times
from escalator.catalogue.releases import load_releases
from escalator.checks import check
from escalator.errors import DocumentError, IntegrityError
from escalator.model.findings import refused
from escalator.model.inventory import DatabaseRevision, Inventory
from escalator.model.plan import Action, DataPlane, Impact, Phase, Plan, UndoClass
from escalator.plan.planner import make_plan
from escalator.sites.backups import lacking, outermost
from small_site import SITE, campaign, inventory

MILLION = 1_000_000


def planned(catalogue: Catalogue | None = None, found: Inventory | None = None, *only: str) -> Plan:
    wanted = campaign(scope={"components": list(only)}) if only else campaign()
    known = catalogue or load_catalogue()
    return make_plan(wanted, SITE, found or inventory(), known, load_releases(), now="2026-01-01T00:00:00+00:00")


def actions(made: Plan, kind: str, component: str = "") -> list[Action]:
    steps = [s for s in (*made.steps(), *made.commit_steps()) if not component or s.component == component]
    return [a for s in steps for a in s.actions if a.kind == kind]


def overlaid(folder: Path, component: str, old: str, new: str) -> Catalogue:
    """The catalogue with an operator's own file in the place of one of ours."""
    ours = Path(__file__).parents[3] / f"src/escalator/catalogue/components/{component}.yaml"
    text = ours.read_text(encoding="utf-8")
    assert old in text
    (folder / f"{component}.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return load_catalogue(folder)


def with_rows(rows: dict[str, int]) -> Inventory:
    revisions = tuple(DatabaseRevision(c, c, ("head",), n) for c, n in rows.items())
    return replace(inventory(), databases=revisions)


def test_every_component_says_what_its_upgrade_costs_what_to_save_and_what_undo_takes() -> None:
    for component in load_catalogue().components.values():
        assert component.impact is not None, component.component
        assert component.backup.folders, component.component
        assert component.backup.schemas, component.component
        assert component.undo[Phase.EXPAND] is UndoClass.NOTHING


def test_the_backup_holds_the_changed_components_sets_keys_included() -> None:
    (taken,) = actions(planned(), "backup.take")
    assert set(taken.args["databases"]) == {"keystone", "placement", "glance", "nova", "neutron"}
    assert {"/etc/keystone/fernet-keys", "/etc/keystone/credential-keys"} <= set(taken.args["paths"]["controller"])
    assert taken.args["paths"]["compute1"] == ["/etc/neutron", "/etc/nova"]


def test_a_partial_upgrade_saves_what_belongs_to_it_and_no_more() -> None:
    (taken,) = actions(planned(None, None, "nova"), "backup.take")
    assert taken.args["databases"] == {"nova": ["nova"], "placement": ["placement"]}
    assert taken.args["paths"] == {h: ["/etc/nova"] for h in ("controller", "compute1", "compute2")}


def test_an_operators_file_moves_the_keys(tmp_path: Path) -> None:
    catalogue = overlaid(tmp_path, "keystone", "/etc/keystone/fernet-keys", "/var/lib/keystone/fernet-keys")
    (taken,) = actions(planned(catalogue), "backup.take")
    assert "/var/lib/keystone/fernet-keys" in taken.args["paths"]["controller"]


def test_a_component_without_a_known_schema_is_not_changed() -> None:
    bare = SITE.model_copy(
        update={"databases": SITE.databases.model_copy(update={"schemas": {c: [c] for c in ("keystone", "nova")}})}
    )
    wanted = campaign(scope={"components": ["nova"]})
    made = make_plan(wanted, bare, inventory(), load_catalogue(), load_releases(), now="2026-01-01T00:00:00+00:00")
    assert [(f.rule, f.subject) for f in refused(made.findings)] == [("backup.complete", "placement")]


def test_keys_that_are_not_in_the_archive_are_missed() -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name in ("etc/keystone/keystone.conf", "etc/keystone/fernet-keys/0"):
            tar.addfile(tarfile.TarInfo(name))
        empty = tarfile.TarInfo("etc/keystone/credential-keys")
        empty.type = tarfile.DIRTYPE
        tar.addfile(empty)
    folders = ["/etc/keystone", "/etc/keystone/credential-keys", "/etc/keystone/fernet-keys"]
    assert lacking(written.getvalue(), folders) == ["/etc/keystone/credential-keys"]
    with pytest.raises(IntegrityError):
        lacking(b"no archive", folders)


def test_a_folder_below_another_is_copied_once() -> None:
    assert outermost(["/etc/nova", "/etc/nova/keys", "/etc/nova-api", "/k"]) == ["/etc/nova", "/etc/nova-api", "/k"]


def test_undo_classes_are_the_components_own() -> None:
    made = planned()
    classes = {a.args["unit"]: a.undo for a in actions(made, "unit.switch")}
    assert classes["keystone-api-a"] is classes["nova-compute"] is UndoClass.REVERSE
    assert classes["nova-api-a"] is classes["nova-conductor-b"] is UndoClass.MIXED
    assert {a.undo for a in actions(made, "schema.expand")} == {UndoClass.NOTHING}
    assert {a.undo for a in actions(made, "schema.contract")} == {UndoClass.RESTORE}


def test_an_expand_that_cant_be_undone_by_an_operators_word_is_refused_before_the_commit(tmp_path: Path) -> None:
    catalogue = overlaid(tmp_path, "neutron", "expand: R0", "expand: R3")
    made = planned(catalogue)
    (finding,) = refused(check(made, inventory(), catalogue))
    assert (finding.rule, finding.subject) == ("undo.until-commit", "expand/neutron/schema.expand")


def test_a_contraction_can_not_be_called_undoable(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        overlaid(tmp_path, "keystone", "contract: R3", "contract: R0")
    assert "contract is R0: Escalator can't undo it" in "".join(caught.value.problems)


def test_times_grow_with_the_rows_of_the_component_only() -> None:
    small, large = planned(), planned(None, with_rows({"nova": 5 * MILLION, "keystone": 0}))
    for kind in ("schema.expand", "data.migrate"):
        (before,), (after,) = (actions(made, kind, "nova") for made in (small, large))
        assert after.longest_s > before.longest_s
        assert actions(large, kind, "keystone")[0].longest_s == actions(small, kind, "keystone")[0].longest_s
    (expand,) = actions(large, "schema.expand", "nova")
    assert expand.expected_s == pytest.approx(4 + 5 * 3.3)


def test_the_backup_takes_longer_where_there_are_more_rows() -> None:
    (small,), (large,) = (actions(m, "backup.take") for m in (planned(), planned(None, with_rows({"nova": MILLION}))))
    assert large.expected_s - small.expected_s == pytest.approx(28)
    assert large.longest_s > small.longest_s


def test_a_times_entry_without_rows_is_fixed() -> None:
    assert Times(expected_s=4, longest_s=9).expected(MILLION) == 4


def test_the_plan_says_what_each_component_costs() -> None:
    made = planned(None, with_rows({"nova": MILLION}))
    known = {i.service or i.component: i for i in made.impacts}
    assert known["keystone"].level is Impact.NONE
    assert known["neutron"].level is Impact.SLOWER
    compute = known["nova-compute"]
    assert (compute.level, compute.times, compute.vnfs) == (Impact.SLOWER, 2, DataPlane.NONE)
    assert compute.lasts_s == pytest.approx(9)
    assert known["nova"].restore_s > known["glance"].restore_s
    assert "/etc/keystone/fernet-keys" in known["keystone"].backup


def test_an_operators_word_on_who_notices_reaches_the_action_and_the_summary(tmp_path: Path) -> None:
    made = planned(overlaid(tmp_path, "glance", "  vnfs: none", "  levels: {roll: some-fail}\n  vnfs: packets"))
    assert {a.impact for a in actions(made, "unit.stop", "glance")} == {Impact.SOME_FAIL}
    (glance,) = [i for i in made.impacts if i.component == "glance"]
    assert (glance.level, glance.times, glance.lasts_s, glance.vnfs) == (Impact.SOME_FAIL, 2, 2, DataPlane.PACKETS)


def test_services_are_started_again_and_not_reloaded_where_a_bug_forbids_the_signal() -> None:
    unpin = [s for s in planned().steps() if s.phase is Phase.UNPIN]
    conductor = next(s for s in unpin if "nova-conductor" in s.id)
    assert "no SIGHUP" in conductor.why
    assert "LP#1833069" in conductor.why
    assert [a.kind for a in conductor.actions if a.kind.startswith("unit.st")] == ["unit.start", "unit.stop"]


@pytest.mark.parametrize(
    ("sent", "word"),
    [("SIGTERM", ""), ("", ""), ("SIGKILL", "SIGTERM ends it in good order"), ("SIGHUP", "LP#1833069")],
)
def test_a_unit_that_is_stopped_by_another_signal_is_found_before_anything_is_stopped(sent: str, word: str) -> None:
    found = inventory()
    units = tuple(replace(i, stop_signal=sent) if i.unit == "nova-conductor-b" else i for i in found.instances)
    texts = [f.text for f in planned(None, replace(found, instances=units)).findings if f.rule == "unit.stop-signal"]
    assert len(texts) == bool(word)
    assert all(word in text for text in texts)
