"""The how-to's commands are run as they stand there; its tables name what there is."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from escalator.config.constraints import InfoEntry, LimitsEntry
from escalator.config.hosts import HostsEntry
from escalator.inventory.file import load_inventory
from escalator.service.study import PARTS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "how-to" / "study-a-site-offline.md").read_text()
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def there(part: str) -> bool:
    try:
        return find_spec(PARTS[part][0]) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    (made / "examples").symlink_to(ROOT / "examples")
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_text_works(folder: Path, command: str) -> None:
    name, *words = shlex.split(command)
    assert name == "escalator"
    if (words[0] == "plan" and not there("scheduler")) or ("small.json" in words and not there("generator")):
        pytest.skip("this build has no such part")
    done = subprocess.run([sys.executable, "-m", "escalator.cli.main", *words], cwd=folder, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    if "--out" in words:
        assert json.loads((folder / "plan.json").read_text())["hosts"]


def test_the_inventory_by_hand_is_a_good_one() -> None:
    held = load_inventory(ROOT / "examples" / "inventory.json").inventory
    assert {s.host for s in held.servers} <= {h.host for h in held.hypervisors}
    assert {m for g in held.server_groups for m in g.members} <= {s.id for s in held.servers}


def test_the_tables_name_every_key() -> None:
    for kind in (InfoEntry, LimitsEntry, HostsEntry):
        for key in kind.model_fields:
            assert f"`{key}`" in TEXT, key
