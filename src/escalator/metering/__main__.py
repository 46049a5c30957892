"""``python -m escalator.metering --config meter.json``: measure until SIGTERM or ``max_s``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from escalator.config.document import load
from escalator.errors import EscalatorError
from escalator.metering.config import MeterConfig
from escalator.metering.meter import Meter


def main() -> int:
    """Run the meter; its exit status."""
    parser = argparse.ArgumentParser(prog="escalator.metering", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="meter.json (see escalator.metering.config)")
    try:
        asyncio.run(Meter(load(MeterConfig, parser.parse_args().config)).run())
    except EscalatorError as error:
        print(f"{error.code} {error.text}", *getattr(error, "problems", ()), sep="\n  ", file=sys.stderr)  # noqa: T201
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
