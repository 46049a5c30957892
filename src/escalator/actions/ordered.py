"""Long commands of actions, carried out as orders of the host: attached to again, looked at, ended.

Each is named by run, action, attempt and its place among the attempt's commands; so the same attempt of an action, done
again by a resumed Escalator, gets the results of what ran meanwhile and waits for what still runs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from escalator.actions.verbs import Context, Done, Probe
from escalator.errors import SiteTimeoutError
from escalator.model.plan import Action
from escalator.redaction import redact
from escalator.sites.protocol import CommandResult, Order, OrderSeen, OrderState

SHARE, LONGEST_MARGIN_S = 0.1, 20.0  # of an action's longest time: the host ends a command before we give the action up


@dataclass(frozen=True)
class Nth:
    """Which command of an attempt, until when (``context.now()``), and the key that it holds alone on its host."""

    index: int
    ends: float
    exclusive: str = ""


def until(context: Context, action: Action) -> float:
    """When the commands of an action that begins now must have ended."""
    return context.now() + action.longest_s - min(SHARE * action.longest_s, LONGEST_MARGIN_S)


async def carry_out(context: Context, action: Action, argv: list[str], nth: Nth) -> CommandResult:
    """Start a command on the action's host, or attach to it; returns how it ended, whatever its exit status."""
    left = nth.ends - context.now()
    if left <= 0:
        raise SiteTimeoutError(f"{action.title}: no time is left for command {nth.index + 1}")
    order = _order(context, action, nth.index, tuple(argv), left, nth.exclusive)
    return await context.site.orders.start_or_attach(
        action.host, order, lambda seen: context.progress(redact(heartbeat(seen)))
    )


async def look(
    context: Context, action: Action, *, commands: int = 1, ok: Collection[int] = (0,), more: Collection[int] = ()
) -> Probe:
    """How far the last attempt came, of so many ``commands``; ``more``: exit statuses that ask for another one."""
    rows = await context.site.orders.look_all(action.host, _order(context, action, 0, (), 0.0, ""))
    if not rows:
        return Probe(Done.NOT_DONE, "never began")
    last = rows[-1]
    if last.state is OrderState.RUNNING:  # of this attempt, or of one that an undo did not come to end
        return Probe(Done.RUNNING, redact(heartbeat(last)))
    if last.state is OrderState.LOST:
        return Probe(Done.NOT_DONE, "the host went down while it ran; safe to repeat")
    number = f"command {last.index + 1}" if commands > 1 or more else "it"
    if last.why != "exited" or last.status not in (*ok, *more):
        how = f"status {last.status}" if last.why == "exited" else last.why
        return Probe(Done.HALF_DONE if last.index else Done.NOT_DONE, f"{number} ended: {how}")
    if last.status in more or last.index + 1 < commands:
        return Probe(Done.HALF_DONE, f"{number} ended well, more are to come")
    return Probe(Done.DONE, f"{number} ended with {last.status}")


async def stop(context: Context, action: Action) -> None:
    """End what still runs of an action; what was sent to the host and has not begun does not begin any more."""
    await context.site.orders.stop(action.host, _order(context, action, 0, (), 0.0, ""))


def heartbeat(seen: OrderSeen) -> str:
    """A running command in one line: what it said last, and whether it works or hangs."""
    state = f"{seen.age_s:.0f} s, quiet for {seen.quiet_s:.0f} s, {seen.cpu_s:.1f} s of processor time"
    return f"{seen.line[:160]} ({state})" if seen.line else state


def _order(context: Context, action: Action, index: int, argv: tuple[str, ...], longest_s: float, key: str) -> Order:  # noqa: PLR0917
    return Order(context.run, action.id, context.attempt, index, argv, longest_s, key)
