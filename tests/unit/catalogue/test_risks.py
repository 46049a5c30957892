"""The scan of a hop: two bundles compared, answers kept, risks accepted by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from escalator.catalogue.risks import accepted, schema_risks
from escalator.errors import InputError
from escalator.model.findings import Severity

EXPAND = "neutron/db/migration/alembic_migrations/versions/2023.2/expand"
OLD = "from alembic import op\nrevision = 'aaa'\ndef upgrade():\n    op.drop_column('subnets', 'gone_before')\n"
NEW = "from alembic import op\nrevision = '93f394357a27'\ndef upgrade():\n    op.drop_column('subnets', 'in_use')\n"
MODEL = (
    "import sqlalchemy as sa\nclass Subnet(B):\n    __tablename__ = 'subnets'\n    in_use = sa.Column(sa.Boolean())\n"
)


def bundle(folder: Path, name: str, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = folder / "tree" / name / "lib/python3.11/site-packages" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / name).mkdir()
    archive = folder / name / "bundle.tar.zst"
    subprocess.run(["tar", "--zstd", "-cf", archive, "-C", folder / "tree", name], check=True)
    return archive


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    before = {f"{EXPAND}/aaa.py": OLD, "neutron/models.py": MODEL}
    return (
        bundle(tmp_path, "new", {**before, f"{EXPAND}/93f394357a27_x.py": NEW}),
        bundle(tmp_path, "old", before),
    )


def test_only_what_is_new_and_used_is_a_risk(pair: tuple[Path, Path], tmp_path: Path) -> None:
    found = schema_risks(("neutron",), *pair, tmp_path / "nowhere")
    assert [(f.severity, f.subject) for f in found] == [(Severity.REFUSED, "neutron/93f394357a27")]


def test_answers_are_kept_for_the_next_plan(pair: tuple[Path, Path], tmp_path: Path) -> None:
    first = schema_risks(("neutron",), *pair, tmp_path)
    for archive in pair:
        archive.unlink()
    assert schema_risks(("neutron",), *pair, tmp_path) == first


def test_a_risk_is_accepted_by_name_and_says_why(pair: tuple[Path, Path], tmp_path: Path) -> None:
    found = schema_risks(("neutron",), *pair, tmp_path)
    (kept,) = accepted(found, {"schema.other": "no"})
    assert kept.severity is Severity.REFUSED
    (named,) = accepted(found, {"schema.93f394357a27": "no subnet is written meanwhile"})
    assert named.severity is Severity.INFO
    assert named.text.endswith("; accepted: no subnet is written meanwhile")


def test_a_broken_bundle_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    pair[0].write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"new/bundle\.tar\.zst can't be read"):
        schema_risks(("neutron",), *pair, tmp_path)
