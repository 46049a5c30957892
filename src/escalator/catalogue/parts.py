"""What a component's file may say beside its services and commands: signals, backup set, times, undo, impact (OB-7).

All of it is optional: where a file is silent, the defaults per kind of action hold (``plan/steps.py``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from escalator.model.plan import DataPlane, Impact, Phase, UndoClass

MILLION = 1_000_000
Seconds = Annotated[float, Field(ge=0)]
Folder = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$")]
Signal = Annotated[str, Field(pattern=r"^SIG[A-Z0-9]+$")]


class Strict(BaseModel):
    """The base of all that stands in a catalogue's file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Signals(Strict):
    """``stop``: the signal that ends a service in good order. ``avoid``: signal -> why it must not be sent to it."""

    stop: Signal = "SIGTERM"
    avoid: dict[Signal, str] = Field(default={})


class BackupSet(Strict):
    """What a backup before a change of the component must hold, besides version lists, which every backup holds.

    ``folders`` and ``keys``: on every host where one of its services is installed; a backup without a file of each is
    refused as incomplete. ``schemas``: the components whose database schemas (site.yaml says which) must be of one
    moment; empty: its own.
    """

    folders: tuple[Folder, ...] = ()
    keys: tuple[Folder, ...] = ()
    schemas: tuple[str, ...] = ()


class Times(Strict):
    """Seconds that an act takes: a fixed part, and one for each million rows in the component's schemas.

    Rows are the estimate that the inventory holds.
    """

    expected_s: Seconds
    longest_s: Seconds
    expected_per_million_s: Seconds = 0
    longest_per_million_s: Seconds = 0

    def expected(self, rows: int) -> float:
        """Expected seconds with so many rows."""
        return round(self.expected_s + self.expected_per_million_s * rows / MILLION, 1)

    def longest(self, rows: int) -> float:
        """Longest seconds with so many rows."""
        return round(self.longest_s + self.longest_per_million_s * rows / MILLION, 1)


TimedAct = Literal["check", "expand", "migrate", "contract", "backup", "restore"]


def _final(undo: dict[Phase, UndoClass]) -> dict[Phase, UndoClass]:
    for phase in (Phase.MIGRATE, Phase.CONTRACT):
        if undo.get(phase, UndoClass.RESTORE) not in (UndoClass.RESTORE, UndoClass.NEVER):
            raise ValueError(f"{phase.value} is {undo[phase].value}: Escalator can't undo it, so it is R3 or R4")
    return undo


UndoByPhase = Annotated[dict[Phase, UndoClass], AfterValidator(_final)]


class Loss(Strict):
    """What is lost and who notices while the component (or one service of it) is not there.

    ``vnfs``: what it does to the VNFs' own traffic. ``incompatible``: what does not work together meanwhile, or from
    then on. ``levels``: phase -> how much of it users notice when it is upgraded as planned here.
    """

    lost: str
    whom: str
    vnfs: DataPlane = DataPlane.NONE
    incompatible: str = ""
    levels: dict[Phase, Impact] = Field(default={})
