"""The scan of a hop: two bundles compared, answers kept, risks accepted by name."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from escalator.catalogue.risks import accepted, hop_risks, schema_risks
from escalator.errors import InputError
from escalator.model.findings import Severity
from escalator.model.inventory import Bundle
from small_site import inventory, plan

EXPAND = "neutron/db/migration/alembic_migrations/versions/2023.2/expand"
OLD = "from alembic import op\nrevision = 'aaa'\ndef upgrade():\n    op.drop_column('subnets', 'gone_before')\n"
NEW = "from alembic import op\nrevision = '93f394357a27'\ndef upgrade():\n    op.drop_column('subnets', 'in_use')\n"
MODEL = (
    "import sqlalchemy as sa\nclass Subnet(B):\n    __tablename__ = 'subnets'\n    in_use = sa.Column(sa.Boolean())\n"
)


def bundle(folder: Path, name: str, files: dict[str, str]) -> Bundle:
    for path, text in files.items():
        file = folder / "tree" / name / "lib/python3.11/site-packages" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / name).mkdir()
    archive = folder / name / "bundle.tar.zst"
    subprocess.run(["tar", "--zstd", "-cf", archive, "-C", folder / "tree", name], check=True)
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    return Bundle(name, name, {}, sha256, archive.stat().st_size, path=str(archive))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Bundle, Bundle]:
    before = {f"{EXPAND}/aaa.py": OLD, "neutron/models.py": MODEL}
    return (
        bundle(tmp_path, "new", {**before, f"{EXPAND}/93f394357a27_x.py": NEW}),
        bundle(tmp_path, "old", before),
    )


def test_only_what_is_new_and_used_is_a_risk(pair: tuple[Bundle, Bundle], tmp_path: Path) -> None:
    found = schema_risks(("neutron",), *pair, tmp_path / "nowhere")
    assert [(f.severity, f.subject) for f in found] == [(Severity.REFUSED, "neutron/93f394357a27")]


def test_answers_are_kept_for_the_next_plan(pair: tuple[Bundle, Bundle], tmp_path: Path) -> None:
    first = schema_risks(("neutron",), *pair, tmp_path)
    for one in pair:
        Path(one.path).unlink()
    assert schema_risks(("neutron",), *pair, tmp_path) == first


def test_a_risk_is_accepted_by_name_and_says_why(pair: tuple[Bundle, Bundle], tmp_path: Path) -> None:
    found = schema_risks(("neutron",), *pair, tmp_path)
    (kept,) = accepted(found, {"schema.other": "no"})
    assert kept.severity is Severity.REFUSED
    (named,) = accepted(found, {"schema.93f394357a27": "no subnet is written meanwhile"})
    assert named.severity is Severity.INFO
    assert named.text.endswith("; accepted: no subnet is written meanwhile")


def test_a_broken_bundle_is_named(pair: tuple[Bundle, Bundle], tmp_path: Path) -> None:
    Path(pair[0].path).write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"new/bundle\.tar\.zst can't be read"):
        schema_risks(("neutron",), *pair, tmp_path)


def test_an_answer_about_another_bundle_of_the_same_name_or_a_torn_one_is_not_taken(
    pair: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    target, since = pair
    first = schema_risks(("neutron",), target, since, tmp_path)
    assert schema_risks(("neutron",), replace(target, sha256="0" * 64, path=since.path), since, tmp_path) == ()
    for kept in tmp_path.glob("schema-risks-*.json"):
        kept.write_text("{")
    assert schema_risks(("neutron",), target, since, tmp_path) == first


def test_what_runs_from_a_bundle_that_is_not_collected_is_named(tmp_path: Path) -> None:
    found = hop_risks(plan(), inventory(bundles=("2026.1",)), tmp_path)
    assert [f.rule for f in found] == ["schema.not-scanned"]
    assert "keystone" in found[0].subject
