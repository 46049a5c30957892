"""A plan: the expansion of a campaign against one inventory. Immutable, serialisable, with a digest.

Terms are SAF SMF's: a campaign is carried out by procedures, a procedure by steps, a step by actions. Procedures nest
to
any depth (PR-5). A step concerns one object (a host or a service instance), so that it is the unit of policy and
roll-back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from escalator.model.findings import Finding
from escalator.model.gates import Gate
from escalator.model.windows import Window
from escalator.serial import digest


class Phase(StrEnum):
    """The universal order of an upgrade; each component contributes steps to some of them."""

    PREFLIGHT = "preflight"
    BACKUP = "backup"
    STAGE = "stage"
    EXPAND = "expand"
    ROLL = "roll"
    UNPIN = "unpin"
    VERIFY = "verify"
    SOAK = "soak"
    MIGRATE = "migrate"  # commit only
    CONTRACT = "contract"  # commit only
    CLEANUP = "cleanup"  # commit only
    RESTORE = "restore"  # a plan of its own, never part of an upgrade


class UndoClass(StrEnum):
    """What it takes to go back behind an action (the roll-back ledger's R0..R4)."""

    NOTHING = "R0"  # changed nothing that matters, or what it left behind does no harm
    REVERSE = "R1"  # a reverse action, no data involved
    MIXED = "R2"  # a reverse action, while the mixed-version period lasts
    RESTORE = "R3"  # only from backup, with loss
    NEVER = "R4"  # not at all


class Impact(StrEnum):
    """Who notices an action (OB-7)."""

    NONE = "none"
    SLOWER = "slower"  # queued RPC, slower answers, no failed request expected
    SOME_FAIL = "some-fail"  # some requests fail while one instance restarts
    DOWN = "down"  # the API is down for the action


class DataPlane(StrEnum):
    """What VNFs notice of it in their own traffic (OB-7)."""

    NONE = "none"
    PACKETS = "packets"  # below a second
    SECONDS = "seconds"
    STOPPED = "stopped"  # the VM stops or starts again


@dataclass(frozen=True)
class Basis:
    """What an action's times stand on.

    ``size``: what they grow with, in ``unit``s ("million rows", "MB", "GiB"); unit "" = they do not, or it is not
    known. ``per_unit_s``: how many of the expected seconds come with each unit. ``runs``: how many measured runs the
    times are learned from; 0 = they are the catalogue's, or, where ``fixed``, an operator's own.
    ``undo_s``: expected seconds of the undo; None = as many as of doing it.
    """

    size: float = 0.0
    unit: str = ""
    per_unit_s: float = 0.0
    runs: int = 0
    fixed: bool = False
    undo_s: float | None = None


@dataclass(frozen=True)
class Action:
    """One act on one target: data for the verbs probe / do / undo of its ``kind`` (see :mod:`escalator.actions`).

    ``args`` hold all that the verbs need, earlier values included (``from`` and ``to``), so that undo needs no memory.
    Times are seconds. ``id`` is unique in the plan and says where it stands.
    """

    id: str
    kind: str
    site: str
    host: str  # "" where the action concerns the operator's side or the cloud's API
    args: dict[str, Any]
    title: str
    expected_s: float
    longest_s: float
    undo: UndoClass = UndoClass.REVERSE
    impact: Impact = Impact.NONE
    basis: Basis = Basis()

    @property
    def back_s(self) -> float:
        """Expected seconds of taking it back; 0 where there is nothing to take back (DU-6)."""
        if self.undo is UndoClass.NOTHING:
            return 0.0
        return self.expected_s if self.basis.undo_s is None else self.basis.undo_s


@dataclass(frozen=True)
class Step:
    """The actions on one object, carried out in sequence."""

    id: str
    title: str
    phase: Phase
    component: str
    object: str  # resource id, with site
    actions: tuple[Action, ...]
    why: str = ""  # the edge or rule that put it here
    gates: tuple[tuple[str, int], ...] = ()  # (name, n): at most n steps that name it run at once

    @property
    def expected_s(self) -> float:
        """Sum of its actions' expected times, seconds."""
        return sum(a.expected_s for a in self.actions)


class Mode(StrEnum):
    """How the children of a procedure run."""

    SEQUENCE = "sequence"
    PARALLEL = "parallel"


@dataclass(frozen=True)
class Procedure:
    """Steps and sub-procedures, to any depth."""

    id: str
    title: str
    phase: Phase
    mode: Mode
    children: tuple[Procedure | Step, ...]
    limit: int = 0  # at most so many children at once in PARALLEL mode; 0 = no limit
    apart: bool = False  # one object (a host): by policy it may be set aside as a whole when a step of it fails

    def steps(self) -> Iterator[Step]:
        """All steps below, in plan order."""
        for child in self.children:
            if isinstance(child, Step):
                yield child
            else:
                yield from child.steps()

    @property
    def expected_s(self) -> float:
        """Expected time, seconds: the sum in sequence, the longest child in parallel (limit regarded roughly)."""
        times = [c.expected_s for c in self.children]
        if self.mode is Mode.SEQUENCE or not times:
            return sum(times)
        lanes = self.limit or len(times)
        return max(*times, sum(times) / lanes)


@dataclass(frozen=True)
class Policy:
    """What follows the result of an action (EX-2)."""

    on_failure: str = "suspend"  # suspend | rollback
    retries: int = 1
    commit: str = "manual"  # manual | automatic (after the soak)
    max_duration_s: float = 7200.0  # of executing (DU-5); 0 = no limit
    aside_number: int = 0  # at most so many hosts are set aside before a failure is the campaign's
    aside_percent: float = 100.0  # and at most so many per cent of them
    max_rollback_s: float = 7200.0  # of a roll-back (DU-6), which suspends then; 0 = no limit
    at_deadline: str = "suspend"  # suspend | rollback: what follows when max_duration_s is over


@dataclass(frozen=True)
class Change:
    """What one component goes through: versions, and whether that is a major or a minor upgrade (GR-1)."""

    component: str
    from_version: str
    to_version: str
    from_release: str
    to_release: str
    size: str  # major | minor | patch


@dataclass(frozen=True)
class ComponentImpact:
    """What the upgrade of one component, or of one ``service`` of it, costs (OB-7). Times are seconds.

    ``lost``: the function at stake, ``whom``: who would miss it; ``level``: how much of that is noticed when it is done
    as planned, for ``lasts_s`` each ``times``. ``backup``: what is saved for it; ``restore_s``: how long bringing that
    back is expected to take.
    """

    component: str
    service: str  # "" = all of the component that has no line of its own
    lost: str
    whom: str
    level: Impact
    lasts_s: float
    times: int
    vnfs: DataPlane
    incompatible: str
    backup: tuple[str, ...]
    restore_s: float


@dataclass(frozen=True)
class Plan:
    """What will be done, and in which order, to one site for one hop.

    ``procedures`` run on execute, ``commit`` runs on commit only: data migrations, contraction, cleaning up (the
    point of
    no return lies at its start). ``chain`` lists the releases of the whole campaign, this hop included.
    """

    campaign: str
    site: str
    hop: tuple[str, str]  # releases from, to ("2025.1", "2026.1"); equal for a patch
    bundle: str
    changes: tuple[Change, ...]
    procedures: tuple[Procedure, ...]
    commit: tuple[Procedure, ...]
    policy: Policy
    smooth: bool
    inventory_digest: str
    catalogue_digest: str
    created_at: str
    chain: tuple[str, ...] = ()
    parent: str = ""
    findings: tuple[Finding, ...] = field(default=())
    budgets: dict[str, float] = field(default_factory=dict)
    soak_s: float = 0.0
    gates: tuple[Gate, ...] = ()  # where it waits for a person
    windows: tuple[Window, ...] = ()  # none: steps begin at any time
    folder: str = ""  # where the campaign's file stands: the working folder of its tests
    impacts: tuple[ComponentImpact, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing is left to do."""
        return not any(True for p in self.procedures for _ in p.steps())

    @property
    def id(self) -> str:
        """Short digest of the plan, its name everywhere."""
        return digest(self)[:12]

    @property
    def back_s(self) -> float:
        """Expected seconds of a roll-back from the end of execute: one act after the other (DU-6)."""
        return sum(a.back_s for s in self.steps() for a in s.actions)

    def steps(self) -> tuple[Step, ...]:
        """Steps of execute, in plan order."""
        return tuple(s for p in self.procedures for s in p.steps())

    def commit_steps(self) -> tuple[Step, ...]:
        """Steps of commit, in plan order."""
        return tuple(s for p in self.commit for s in p.steps())
