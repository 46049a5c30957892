"""The schema-risk scan finds what breaks old servers and passes what does not."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from escalator.catalogue.scan import Script, read_script, scan
from escalator.errors import InputError
from escalator.model.findings import Severity

EXPAND = "neutron/db/migration/alembic_migrations/versions/2099.1/expand"
DROP = 'revision = "aa11"\n\ndef upgrade():\n    op.drop_column("subnets", "in_use")\n'
ADD = 'revision = "bb22"\n\ndef upgrade():\n    op.add_column("subnets", sa.Column("x", sa.Integer()))\n'
HELPER = """\
revision = "cc33"
TABLE = "ports"

def change():
    with op.batch_alter_table(TABLE) as batch:
        batch.alter_column("old", new_column_name="new")

def upgrade():
    change()
"""
DEFAULTED = """\
def upgrade():
    op.add_column("t", sa.Column("c", sa.Integer(), nullable=False, server_default="0"))
"""
DOWN = 'revision = "dd44"\n\ndef upgrade():\n    pass\n\ndef downgrade():\n    op.drop_column("a", "b")\n'


MODEL = """\
class Subnet(Base):
    __tablename__ = "subnets"
    in_use = sa.Column(sa.Boolean())
"""


def texts(script: str) -> list[tuple[str, str]]:
    return [(f.severity.value, f.text) for f in read_script(Script("x/y.py", script), "neutron")]


@pytest.mark.parametrize(
    ("script", "severity", "word"),
    [
        (DROP, "refused", "drops the column subnets.in_use"),
        (HELPER, "refused", "renames the column old to new"),
        (ADD.replace("add_column", "drop_table"), "refused", "drops the table subnets"),
        ('def upgrade():\n    op.alter_column("t", "c", nullable=False)\n', "warning", "NOT NULL"),
        ('def upgrade():\n    op.execute("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4")\n', "warning", "by hand"),
        ('def upgrade():\n    op.execute(sa.text("ALTER TABLE t DROP COLUMN c"))\n', "warning", "by hand"),
        (
            'def upgrade():\n    op.add_column("t", sa.Column("c", sa.Integer(), nullable=False))\n',
            "refused",
            "adds the column c NOT NULL",
        ),
        ("def upgrade(:\n", "warning", "can't be read"),
    ],
)
def test_a_risk_is_found(script: str, severity: str, word: str) -> None:
    ((found, text),) = texts(script)
    assert found == severity
    assert word in text


@pytest.mark.parametrize(
    "script", [ADD, DOWN, 'def upgrade():\n    op.alter_column("t", "c", nullable=True)\n', DEFAULTED]
)
def test_a_harmless_script_passes(script: str) -> None:
    assert texts(script) == []


def tree(folder: Path, **scripts: str) -> Path:
    place = folder / EXPAND
    place.mkdir(parents=True)
    for name, text in scripts.items():
        (place / f"{name}.py").write_text(text)
    return folder


def test_folders_zips_and_tars_read_alike_and_only_what_is_new_counts(tmp_path: Path) -> None:
    old = tree(tmp_path / "old", bb22_add=ADD, cc33_helper=HELPER)
    (old / "neutron" / "models.py").write_text(MODEL)
    new = tree(tmp_path / "new", bb22_add=ADD, cc33_helper=HELPER, aa11_drop=DROP)
    wheel = tmp_path / "new.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in new.rglob("*.py"):
            archive.write(path, path.relative_to(new))
    tar = tmp_path / "new.tar.gz"
    with tarfile.open(tar, "w:gz") as archive:
        archive.add(new, "bundle")
    for package in (new, wheel, tar):
        assert [f.subject for f in scan(package, "neutron", old)] == ["neutron/aa11"]
        assert len(scan(package, "neutron")) == 2


def test_taking_away_what_no_old_server_reads_is_harmless(tmp_path: Path) -> None:
    old = tree(tmp_path / "old", bb22_add=ADD)
    (old / "neutron" / "models.py").write_text(MODEL)
    loop = 'revision = "ee55"\nTABLES = ["vendor_a", "{}"]\n\ndef upgrade():\n'
    loop += "    for t in TABLES:\n        op.drop_table(t)\n"
    unused = tree(tmp_path / "unused", ee55=loop.format("vendor_b"), ff66=DROP.replace("in_use", "ghost"))
    used = tree(tmp_path / "used", ee55=loop.format("subnets"))
    assert scan(unused, "neutron", old) == ()
    assert [f.subject for f in scan(used, "neutron", old)] == ["neutron/ee55"]


def test_a_package_without_the_component_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no migrations of neutron"):
        scan(tmp_path, "neutron")
    (tmp_path / "x.tar").write_text("not a tar")
    with pytest.raises(InputError, match="can't be read"):
        scan(tmp_path / "x.tar", "neutron")


@pytest.mark.index
def test_the_real_package_of_neutron_2023_2_drops_a_column_that_2023_1_reads(tmp_path: Path) -> None:
    for version in ("22.0.0", "23.0.0", "24.0.0"):
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"neutron=={version}", "-d", tmp_path],
            check=True,
        )
    old, new, newer = (next(tmp_path.glob(f"neutron-{v}*")) for v in ("22.0.0", "23.0.0", "24.0.0"))
    found = scan(new, "neutron", old)
    assert [(f.severity, f.subject) for f in found if f.severity is Severity.REFUSED] == [
        (Severity.REFUSED, "neutron/93f394357a27")
    ]
    assert not [f for f in scan(newer, "neutron", new) if f.severity is Severity.REFUSED]
