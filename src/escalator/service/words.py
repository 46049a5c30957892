"""What people say to a run, beside whoever drives it: records of the journal."""

from __future__ import annotations

import getpass
import os
import time

from escalator.errors import InputError, NotFoundError, RefusedError
from escalator.execution import runs
from escalator.execution.deadlines import limit_s
from escalator.execution.lease import driving
from escalator.journal.events import Kind, Record
from escalator.journal.fold import ActionState, View
from escalator.model.gates import GateKind
from escalator.model.states import COUNTING, FINAL, State
from escalator.redaction import redact
from escalator.service.place import Place


def suspend(place: Place, why: str) -> None:
    """Ask the current run to stop behind the actions under way."""
    run = runs.load(place.state)
    if run.view().state not in COUNTING | {State.ROLLING_BACK}:
        raise RefusedError(f"run {run.folder.name} does not run: it is {run.view().state}")
    append(run, Record(Kind.ASKED, "", {"what": "suspend", "why": why}, at=time.time()))


def extend(place: Place, by_s: float, why: str) -> float:
    """Give the current run's executing ``by_s`` more seconds; returns how many it has in all.

    InputError without a reason or for no time, RefusedError where the run does not execute any more or has no limit.
    """
    if not why.strip() or by_s <= 0:
        raise InputError("an extension needs seconds and a reason", hint="--by 1800 --why 'agreed with the NOC'")
    run = runs.load(place.state)
    view = run.view()
    if view.state not in COUNTING | {State.INITIAL, State.EXECUTION_SUSPENDED, State.SUSPENDED_BY_ERROR_DETECTED}:
        raise RefusedError(f"run {run.folder.name} does not execute any more: it is {view.state}")
    if not run.plan.policy.max_duration_s:
        raise RefusedError(f"run {run.folder.name} has no deadline")
    said = {"what": "extend", "by_s": by_s, "why": redact(why), "who": person()}
    append(run, Record(Kind.ASKED, "", said, at=time.time()))
    return limit_s(run.plan, view) + by_s


def resolve(place: Place, action: str, outcome: str, why: str) -> None:
    """A person's word on how an action in doubt stands: ``done`` or ``not-done``; RefusedError where none is asked."""
    with driving(place.state):
        run = runs.load(place.state)
        view = run.view()
        known = {a.id for s in (*run.plan.steps(), *run.plan.commit_steps()) for a in s.actions}
        if action not in known:
            raise NotFoundError(f"run {run.folder.name} has no action '{action}'", hint=f"in doubt: {_doubts(view)}")
        if view.of(action).state is ActionState.PENDING:
            raise RefusedError(f"'{action}' was never begun: there is nothing to resolve", hint=_doubts(view))
        said = {"as": outcome, "why": why, "who": person()}
        append(run, Record(Kind.RESOLVED, action, said, at=time.time()))


def _doubts(view: View) -> str:
    return ", ".join(view.in_doubt) or "nothing"


def append(run: runs.Run, record: Record) -> None:
    """Append what a person says, beside whoever drives."""
    store = run.store()
    try:
        store.write([record])
    finally:
        store.close()


def person() -> str:
    """Who is at the keyboard, as the machine knows it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def approve(place: Place, gate: str, why: str) -> str:
    """Give the word that a gate of the current run waits for; returns who gave it, as the journal keeps it.

    NotFoundError where the plan has no such approval, RefusedError where it was given, or the run is over, InputError
    without a reason.
    """
    if not why.strip():
        raise InputError("an approval needs a reason", hint="--why 'the customers are told'")
    run = runs.load(place.state)
    gates = [g.id for g in run.plan.gates if g.kind is GateKind.APPROVAL]
    if gate not in gates:
        raise NotFoundError(
            f"run {run.folder.name} waits for no approval '{gate}'", hint=f"approvals: {', '.join(gates) or 'none'}"
        )
    view = run.view()
    if view.state in FINAL or view.state is State.ROLLBACK_COMPLETED:
        raise RefusedError(f"run {run.folder.name} is over: {view.state}")
    if gate in view.approved:
        raise RefusedError(f"'{gate}' was approved already, by {view.approved[gate]}")
    said = {"what": "approve", "gate": gate, "why": redact(why), "who": person()}
    append(run, Record(Kind.ASKED, "", said, at=time.time()))
    return str(said["who"])
