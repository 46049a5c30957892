"""Times as they were measured here: ``times.yaml`` in the catalogue's overlay, learned from finished runs.

Operators may read and edit it: an entry with ``fixed: true`` is theirs and is not learned over. What is learned is
written back entry by entry, so comments of other entries are lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, model_validator

from escalator.catalogue.parts import Seconds, Strict
from escalator.config.document import parse
from escalator.errors import StorageError
from escalator.serial import to_data

NAME = "times.yaml"
Verb = Literal["do", "undo"]
Key = tuple[str, str, Verb, str]  # act, of, verb, unit
_HEAD = """\
# How long acts took on this site; 'escalator plan' uses it. Learned from finished runs, anew behind each of them and by
# 'escalator catalogue learn'. Seconds; *_per_unit_s: for each unit of size. 'of': a service, a component or a prepared
# test; without it: all of that act. Edit an entry and say 'fixed: true': then it is yours, and stays as it is.
"""


class LearnedTime(Strict):
    """One act: what is expected of it, and how long it may take at most."""

    act: str = Field(min_length=1, description="a kind of action, such as unit.start")
    of: str = Field(default="", description="service, component or prepared test; empty: all of this act")
    verb: Verb = "do"
    unit: str = Field(default="", description="of its size: 'million rows', 'MB', 'GiB'; empty: it has none")
    expected_s: Seconds
    expected_per_unit_s: Seconds = 0.0
    longest_s: Annotated[float, Field(gt=0)]
    longest_per_unit_s: Seconds = 0.0
    runs: int = Field(default=0, ge=0, description="how many runs it stands on")
    measured: int = Field(default=0, ge=0, description="how many measurements")
    fixed: bool = Field(default=False, description="an operator's own: not learned over")

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.act, self.of, self.verb, self.unit

    def expected(self, size: float) -> float:
        """Expected seconds at a size."""
        return round(self.expected_s + self.expected_per_unit_s * size, 1)

    def longest(self, size: float) -> float:
        """Longest seconds at a size."""
        return round(self.longest_s + self.longest_per_unit_s * size, 1)


class TimesFile(Strict):
    """The whole of times.yaml."""

    schema_: Literal["escalator/times/v1"] = Field(alias="schema")
    times: tuple[LearnedTime, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> TimesFile:
        keys = [entry.key for entry in self.times]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"two entries are about {' '.join(filter(None, key))}")
        return self


@dataclass(frozen=True)
class Learned:
    """What is known by measurement; empty where nothing was measured."""

    entries: dict[Key, LearnedTime] = field(default_factory=dict)

    def time_of(self, act: str, of: str, verb: Verb, unit: str) -> LearnedTime | None:
        """What was measured of exactly this, or else of all of this act; None where nothing was."""
        return self.entries.get((act, of, verb, unit)) or self.entries.get((act, "", verb, unit))

    def with_newer(self, newer: Iterable[LearnedTime]) -> Learned:
        """These in the place of older ones, but not of those that an operator fixed."""
        fixed = {key for key, entry in self.entries.items() if entry.fixed}
        return Learned(self.entries | {e.key: e for e in newer if e.key not in fixed})


def load_times(folder: Path | None) -> Learned:
    """The times of an overlay's folder; DocumentError where its file does not fit."""
    path = folder / NAME if folder is not None else None
    if path is None or not path.is_file():
        return Learned()
    file = parse(TimesFile, path.read_text(encoding="utf-8"), str(path))
    return Learned({entry.key: entry for entry in file.times})


def save_times(folder: Path, learned: Learned) -> None:
    """Write them, whole or not at all; StorageError where they can't be kept."""
    lines = [_line(learned.entries[key]) for key in sorted(learned.entries)]
    text = "\n".join([f"{_HEAD}schema: escalator/times/v1", f"times:{'' if lines else ' []'}", *lines, ""])
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = folder / f".{NAME}.new"
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(folder / NAME)
    except OSError as error:
        raise StorageError(f"{folder / NAME} can't be written: {error.strerror or error}") from error


def _line(entry: LearnedTime) -> str:
    data = {k: v for k, v in to_data(entry).items() if v or k in ("act", "expected_s", "longest_s")}
    text = yaml.safe_dump(data, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True).strip()
    return f"- {text}"
