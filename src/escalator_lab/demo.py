"""The demo: the lab at the old release, upgraded by Escalator's own command line under load, with a report.

``python -m escalator_lab.demo [--from R] [--to R]``; exit status 1 where a request failed or anything is left to do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from escalator_lab.layout import default_folder

CAMPAIGN = """\
schema: escalator/campaign/v1
name: demo
target:
  release: "{to}"
hops: {hops}
soak_s: 20
policy:
  on_failure: suspend
  commit: {commit}
"""
NOTHING_LEFT = "Nothing is left to do"


def escalator(*words: str) -> str:
    """Run a command of Escalator as an operator would, and show it; its standard output is returned, too."""
    print(f"\n$ escalator {' '.join(words)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "escalator.cli.main", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def lab(*words: str) -> None:
    """Run a command of the lab."""
    print(f"\n$ escalator-lab {' '.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "escalator_lab.cli", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Upgrade the lab, soak, commit, report into ./demo-report."""
    parser = argparse.ArgumentParser(description="Upgrade the lab's cloud under load, and report.")
    parser.add_argument("--from", dest="start", default="2025.1")
    parser.add_argument("--to", default="2026.1")
    parser.add_argument("--via", action="append", default=[], help="releases between, for a campaign with hops: every")
    given = parser.parse_args()
    began = time.monotonic()
    words = [word for release in (*given.via, given.to) for word in ("--to", release)]
    lab("down")
    lab("up", "--from", given.start, *words)
    state = default_folder() / "demo"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True, mode=0o700)
    campaign = state / "campaign.yaml"
    hops = "every" if given.via else "fewest"
    campaign.write_text(CAMPAIGN.format(to=given.to, hops=hops, commit="automatic" if given.via else "manual"))
    site = ["--site", str(default_folder() / "operator/site.yaml"), "--state", str(state)]
    wanted = ["--campaign", str(campaign)]
    escalator("plan", *site, *wanted)
    escalator("execute", *site, *wanted)
    if not given.via:
        escalator("commit", *site)
    escalator("status", *site)
    folder = Path("demo-report")
    escalator("report", *site, "--out", str(folder))
    left = escalator("plan", *site, *wanted)
    requests = json.loads((folder / "report.json").read_text(encoding="utf-8"))["requests"]
    print(f"\n{requests['failed']} of {requests['total']} requests failed; report: {folder.resolve() / 'report.html'}")
    print(f"demo: {time.monotonic() - began:.0f} s in all; the lab is still up: .venv/bin/escalator-lab down")
    sys.exit(1 if requests["failed"] or NOTHING_LEFT not in left else 0)


if __name__ == "__main__":
    main()
