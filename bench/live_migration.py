"""How long a VNF is silent when Nova moves its guest: in the lab of shape ``compute``, asked 100 times a second.

``.venv/bin/python bench/live_migration.py [--count N] [--dir DIR] [--json]`` (root; the lab must be up). First the
noise is measured: the same meter with nothing going on. Then guests are moved one at a time, round and round, to
another host that may hold them. A gap is the time between two answers of the guest that is moved. Its last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from escalator.config.site import load_site
from escalator.metering.config import Intervals, MeterConfig, meter_config
from escalator.metering.process import start_meter, stop_meter
from escalator.metering.samples import Sample, read
from escalator_lab import populate
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder

EVERY_S = 0.01
NOISE_S = 20.0
AROUND_S = 2.0  # what belongs to a move: so long before it is asked for and after Nova says that it is done
LONGEST_S = 180.0


def inside(folder: Path, count: int) -> None:
    """In the operator's namespace: move guests; one line of JSON per move."""
    admin = populate.connect(folder, "lab-admin")
    guests = {g["name"]: g for g in json.loads((folder / "populate.json").read_text())["guests"]}
    for number in range(count):
        name = list(guests)[number % len(guests)]
        server = next(s for s in admin.compute.servers(all_projects=True) if s.name == name)
        before, began = server.compute_host, time.time()
        admin.compute.live_migrate_server(server.id, host=None, block_migration="auto")
        end = time.monotonic() + LONGEST_S
        while True:
            time.sleep(0.2)
            now = admin.compute.get_server(server.id)
            if now.task_state is None and now.status != "MIGRATING":
                break
            if time.monotonic() > end:
                raise SystemExit(f"{name} is {now.status}, {now.task_state}")
        print(json.dumps({"name": name, "from": before, "to": now.compute_host, "status": now.status, "start": began,
                          "end": time.time()}), flush=True)  # fmt: skip
        time.sleep(AROUND_S * 2)


def longest_gap_ms(samples: list[Sample], name: str, start: float, end: float) -> float:
    """The longest time between two answers of a VNF that touches an interval."""
    answered = sorted(s.end for s in samples if s.api == f"vnf:{name}" and not s.failed)
    return max((b - a for a, b in pairwise(answered) if a < end and b > start), default=0.0) * 1000


def spread(values: list[float]) -> dict[str, float]:
    """Least, median and most, rounded."""
    return {"min": round(min(values), 1), "median": round(statistics.median(values), 1), "max": round(max(values), 1)}


def measure(lab: Lab, count: int) -> dict[str, Any]:
    """Noise, then the moves."""
    site = load_site(lab.layout.operator / "site.yaml")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        echoes = [v for v in meter_config(site, folder).vnfs if v.protocol == "udp"]
        config = MeterConfig(
            folder=folder, intervals=Intervals(vnf=EVERY_S), vnfs=echoes,
            network_namespace=site.reach.network_namespace,
        )  # fmt: skip
        start_meter(config, folder)
        try:
            time.sleep(2)
            quiet = time.time()
            time.sleep(NOISE_S)
            busy = time.time()
            done = subprocess.run(
                ["ip", "netns", "exec", lab.network.operator_namespace, sys.executable, __file__, "--inside",
                 str(lab.layout.operator), "--count", str(count)],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            time.sleep(AROUND_S)
        finally:
            stop_meter(folder)
        recording = read(folder)
    moves = [json.loads(line) for line in done.stdout.splitlines()]
    for move in moves:
        window = (move["start"] - AROUND_S, move["end"] + AROUND_S)
        move["gap_ms"] = round(longest_gap_ms(recording.samples, move["name"], *window), 1)
        move["seconds"] = round(move.pop("end") - move.pop("start"), 1)
    moved = [m for m in moves if m["from"] != m["to"]]
    return {
        "asked_per_second": 1 / EVERY_S,
        "noise_ms": spread([longest_gap_ms(recording.samples, v.name, quiet, busy) for v in echoes]),
        "moves": len(moved),
        "not_moved": len(moves) - len(moved),
        "gap_ms": spread([m["gap_ms"] for m in moved]) if moved else {},
        "seconds": spread([m["seconds"] for m in moved]) if moved else {},
        "resets": sum(s.reason == "reset" for s in recording.samples),
        "meter_worst_lateness_ms": round(max((s.lateness for s in recording.seconds), default=0.0) * 1000, 1),
        "each": moves,
    }


def main() -> None:
    """Measure the lab that is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--dir", type=Path, default=default_folder())
    parser.add_argument("--json", action="store_true", help="the JSON object only")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(given.inside, given.count)
        return
    result = measure(Lab.known(Layout(given.dir.resolve())), given.count)
    if not given.json:
        for move in result["each"]:
            print(f"{move['name']:<12} {move['from']} -> {move['to']}  {move['seconds']:>5} s  gap {move['gap_ms']} ms")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
