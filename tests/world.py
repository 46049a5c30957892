"""A small world for the executor's tests: switches that verbs turn on and off, and a ledger of every turn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.errors import SiteError
from escalator.journal.events import Record
from escalator.journal.journal import MemoryJournal
from escalator.model.plan import Action, Mode, Phase, Plan, Policy, Procedure, Step, UndoClass


class KilledError(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class World:
    """The effects that survive a kill. ``kill_at`` counts calls into the world and journal records alike."""

    on: set[str] = field(default_factory=set)
    ledger: list[tuple[str, str]] = field(default_factory=list)
    fail: dict[str, int] = field(default_factory=dict)  # action -> how many of its next attempts fail
    kill_at: int = -1
    ticks: int = 0

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == self.kill_at:
            raise KilledError


class Verbs:
    """Turn a switch on (do) and off (undo); a kill may come before and after the effect."""

    kind = "switch"

    def __init__(self, world: World) -> None:
        self.world = world

    async def probe(self, context: Context, action: Action) -> Probe:
        return Probe(Done.DONE if action.id in self.world.on else Done.NOT_DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        self.world.tick()
        if self.world.fail.get(action.id, 0) > 0:
            self.world.fail[action.id] -= 1
            raise SiteError("it does not turn")
        assert action.id not in self.world.on, f"{action.id} done twice"
        self.world.on.add(action.id)
        self.world.ledger.append(("do", action.id))
        self.world.tick()
        return Outcome("on")

    async def undo(self, context: Context, action: Action) -> Outcome:
        assert action.undo is not UndoClass.NEVER, f"{action.id} has no undo"
        self.world.tick()
        if action.id in self.world.on:
            self.world.on.discard(action.id)
            self.world.ledger.append(("undo", action.id))
        self.world.tick()
        return Outcome("off")


class KillableJournal(MemoryJournal):
    """A journal whose process may be killed before and after each record."""

    def __init__(self, world: World, records: tuple[Record, ...] = ()) -> None:
        super().__init__(lambda: float(world.ticks), records)
        self.world = world

    async def append(self, record: Record) -> Record:
        self.world.tick()
        kept = await super().append(record)
        self.world.tick()
        return kept


def action(name: str) -> Action:
    return Action(name, "switch", "s", "h", {}, f"turn {name}", expected_s=1, longest_s=10)


def step(name: str, actions: int) -> Step:
    acts = tuple(action(f"{name}.{n}") for n in range(actions))
    return Step(name, name, Phase.ROLL, "keystone", f"s/{name}", acts)


def _contract() -> Step:
    made = step("c0", 2)
    return replace(made, actions=tuple(replace(a, undo=UndoClass.NEVER) for a in made.actions))


def plan(*, steps: int = 3, actions: int = 3, mode: Mode = Mode.SEQUENCE, retries: int = 0) -> Plan:
    roll = Procedure("roll", "roll", Phase.ROLL, mode, tuple(step(f"s{n}", actions) for n in range(steps)), limit=2)
    last = Procedure("last", "contract", Phase.CONTRACT, Mode.SEQUENCE, (_contract(),))
    return Plan(
        campaign="c", site="s", hop=("2025.1", "2026.1"), bundle="2026.1", changes=(), procedures=(roll,),
        commit=(last,), policy=Policy(retries=retries), smooth=True, inventory_digest="", catalogue_digest="",
        created_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def context(_: Action, attempt: int) -> Context:
    return cast("Context", _Nothing())


class _Nothing:
    output = Path("/dev/null")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the world's verbs use no context ({name})")
