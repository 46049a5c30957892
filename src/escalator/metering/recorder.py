"""Where samples go: judged once the meter's own lateness is known, then to disk, once a second."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from escalator.metering.gaps import overlap
from escalator.metering.samples import STALL_S, STARVED, Sample, Second, line, open_samples
from escalator.metering.summary import TOTALS, totals

TICK_S = 0.05
_STALLS_KEPT_S = 300.0


class Clock:
    """Seconds since the epoch that never step back: anchored once, then monotonic."""

    def __init__(self) -> None:
        self._anchor = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._anchor + time.monotonic()


class Recorder:
    """Buffers samples for up to a second, notes how late the event loop was, writes both down.

    A time-out while the loop itself was not served says nothing about the API: such a sample is kept as *starved*.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._folder = folder
        self._stream = open_samples(folder, clock.now())
        self._buffer: list[Sample] = []
        self._stalls: list[tuple[float, float]] = []
        self._missed = 0
        self._totals: dict[str, Any] = totals(folder)

    def add(self, sample: Sample) -> None:
        """Take one sample."""
        self._buffer.append(sample)

    def miss(self, count: int = 1) -> None:
        """Note requests that were due and not sent."""
        self._missed += count

    async def run(self) -> None:
        """Watch the loop and write, until cancelled."""
        worst = 0.0
        written = due = self._clock.now()
        while True:
            due += TICK_S
            await asyncio.sleep(due - self._clock.now())
            now = self._clock.now()
            late = max(0.0, now - due)
            worst = max(worst, late)
            if late >= STALL_S:
                self._stalls = [s for s in self._stalls if s[1] > now - _STALLS_KEPT_S] + [(now - late, now)]
                due = now
            if now - written >= 1.0:
                self.flush(Second(now, worst, self._missed))
                worst, written, self._missed = 0.0, now, 0

    def flush(self, second: Second | None = None) -> None:
        """Write what is buffered."""
        samples = [self._judged(s) for s in self._buffer]
        self._buffer = []
        self._stream.write("".join(line(s) for s in samples) + (line(second) if second else ""))
        self._stream.flush()
        for sample in samples:
            self._count(sample)
        self._totals["at"] = round(self._clock.now(), 3)
        temporary = self._folder / (TOTALS + ".new")
        temporary.write_text(json.dumps(self._totals), encoding="utf-8")
        os.replace(temporary, self._folder / TOTALS)  # noqa: PTH105 - says that it is atomic

    def close(self) -> None:
        """Write the rest."""
        self.flush(Second(self._clock.now(), 0.0, self._missed))
        self._stream.close()

    def _judged(self, sample: Sample) -> Sample:
        if sample.reason != "timeout":
            return sample
        stalled = sum(overlap((sample.sent, sample.end), stall) for stall in self._stalls)
        return sample._replace(reason=STARVED) if stalled >= sample.duration / 4 else sample

    def _count(self, sample: Sample) -> None:
        api = self._totals["apis"].setdefault(sample.api, {"requests": 0, "failed": 0, "last_failure": 0.0})
        for account in (self._totals, api):
            account["requests"] += 1
            account["failed"] += sample.failed
        self._totals["starved"] += sample.reason == STARVED
        if sample.failed:
            api["last_failure"] = round(sample.end, 3)
