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
from pathlib import Path

from escalator.config.site import load_site
from escalator.metering.config import meter_config
from escalator.metering.process import start_meter, stop_meter
from escalator.metering.summary import summarise
from escalator_lab import bundles, naive
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder
from escalator_lab.progress import Progress

START, TARGET = "2025.1", "2026.1"
CAMPAIGN = (
    'schema: escalator/campaign/v1\nname: bench\ntarget: {release: "2026.1"}\nsoak_s: 0\npolicy: {commit: automatic}\n'
)


def measured(site: Path, folder: Path, work: object) -> dict[str, object]:
    """Do the work under the meter; failed requests, longest gap per API, seconds."""
    start_meter(meter_config(load_site(site), folder), folder)
    time.sleep(5)
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    time.sleep(5)
    stop_meter(folder)
    found = summarise(folder)
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
    (folder / "campaign.yaml").write_text(CAMPAIGN)

    def careless() -> None:
        naive.upgrade(lab.layout, lab.network, lab.shape, bundles.lock(TARGET).id, Progress(quiet=quiet))

    def escalator() -> None:
        command = [
            sys.executable,
            "-m",
            "escalator.cli.main",
            "execute",
            "--site",
            str(site),
            "--state",
            str(folder / "state"),
        ]
        subprocess.run([*command, "--campaign", str(folder / "campaign.yaml")], check=True, stdout=sys.stderr)

    answers = {"naive": measured(site, folder / "naive", careless)}
    lab.reset(Progress(quiet=quiet))
    answers["escalator"] = measured(site, folder / "escalator", escalator)
    lab.down(Progress(quiet=quiet))
    shutil.rmtree(folder)
    if not quiet:
        apis = sorted(answers["naive"]["longest_gap_ms"])
        print(
            f"{'':<12}{'seconds':>9}{'requests':>10}{'failed':>8}  longest gap, ms: "
            + " ".join(f"{a:>10}" for a in apis)
        )
        for name, row in answers.items():
            gaps = " ".join(f"{row['longest_gap_ms'].get(a, 0):>10}" for a in apis)
            print(f"{name:<12}{row['duration_s']:>9}{row['requests']:>10}{row['failed']:>8}  {'':17}{gaps}")
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
