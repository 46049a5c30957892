"""The campaign's approvals, pauses and windows as data of the plan: names become the steps that they stand at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from escalator.catalogue.components import Catalogue
from escalator.config.campaign import CampaignFile
from escalator.config.gates import PauseEntry
from escalator.errors import InputError
from escalator.model.findings import Finding, Severity
from escalator.model.gates import COMMIT, Gate, GateKind
from escalator.model.inventory import Inventory
from escalator.model.plan import Mode, Phase, Plan, Procedure, Step
from escalator.model.windows import Window

CANARY, WAVE = "canary", "wave"
_PROCEDURES = ("preflight", "backup", "stage", "checks", "control", "hosts", "unpin", "verify", "soak")
Nodes = Sequence[Procedure | Step]


def wanted_names(campaign: CampaignFile) -> set[str]:
    """What the campaign's gates stand before or behind."""
    pauses = {name for p in campaign.pauses for name in (p.before, p.after) if name is not None}
    return {a.before for a in campaign.approvals} | pauses


def insist_on_known(campaign: CampaignFile, catalogue: Catalogue, inventory: Inventory) -> None:
    """Raise InputError where a gate names no phase and no procedure that a plan of this site could have."""
    names = [*(p.value for p in Phase), *(p for p in _PROCEDURES if p not in set(Phase)), COMMIT, CANARY, WAVE]
    dependent = {f"control/{c}" for c in catalogue.components} | {f"hosts/{h.name}" for h in inventory.hosts}
    for name in sorted(wanted_names(campaign) - set(names) - dependent):
        raise InputError(
            f"'{name}' is no phase and no procedure of a plan: nothing can wait there",
            hint=f"there are: {', '.join(names)}, control/COMPONENT, hosts/HOST",
        )
    for pause in campaign.pauses:
        if COMMIT in (pause.before, pause.after):
            raise InputError(
                "a pause can't stand at the commit", hint="'policy: {commit: manual}' waits there, or an approval"
            )
    if any(a.before == WAVE for a in campaign.approvals) or any(p.before == WAVE for p in campaign.pauses):
        raise InputError("'wave' goes with 'pauses: [{after: wave}]' only", hint="before the first one: 'hosts'")


def windows_of(campaign: CampaignFile) -> tuple[Window, ...]:
    """The campaign's maintenance windows."""
    return tuple(Window(tuple(w.days), w.from_, w.to, w.timezone) for w in campaign.windows)


def gates_of(campaign: CampaignFile, plan: Plan) -> tuple[tuple[Gate, ...], tuple[Finding, ...]]:
    """The gates of a plan that has its procedures; those that no step of it stands at are named instead.

    InputError where a pause stands at the end, or at the beginning of the commit: nothing would be held by it.
    """
    gates: list[Gate] = []
    nowhere: list[str] = []
    for approval in campaign.approvals:
        before = _before(plan, approval.before)
        if before:
            gates.append(Gate(approval.before, GateKind.APPROVAL, approval.text, before=before))
        else:
            nowhere.append(approval.before)
    for pause in campaign.pauses:
        made = _pause(plan, pause)
        gates += made
        if not made:
            nowhere.append(str(pause.before or pause.after))
    findings = tuple(
        Finding(Severity.INFO, "gate.nowhere", name, "no step of this plan stands there: nothing waits", "PR-4")
        for name in nowhere
    )
    return tuple({g.id: g for g in gates}.values()), findings


def _pause(plan: Plan, pause: PauseEntry) -> list[Gate]:
    if pause.at is not None:
        moment = pause.at.isoformat(timespec="minutes")
        return [Gate(f"at {moment}", GateKind.PAUSE, pause.text, at=pause.at.timestamp())]
    if pause.before is not None:
        before = _before(plan, pause.before)
        if COMMIT in before:
            raise InputError(
                f"a pause before '{pause.before}' would stand at the commit",
                hint="'policy: {commit: manual}' waits there, or an approval",
            )
        return [Gate(f"before {pause.before}", GateKind.PAUSE, pause.text, before=before)] if before else []
    name = str(pause.after)
    names = [p.id for p in procedures(plan) if p.id.startswith("wave/")] if name == WAVE else [name]
    gates = [Gate(f"after {n}", GateKind.PAUSE, pause.text, after=_edge_of(plan, n, last=True)) for n in names]
    ends = [edge(nodes, _all, last=True) for nodes in (plan.procedures, plan.commit)]
    for gate in gates:
        if gate.after and gate.after in ends:
            raise InputError(
                f"nothing comes behind '{gate.id.removeprefix('after ')}': a pause there would hold nothing",
                hint="before the commit: an approval, or 'policy: {commit: manual}'",
            )
    return [g for g in gates if g.after]


def _before(plan: Plan, name: str) -> tuple[str, ...]:
    """The first steps of what is named; what stands at the beginning of the commit holds the commit itself too."""
    if name == COMMIT:
        return (COMMIT,)
    found = _edge_of(plan, name, last=False)
    return (COMMIT, *found) if found and found == edge(plan.commit, _all) else found


def _edge_of(plan: Plan, name: str, *, last: bool) -> tuple[str, ...]:
    """Of the procedure of this name, or else of the steps of this phase."""
    named = next((p for p in procedures(plan) if p.id == name), None)
    if named is not None:
        return edge((named,), _all, last=last)

    def of_phase(step: Step) -> bool:
        return step.phase.value == name

    return edge(plan.procedures, of_phase, last=last) or edge(plan.commit, of_phase, last=last)


def _all(_: Step) -> bool:
    return True


def edge(
    nodes: Nodes, wanted: Callable[[Step], bool] = _all, mode: Mode = Mode.SEQUENCE, *, last: bool = False
) -> tuple[str, ...]:
    """The wanted steps that come first: one in a sequence, one of each child side by side.

    With ``last`` the last ones, told by their last actions: when these are done, all that is wanted is done.
    """
    found: list[str] = []
    for node in reversed(nodes) if last else nodes:
        if isinstance(node, Step):
            ids: tuple[str, ...] = ((node.actions[-1].id if last else node.id),) if wanted(node) else ()
        else:
            ids = edge(node.children, wanted, node.mode, last=last)
        if ids and mode is Mode.SEQUENCE:
            return ids
        found += ids
    return tuple(found)


def procedures(plan: Plan) -> Iterator[Procedure]:
    """All procedures of a plan, outer ones first."""
    waiting = [*plan.procedures, *plan.commit]
    while waiting:
        this = waiting.pop(0)
        yield this
        waiting = [*(c for c in this.children if isinstance(c, Procedure)), *waiting]
