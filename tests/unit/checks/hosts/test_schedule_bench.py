"""What bench/check_schedule.py measures is a schedule that all rules accept, and one that they don't."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

BENCH = Path(__file__).parents[4] / "bench" / "check_schedule.py"


def test_the_schedule_of_the_bench_is_valid_and_its_broken_one_is_not(monkeypatch) -> None:
    spec = spec_from_file_location("bench_check_schedule", BENCH)
    assert spec is not None
    assert spec.loader is not None
    bench = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, bench)
    spec.loader.exec_module(bench)
    row = bench.measure(hosts=240, servers=2000, seed=7)
    assert row["moves"] == row["servers"] > 1800
    assert (row["violations"], row["warnings"]) == (0, 0)
    assert row["broken_violations"] > 150
