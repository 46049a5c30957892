"""The same upgrade naively and by Escalator, on the same lab in one run, under the same meter: one table.

``.venv/bin/python bench/vim_upgrade.py [--json]`` (root). Its last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from escalator.config.site import load_site
from escalator.metering.config import meter_config
from escalator.metering.process import start_meter, stop_meter
from escalator.metering.summary import summarise
from escalator_lab import bundles, naive
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder
from escalator_lab.progress import Progress

START, TARGET = "2025.1", "2026.1"
AHEAD_S = 5.0
CAMPAIGN = (
    'schema: escalator/campaign/v1\nname: bench\ntarget: {release: "2026.1"}\nsoak_s: 0\npolicy: {commit: automatic}\n'
)


def naive_row(site: Path, folder: Path, work: Callable[[], None]) -> dict[str, Any]:
    """The careless upgrade under the meter that Escalator's own runs are under."""
    start_meter(meter_config(load_site(site), folder), folder)
    try:
        time.sleep(AHEAD_S)
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        time.sleep(AHEAD_S)
    finally:
        stop_meter(folder)
    return row(summarise(folder), seconds)


def escalator_row(site: Path, folder: Path) -> dict[str, Any]:
    """A run of Escalator under its own meter: two meters at once would double the load."""
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    where = ["--site", str(site), "--state", str(folder / "state")]
    command = [sys.executable, "-m", "escalator.cli.main"]
    began = time.monotonic()
    subprocess.run(
        [*command, "execute", *where, "--campaign", str(folder / "campaign.yaml")], check=True, stdout=sys.stderr
    )
    seconds = time.monotonic() - began
    subprocess.run([*command, "report", *where, "--out", str(folder / "report")], check=True, stdout=sys.stderr)
    return row(json.loads((folder / "report/report.json").read_text()), seconds)


def row(found: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Failed requests, longest gap per API, seconds."""
    return {
        "duration_s": round(seconds, 1),
        "requests": found["requests"]["total"],
        "failed": found["requests"]["failed"],
        "longest_gap_ms": {name: api["longest_gap_ms"] for name, api in found["apis"].items()},
        "worst_lateness_ms": found["starvation"]["worst_lateness_ms"],
    }


def main() -> None:
    """Naive first, then a reset, then Escalator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    quiet = parser.parse_args().json
    lab = Lab(Layout(default_folder()))
    lab.down(Progress(quiet=quiet))
    lab.up(Progress(quiet=quiet), START, (TARGET,))
    site = lab.layout.operator / "site.yaml"
    folder = Path(tempfile.mkdtemp(prefix="escalator-bench-"))

    def careless() -> None:
        naive.upgrade(lab.layout, lab.network, lab.shape, bundles.lock(TARGET).id, Progress(quiet=quiet))

    try:
        answers = {"naive": naive_row(site, folder / "naive", careless)}
        lab.reset(Progress(quiet=quiet))
        answers["escalator"] = escalator_row(site, folder)
    finally:
        lab.down(Progress(quiet=quiet))
    shutil.rmtree(folder)  # kept where one of them failed: it holds what was measured
    if not quiet:
        apis = sorted(answers["naive"]["longest_gap_ms"])
        print(
            f"{'':<12}{'seconds':>9}{'requests':>10}{'failed':>8}  longest gap, ms: "
            + " ".join(f"{a:>10}" for a in apis)
        )
        for name, found in answers.items():
            gaps = " ".join(f"{found['longest_gap_ms'].get(a, 0):>10}" for a in apis)
            print(f"{name:<12}{found['duration_s']:>9}{found['requests']:>10}{found['failed']:>8}  {'':17}{gaps}")
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
