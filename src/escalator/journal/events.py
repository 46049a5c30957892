"""The records of the journal: what was meant, and what came of it. Nothing else is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a record says."""

    MOVED = "moved"  # the campaign's state table was moved by data["event"]
    INTENT = "intent"  # a verb is about to run on an action; written before the act
    OUTCOME = "outcome"  # what came of it; written after the act
    RESOLVED = "resolved"  # a person says how an action stands: data["as"], data["who"], data["why"]
    HALTED = "halted"  # a step stops the walk: data["why"], data["failed"]; nothing new begins behind it
    ASIDE = "aside"  # a branch of the plan (a host) was taken back and is left out: data["why"]
    TAKEN = "taken"  # an Escalator begins to drive: data["epoch"], data["owner"], data["why"]
    PROGRESS = "progress"  # a long action says how far it is
    ASKED = "asked"  # an operator (or the guard) asks for something: data["what"]
    NOTE = "note"  # something worth keeping


class Verb(StrEnum):
    """What an intent is about to do."""

    DO = "do"
    UNDO = "undo"


class Result(StrEnum):
    """How a verb ended."""

    OK = "ok"
    FAILED = "failed"
    FOUND_DONE = "found-done"  # in doubt after a crash; the world said: done
    FOUND_NOT_DONE = "found-not-done"  # in doubt after a crash; the world said: not done


@dataclass(frozen=True)
class Record:
    """One line of the journal. ``at`` is seconds since the epoch; ``subject`` an action id, or "" for the campaign."""

    kind: Kind
    subject: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    at: float = 0.0
    seq: int = 0  # from 1, given by the journal
    chain: str = ""  # SHA-256 over the record before and this one, given by the journal


Listener = Callable[[Record], None]
