"""Taking a compute out of scheduling before its nova-compute is touched, and putting it back.

A server that is being built, deleted or moved on a host when its nova-compute stops ends in ERROR: so no new one comes,
and what is under way is waited for.
"""

from __future__ import annotations

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.errors import IntegrityError, SiteTimeoutError
from escalator.model.plan import Action

ARRIVAL_S = 4.0  # a server that was scheduled just before shows on its host by then
PAUSE_S = 1.0
QUIET_LOOKS = 3  # in a row


async def _status(context: Context, action: Action) -> str:
    rows = await context.site.cloud.call("compute_services")
    mine = [r for r in rows if r["host"] == action.host and r["binary"] == "nova-compute"]
    return str(mine[0]["status"]) if mine else "unknown"


async def _set(context: Context, action: Action, *, enabled: bool) -> None:
    reason = str(action.args["reason"])
    rows = await context.site.cloud.call("set_compute_status", host=action.host, enabled=enabled, reason=reason)
    wanted = "enabled" if enabled else "disabled"
    if [row["status"] for row in rows] != [wanted]:
        raise IntegrityError(f"nova-compute on {action.host} is not {wanted}: {rows}")


async def _disable(context: Context, action: Action) -> Outcome:
    await _set(context, action, enabled=False)
    await context.sleep(ARRIVAL_S)
    end, quiet = context.now() + float(action.args["wait_s"]), 0
    while quiet < QUIET_LOOKS:
        servers = await context.site.cloud.call("servers")
        busy = [s for s in servers if s["host"] == action.host and (s["task_state"] or s["status"] == "BUILD")]
        quiet = 0 if busy else quiet + 1
        if context.now() > end:
            names = ", ".join(f"{s['id']} ({s['task_state']})" for s in busy)
            raise SiteTimeoutError(f"servers on {action.host} are still being worked on: {names}")
        await context.sleep(PAUSE_S)
    return Outcome("not scheduled to, nothing under way")


class Disable:
    """No new servers, and none under way; undo: scheduled to again."""

    kind = "compute.disable"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Disabled is half done: whether it is quiet, only waiting tells."""
        word = await _status(context, action)
        return Probe(Done.HALF_DONE if word == "disabled" else Done.NOT_DONE, word)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Disable it, and wait."""
        return await _disable(context, action)

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Enable it."""
        await _set(context, action, enabled=True)
        return Outcome("enabled")


class Enable:
    """Scheduled to again; undo: not, and quiet."""

    kind = "compute.enable"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Ask the cloud."""
        word = await _status(context, action)
        return Probe(Done.DONE if word == "enabled" else Done.NOT_DONE, word)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Enable it."""
        await _set(context, action, enabled=True)
        return Outcome("enabled")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Disable it, and wait."""
        return await _disable(context, action)
