"""Nouns to JSON and back: the same value has the same digest in every process."""

from __future__ import annotations

import os
import subprocess
import sys

from escalator.model.compute import Hypervisor, Server, Stock
from escalator.model.inventory import Inventory
from escalator.serial import from_data, to_data

PROGRAM = """
from escalator.model.compute import Hypervisor
from escalator.serial import digest
print(digest(Hypervisor("h", "QEMU", "7002000", "up", traits=frozenset(f"TRAIT_{n}" for n in range(50)))))
"""


def test_a_noun_with_sets_has_one_digest_whatever_the_process() -> None:
    def digest(seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, check=True).stdout.decode()

    assert digest("1") == digest("2")


def test_there_and_back() -> None:
    host = Hypervisor("h", "QEMU", "1", "up", traits=frozenset({"B", "A"}), stock={"VCPU": Stock(4, 1, 4.0)})
    server = Server("s", "n", "p", "h", "ACTIVE", forbidden=frozenset({"X"}), resources={"VCPU": 1})
    inventory = Inventory("site", "2026-01-01T00:00:00+00:00", (), (), (), hypervisors=(host,), servers=(server,))
    data = to_data(inventory)
    assert data["hypervisors"][0]["traits"] == ["A", "B"]
    assert data["servers"][0]["mobility"] == "live"
    assert from_data(Inventory, data) == inventory
