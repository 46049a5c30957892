"""Times as they were measured on this site, in the place of the catalogue's.

A last pass over finished steps. An expected time is what was measured; a limit is made shorter with care only, as one
that is too short fails a campaign and one that is too long costs minutes.
"""

from __future__ import annotations

from dataclasses import replace

from escalator.catalogue.components import Catalogue
from escalator.catalogue.times import LearnedTime
from escalator.model.plan import Action, Procedure, Step

#: From so many runs on a limit may become shorter than the catalogue's ...
ENOUGH_RUNS = 5
#: ... to this share of it, never below so many seconds, nor below what the act itself waits for and this much more.
SHARE, LEAST_S, MARGIN_S = 0.25, 60.0, 30.0
_WAITS = ("wait_s", "stop_s", "timeout_s", "duration_s")
#: What a next release brings for these is in no measurement of an earlier one.
ONLY_LONGER = frozenset({"schema.expand", "schema.contract", "data.migrate"})


def learned(procedures: tuple[Procedure, ...], catalogue: Catalogue) -> tuple[Procedure, ...]:
    """The procedures with what was measured of their actions."""

    def node(this: Procedure | Step) -> Procedure | Step:
        if isinstance(this, Procedure):
            return replace(this, children=tuple(node(child) for child in this.children))
        return replace(this, actions=tuple(timed(a, this.component, catalogue) for a in this.actions))

    if not catalogue.learned.entries:
        return procedures
    return tuple(replace(p, children=tuple(node(child) for child in p.children)) for p in procedures)


def timed(action: Action, component: str, catalogue: Catalogue) -> Action:
    """One action with what was measured of it."""
    of = subject_of(action, component, catalogue)
    do = catalogue.learned.time_of(action.kind, of, "do", action.basis.unit)
    undo = catalogue.learned.time_of(action.kind, of, "undo", action.basis.unit)
    size, basis = action.basis.size, action.basis
    if undo is not None:
        basis = replace(basis, undo_s=undo.expected(size))
    if do is None:
        return replace(action, basis=basis)
    basis = replace(basis, runs=do.runs, fixed=do.fixed, per_unit_s=do.expected_per_unit_s)
    return replace(action, expected_s=do.expected(size), longest_s=_longest(action, do, undo), basis=basis)


def subject_of(action: Action, component: str, catalogue: Catalogue) -> str:
    """What an action is about, for its times: a prepared test, a service, a component; "" where all are alike."""
    if "test" in action.args:
        return str(action.args["test"])
    if "unit" in action.args:
        found = catalogue.of_unit(str(action.args["unit"]))
        return found[1].name if found else str(action.args["unit"])
    return str(action.args.get("service", component))


def _longest(action: Action, do: LearnedTime, undo: LearnedTime | None) -> float:
    """Both directions have one limit. What the operator said of a prepared test, or in times.yaml, is their word."""
    if "test" in action.args:
        return action.longest_s
    size = action.basis.size
    if do.fixed:
        return do.longest(size)
    word = max(do.longest(size), undo.longest(size) if undo is not None else 0.0)
    if do.runs < ENOUGH_RUNS or action.kind in ONLY_LONGER:
        return max(word, action.longest_s)
    waits = sum(float(action.args.get(name, 0.0)) for name in _WAITS)
    return max(word, SHARE * action.longest_s, LEAST_S, waits + MARGIN_S)
