"""Setting a sick object aside: a host that fails is taken back as a whole and left out, within the policy's bounds.

The campaign goes on without it; it stays on the list of what remains, and the next plan has it again.
"""

from __future__ import annotations

from escalator.errors import EscalatorError, StateError
from escalator.execution.driver import Driver, Halt
from escalator.execution.rollback import undo
from escalator.execution.wayback import order
from escalator.journal.events import Kind
from escalator.journal.fold import View
from escalator.model.plan import Plan, Procedure, Step


def branch_of(plan: Plan, step: Step) -> Procedure | None:
    """The branch that is set aside as a whole when the step fails; None where its failure is the campaign's."""
    for procedure in plan.procedures:
        found = _search(procedure, step.id)
        if found is not None:
            return found
    return None


def _search(procedure: Procedure, step: str) -> Procedure | None:
    if procedure.apart:
        return procedure if any(s.id == step for s in procedure.steps()) else None
    for child in procedure.children:
        if isinstance(child, Procedure) and (found := _search(child, step)):
            return found
    return None


def is_aside(plan: Plan, view: View, step: Step) -> bool:
    """Whether the step's branch was set aside already."""
    if not view.aside:
        return False
    branch = branch_of(plan, step)
    return branch is not None and branch.id in view.aside


def remaining(plan: Plan, view: View) -> dict[str, str]:
    """What was set aside, by its title, with the reason: the list of what remains to be upgraded."""
    titles = {p.id: p.title for p in _branches(plan)}
    return {titles.get(name, name): why for name, why in view.aside.items()}


def _branches(plan: Plan) -> list[Procedure]:
    found: list[Procedure] = []
    todo = list(plan.procedures)
    while todo:
        procedure = todo.pop(0)
        if procedure.apart:
            found.append(procedure)
        else:
            todo += [child for child in procedure.children if isinstance(child, Procedure)]
    return found


def may_set_aside(plan: Plan, view: View) -> bool:
    """Whether one more may be set aside: both bounds of the policy hold, the number and the per cent of all."""
    policy, following = plan.policy, len(view.aside) + 1
    share = 100 * following / max(1, len(_branches(plan)))
    return following <= policy.aside_number and share <= policy.aside_percent


async def set_aside(driver: Driver, step: Step, halt: Halt) -> None:
    """Take the failed step's branch back and leave it out; raises ``halt`` itself where the policy does not allow it.

    Halt, too, where the branch can't be taken back: a host that is neither old nor new is a person's business.
    """
    branch = branch_of(driver.plan, step)
    if branch is None or not halt.failed or not may_set_aside(driver.plan, driver.view):
        raise halt
    mine = {action.id for s in branch.steps() for action in s.actions}
    for action in order(driver.plan, driver.view):
        if action.id not in mine:
            continue
        try:
            why = await undo(driver, action)
        except StateError:
            raise
        except EscalatorError as error:
            why = error.text
        if why:
            raise Halt(f"{halt.why}; and {branch.title} could not be taken back: {why}", failed=True)
    await driver.write(Kind.ASIDE, branch.id, why=halt.why)
