"""What every action can do: probe, do, undo. One file per kind stands beside this one.

The rule (DESIGN.md): the journal holds the intent before a verb runs and the outcome after. A verb is given the
action's data
and a context; it keeps nothing. ``probe`` looks and changes nothing: after a crash it decides what an intent without
outcome
means. ``do`` and ``undo`` must be safe to call again when ``probe`` says NOT_DONE or HALF_DONE.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from escalator.model.plan import Action
from escalator.sites.protocol import Site

#: a fact of an outcome: nothing was done, as its effect was there already; how long that took says nothing
FOUND = "found"


class Done(StrEnum):
    """What a look at the world says about an action."""

    DONE = "done"
    NOT_DONE = "not-done"
    HALF_DONE = "half-done"
    RUNNING = "running"  # its host is still at it: ``do`` or ``undo`` of the same try takes hold of it again
    UNKNOWN = "unknown"  # it can't be told; a person is asked


@dataclass(frozen=True)
class Probe:
    """The answer of ``probe``, with what was seen."""

    done: Done
    seen: str = ""


@dataclass(frozen=True)
class Outcome:
    """What ``do`` or ``undo`` brought: a line for people and facts for later steps, both without secrets."""

    text: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What verbs may use besides the action itself."""

    site: Site
    state_dir: Path  # the state folder (backups, keys)
    run_dir: Path  # this run's folder
    run: str  # this run's name
    attempt: int  # number of this try of the action, from 1: the same again after a crash
    output: Path  # file that keeps the output of this action's commands (appended)
    progress: Callable[[str], None]  # a short word on how far a long action is; also its heartbeat
    sleep: Callable[[float], Awaitable[None]]  # virtual in rehearsal
    now: Callable[[], float]  # seconds, monotonic
    aside: frozenset[str]  # hosts that were set aside: what is wrong there is known
    facts: Callable[[str], dict[str, Any]]  # facts of an earlier action of this run, by action id


class Verbs(Protocol):
    """The verbs of one kind of action."""

    kind: ClassVar[str]

    async def probe(self, context: Context, action: Action) -> Probe:
        """Look whether it is done; change nothing."""
        ...

    async def do(self, context: Context, action: Action) -> Outcome:
        """Do it, and return only when its effect is there and checked."""
        ...

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Take it back, with no more outage than it caused."""
        ...
