"""Progress lines with the time since the start, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Writes one line per event: seconds since this object was made, then the text."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.began = time.monotonic()
        self.quiet = quiet

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def say(self, text: str) -> None:
        """Write one line."""
        if not self.quiet:
            print(f"[{self.elapsed():6.1f}s] {text}", file=sys.stderr, flush=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a piece of work, and say how long it took when it is done."""
        began = time.monotonic()
        self.say(f"{text} ...")
        yield
        self.say(f"{text}: done in {time.monotonic() - began:.1f} s")
