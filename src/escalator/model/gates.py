"""Gates: where a run waits for a person. Part of the plan, so that they are seen before anything begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: stands in :attr:`Gate.before` beside step ids: the commit as a whole, which may have no step
COMMIT = "commit"


class GateKind(StrEnum):
    """What opens a gate."""

    APPROVAL = "approval"  # a person's word, with who and why; the journal keeps it
    PAUSE = "pause"  # the next resume


@dataclass(frozen=True)
class Gate:
    """One place to wait at. Exactly one of ``before``, ``after`` and ``at`` is given.

    ``before``: no step of these ids begins (they are the first ones of what the campaign named). ``after``: when all
    of these actions (the last ones of what the campaign named) are done no other step begins. ``at``: seconds since
    the epoch; no step begins from then on, in a run that was started earlier.
    """

    id: str
    kind: GateKind
    text: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    at: float = 0.0
