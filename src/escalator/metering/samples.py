"""The samples on disk: JSON lines, appended, flushed each second, readable after a crash at any moment.

Records, each a JSON list, times in seconds since the epoch:

    ["v", 1, t]                                       a meter started at t
    ["s", t, duration, api, kind, connection, reason] one sample sent at t; reason "" = success
    ["l", t, lateness, missed]                        worst lateness of the meter's loop in the second ending at t, and
                                                      how many requests were not sent
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

FILE = "samples.jsonl"
STARVED = "starved"  # the meter itself was not served in time: neither a success nor a failure
STALL_S = 0.25  # a loop later than this was starved


class Sample(NamedTuple):
    """One request or one create/delete cycle."""

    sent: float
    duration: float
    api: str
    kind: str  # live, read, token, server, port, image, project, udp, tcp, http
    connection: str  # new, kept, ""
    reason: str

    @property
    def end(self) -> float:
        """When its answer was complete."""
        return self.sent + self.duration

    @property
    def failed(self) -> bool:
        """Whether a user would have noticed."""
        return self.reason not in ("", STARVED)


class Second(NamedTuple):
    """The meter's own lateness within one second."""

    at: float
    lateness: float
    missed: int

    @property
    def stall(self) -> tuple[float, float] | None:
        """The interval in which nothing can be said, if this second holds one."""
        return (self.at - max(1.0, self.lateness), self.at) if self.lateness >= STALL_S else None


class Recording(NamedTuple):
    """All that a folder holds."""

    samples: list[Sample]
    seconds: list[Second]
    starts: list[float]  # of each meter that wrote here


def open_samples(folder: Path, now: float) -> TextIO:
    """Append to the folder's samples, behind whatever an earlier meter left, a torn line included."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    torn = False
    if path.exists() and path.stat().st_size:
        with path.open("rb") as old:
            old.seek(-1, os.SEEK_END)
            torn = old.read(1) != b"\n"
    stream = path.open("a", encoding="utf-8")
    stream.write(("\n" if torn else "") + json.dumps(["v", 1, round(now, 4)]) + "\n")
    stream.flush()
    return stream


def line(record: Sample | Second) -> str:
    """The record's line, newline included."""
    data: list[Any] = ["s" if isinstance(record, Sample) else "l"]
    data += [round(v, 4) if isinstance(v, float) else v for v in record]
    return json.dumps(data, separators=(",", ":")) + "\n"


def records(folder: Path) -> Iterator[list[Any]]:
    """Each whole record; torn or damaged lines are passed over."""
    path = folder / FILE
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as stream:
        for text in stream:
            try:
                record = json.loads(text)
            except ValueError:
                continue
            if isinstance(record, list) and record:
                yield record


def read(folder: Path) -> Recording:
    """The folder's samples, as far as they can be read; none where there is no meter yet."""
    recording = Recording([], [], [])
    for record in records(folder):
        match record:
            case ["s", int() | float() as sent, int() | float() as took, str(api), str(kind), str(conn), str(reason)]:
                recording.samples.append(Sample(sent, took, api, kind, conn, reason))
            case ["l", int() | float() as at, int() | float() as lateness, int(missed)]:
                recording.seconds.append(Second(at, lateness, missed))
            case ["v", 1, int() | float() as at]:
                recording.starts.append(at)
    return recording
