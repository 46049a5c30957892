"""The 50 random instances of the mVM evaluation, timed by Escalator: mean makespan, against what mVM published.

``.venv/bin/python bench/mvm.py --json``: its last line is one JSON object. The instances (``bench/data/mvm50.json``) are
those of V. Kherbache's thesis data (github.com/btrplace/kherbache-thesis and migrations-UCC-15): 10 migrations between
4 hosts with 500 and 1000 Mbit/s, full duplex, 12 GB of memory each, destinations and durations fixed; published is the
end of the plan that mVM made. Every timing is checked at every moment (``escalator.checks.transfers``: no code of the
planner), its makespan read from the checked moves.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from escalator.checks.transfers import check
from escalator.model.transfers import Room, Transfer, Transfers
from escalator.plan.timing import time_transfers

DATA = Path(__file__).parent / "data" / "mvm50.json"


def case_of(instance: dict[str, Any], links: dict[str, int]) -> Transfers:
    """One instance. Every server is in the list, and moves: its host holds it at the beginning."""
    held: dict[str, int] = dict.fromkeys(instance["memory_gb"], 0)
    for migration in instance["migrations"]:
        held[str(migration["source"])] += migration["memory_gb"]
    rooms = {
        host: Room({"MEMORY_GB": total - held[host]}, out_mbit_s=links[host], in_mbit_s=links[host])
        for host, total in instance["memory_gb"].items()
    }
    transfers = tuple(
        Transfer(
            str(m["server"]), str(m["source"]), str(m["destination"]), float(m["duration_s"]),
            float(m["bandwidth_mbit_s"]), {"MEMORY_GB": m["memory_gb"]},
        )
        for m in instance["migrations"]
    )  # fmt: skip
    return Transfers(transfers, rooms)


def measure(data: dict[str, Any], effort: float) -> dict[str, Any]:
    """All instances, one after the other."""
    time_transfers(case_of(data["instances"][0], data["link_mbit_s"]), effort=effort)  # imports CP-SAT
    makespans, bounds, seconds, proven, violations = [], [], [], 0, 0
    for instance in data["instances"]:
        case = case_of(instance, data["link_mbit_s"])
        began = time.perf_counter()
        timing = time_transfers(case, effort=effort)
        seconds.append(time.perf_counter() - began)
        violations += len(check(case, timing.moves))
        makespans.append(max((move.end_s for move in timing.moves), default=float("inf")))
        bounds.append(timing.bound_s)
        proven += timing.proven
    published = [instance["published_makespan_s"] for instance in data["instances"]]
    return {
        "instances": len(makespans),
        "mean_makespan_s": round(statistics.mean(makespans), 3),
        "proven": proven,
        "published_mean_s": round(statistics.mean(published), 3),
        "mean_bound_s": round(statistics.mean(bounds), 3),
        "not_longer_than_published": sum(ours <= theirs for ours, theirs in zip(makespans, published, strict=True)),
        "solve_mean_s": round(statistics.mean(seconds), 4),
        "solve_max_s": round(max(seconds), 4),
        "violations": violations,
    }


def main() -> None:
    """Measure, print a line for each figure unless only JSON is wanted, and the JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--effort", type=float, default=2.0, help="for each instance, in units of CP-SAT's deterministic time")
    args = parser.parse_args()
    figures = measure(json.loads(args.data.read_text()), args.effort)
    if not args.json:
        for key, value in figures.items():
            print(f"{key:26} {value:>10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
