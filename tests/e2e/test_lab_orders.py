"""Orders on real hosts: cut, killed, started twice, fenced, rebooted, talkative, too long, hostile."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from escalator_lab.lab import Lab

pytestmark = pytest.mark.lab

SCRIPT = Path(__file__).with_name("order_cases.py")


def _cases() -> list[str]:
    """The script's list of cases, in its order; it is run there, not imported here."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "CASES"]
    return [ast.unparse(name) for name in lists[0].elts]


@pytest.mark.parametrize("case", _cases())
def test_orders_on_real_hosts(lab: Lab, case: str) -> None:
    address = lab.network.address(lab.shape.host("compute2"))
    done = subprocess.run(
        ["ip", "netns", "exec", lab.network.operator_namespace, sys.executable, SCRIPT, case, lab.layout.operator,
         address],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
