"""The SSH and HAProxy adapters against real hosts: hostile words, time limits, files, refusals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from escalator_lab.lab import Lab

pytestmark = pytest.mark.lab


def test_the_adapters_on_real_hosts(lab: Lab, tmp_path: Path) -> None:
    addresses = [lab.network.address(lab.shape.host(name)) for name in ("compute2", "compute1", "controller")]
    cases = Path(__file__).with_name("shell_cases.py")
    done = subprocess.run(
        ["ip", "netns", "exec", lab.network.operator_namespace, sys.executable, cases, tmp_path,
         lab.layout.operator, *addresses],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "all cases passed\n"
