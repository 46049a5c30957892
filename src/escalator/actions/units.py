"""Units of services: stop, start, switch to other version files, boot state, and what really runs."""

from __future__ import annotations

from escalator.actions.health import heard, is_active, wait_healthy
from escalator.actions.look import Look
from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.errors import IntegrityError
from escalator.model.plan import Action
from escalator.sites.facts import host_facts, running_bundle
from escalator.sites.links import turn_link

SYSTEMCTL_S = 60.0


async def _stop(context: Context, action: Action) -> Outcome:
    limit = float(action.args["stop_s"])
    await context.site.shell.run(action.host, ["systemctl", "stop", f"{action.args['unit']}.service"], timeout_s=limit)
    return Outcome("stopped")


async def _start(context: Context, action: Action) -> Outcome:
    before = await heard(context, action)
    unit = f"{action.args['unit']}.service"
    await context.site.shell.run(action.host, ["systemctl", "reset-failed", unit], timeout_s=SYSTEMCTL_S, check=False)
    await context.site.shell.run(action.host, ["systemctl", "start", unit], timeout_s=SYSTEMCTL_S)
    await wait_healthy(context, action, before)
    return Outcome("healthy")


class Stop:
    """Stopped; undo: started and healthy."""

    kind = "unit.stop"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Look whether it runs."""
        return Probe(Done.NOT_DONE if await is_active(context, action) else Done.DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Stop it, in good order."""
        return await _stop(context, action)

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Start it and wait."""
        return await _start(context, action)


class Start:
    """Started and healthy; undo: stopped."""

    kind = "unit.start"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Running is half done: whether it is healthy, only waiting tells."""
        return Probe(Done.HALF_DONE if await is_active(context, action) else Done.NOT_DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Start it and wait."""
        return await _start(context, action)

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Stop it."""
        return await _stop(context, action)


class Switch:
    """Its next start runs other version files; undo: the former."""

    kind = "unit.switch"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Read the link."""
        link = f"{action.args['root']}/active/{action.args['unit']}"
        text = (
            await context.site.shell.run(action.host, ["readlink", link], timeout_s=30, check=False, fenced=False)
        ).output.strip()
        return Probe(Done.DONE if text.rsplit("/", 1)[-1] == action.args["to"] else Done.NOT_DONE, text)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Turn the link."""
        return await self._turn(context, action, "to")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Turn it back."""
        return await self._turn(context, action, "from")

    async def _turn(self, context: Context, action: Action, key: str) -> Outcome:
        args = action.args
        await turn_link(context.site.shell, action.host, args["root"], args["unit"], args[key])
        return Outcome(f"-> {args[key]}")


class Enable:
    """Whether it starts at boot; undo: as it was."""

    kind = "unit.enable"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Ask systemd."""
        argv = ["systemctl", "is-enabled", f"{action.args['unit']}.service"]
        word = (await context.site.shell.run(action.host, argv, timeout_s=30, check=False, fenced=False)).output.strip()
        return Probe(Done.DONE if (word == "enabled") == action.args["enabled"] else Done.NOT_DONE, word)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Set it."""
        return await self._set(context, action, enabled=action.args["enabled"])

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Set it as it was."""
        return await self._set(context, action, enabled=action.args["was"])

    async def _set(self, context: Context, action: Action, *, enabled: bool) -> Outcome:
        word = "enable" if enabled else "disable"
        argv = ["systemctl", "-q", word, f"{action.args['unit']}.service"]
        await context.site.shell.run(action.host, argv, timeout_s=SYSTEMCTL_S)
        return Outcome(f"{word}d")


class Verify(Look):
    """The process itself says which version files it has loaded."""

    kind = "unit.verify"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Read it back; IntegrityError where something else runs."""
        unit, wanted = action.args["unit"], action.args["bundle"]
        facts = await host_facts(context.site.shell, action.host, action.args["root"], units=[unit])
        found = facts["units"].get(unit)
        running = running_bundle(found, facts["bundles"]) if found else ""
        version = facts["bundles"].get(running, {}).get("components", {}).get(action.args["component"], "")
        if running != wanted or version != action.args["version"]:
            raise IntegrityError(f"{unit} on {action.host} runs {running or 'nothing'} {version}, not {wanted}")
        return Outcome(f"runs {action.args['component']} {version}", {"version": version, "bundle": running})
