"""Taking a server out of the load balancer's rotation, and putting it back."""

from __future__ import annotations

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.errors import RefusedError, SiteError, SiteTimeoutError
from escalator.model.plan import Action
from escalator.sites.protocol import BalancerServer

PAUSE_S = 0.3
QUIET_S = 0.5  # an answer may still be on its way when the balancer counts no session any more


async def _server(context: Context, action: Action) -> tuple[BalancerServer, list[BalancerServer]]:
    backend, name = action.args["backend"], action.args["server"]
    mates = [s for s in await context.site.balancer.servers() if s.backend == backend]
    mine = next((s for s in mates if s.server == name), None)
    if mine is None:
        raise SiteError(f"the load balancer knows no server {backend}/{name}")
    return mine, [s for s in mates if s.server != name]


async def _drain(context: Context, action: Action) -> Outcome:
    mine, others = await _server(context, action)
    if not any(s.state == "ready" and s.up for s in others):
        raise RefusedError(
            f"{mine.backend}/{mine.server} is the last one that serves: draining it would be an outage",
            hint="bring the other server of the backend up first",
        )
    await context.site.balancer.set_state(mine.backend, mine.server, "drain")
    end = context.now() + action.args["wait_s"]
    while (await _server(context, action))[0].sessions:
        if context.now() > end:
            raise SiteTimeoutError(f"{mine.backend}/{mine.server} still has sessions after {action.args['wait_s']:g} s")
        await context.sleep(PAUSE_S)
    await context.sleep(QUIET_S)
    return Outcome("drained, no session left")


async def _ready(context: Context, action: Action) -> Outcome:
    await context.site.balancer.set_state(action.args["backend"], action.args["server"], "ready")
    end = context.now() + action.args["wait_s"]
    while True:
        mine, _ = await _server(context, action)
        if mine.up and mine.state == "ready":
            return Outcome("in rotation, up")
        if context.now() > end:
            raise SiteTimeoutError(f"{mine.backend}/{mine.server} does not come up at the load balancer")
        await context.sleep(PAUSE_S)


class Drain:
    """Out of rotation; undo: back in."""

    kind = "balancer.drain"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Look at the administrative state."""
        mine, _ = await _server(context, action)
        if mine.state == "ready":
            return Probe(Done.NOT_DONE, "in rotation")
        return Probe(Done.HALF_DONE if mine.sessions else Done.DONE, f"{mine.state}, {mine.sessions} sessions")

    async def do(self, context: Context, action: Action) -> Outcome:
        """Drain and wait for the last session."""
        return await _drain(context, action)

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Back in rotation."""
        return await _ready(context, action)


class Ready:
    """In rotation; undo: out of it."""

    kind = "balancer.ready"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Look at the administrative state."""
        mine, _ = await _server(context, action)
        if mine.state != "ready":
            return Probe(Done.NOT_DONE, mine.state)
        return Probe(Done.DONE if mine.up else Done.HALF_DONE, "in rotation")

    async def do(self, context: Context, action: Action) -> Outcome:
        """Put it back and wait until the balancer's checks pass."""
        return await _ready(context, action)

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Drain it again."""
        return await _drain(context, action)
