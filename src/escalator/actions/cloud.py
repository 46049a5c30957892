"""The cloud as its users see it: functional probes, a look at everything, and the soak."""

from __future__ import annotations

from escalator.actions.look import Look
from escalator.actions.verbs import Context, Outcome
from escalator.errors import SiteError
from escalator.model.plan import Action

TICK_S = 5.0


class Use(Look):
    """Use a service as a tenant would."""

    kind = "api.probe"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Token, list, create, read back, delete."""
        seconds = await context.site.cloud.functional_probe(action.args["service"], timeout_s=action.longest_s)
        return Outcome(", ".join(f"{act} {s:.2f} s" for act, s in seconds.items()), {"seconds": seconds})


class Whole(Look):
    """Everything that should be up is up."""

    kind = "check.site"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Services, agents and the load balancer; SiteError names what is not."""
        del action
        cloud = context.site.cloud
        rows = [r for r in await cloud.call("compute_services") if r["state"] != "up"]
        rows += [r for r in await cloud.call("network_agents") if not r["alive"]]
        known = sorted({str(r["host"]) for r in rows} & context.aside)
        down = [f"{r['binary']} on {r['host']}" for r in rows if r["host"] not in context.aside]
        down += [
            f"{s.backend}/{s.server} at the load balancer ({s.state}{'' if s.up else ', down'})"
            for s in await context.site.balancer.servers()
            if s.backend in context.site.config.load_balancer.backends.values() and not (s.up and s.state == "ready")
        ]
        if down:
            raise SiteError(
                f"not all is up: {'; '.join(sorted(down))}", hint="a sick cloud is not upgraded: mend it first"
            )
        but = f", but for {', '.join(known)}, set aside" if known else ""
        return Outcome(f"all services, agents and API instances are up{but}")


class Soak(Look):
    """Wait under the guard's eyes."""

    kind = "soak"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Let time pass."""
        end = context.now() + float(action.args["duration_s"])
        while (left := end - context.now()) > 0:
            context.progress(f"{left:.0f} s left")
            await context.sleep(min(TICK_S, left))
        return Outcome("nothing happened")
