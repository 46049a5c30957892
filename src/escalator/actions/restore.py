"""The acts of a restore: what is undone here is only the stop; behind the first load there is no way back but another.

Writers are quiesced, databases and configuration are put back, every unit runs the version files that it ran then.
Each act can be repeated: it brings about what the backup says, whatever half of it is there already.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from escalator.actions.look import Look
from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.errors import EscalatorError, NotFoundError, RefusedError, SiteTimeoutError
from escalator.model.plan import Action
from escalator.sites.backups import Backup, Backups
from escalator.sites.links import has_bundle, turn_link

STOP_S, START_S, COPY_S = 300.0, 120.0, 300.0
PAUSE_S = 2.0


def _backup(context: Context, action: Action) -> tuple[Backups, Backup]:
    store = Backups(context.state_dir, context.site)
    return store, store.get(action.args["backup"])


class Prove(Look):
    """The backup is whole, and every host still holds the version files that it ran then."""

    kind = "restore.prove"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Restore it into a scratch database; NotFoundError, before anything is stopped, where a host lacks files."""
        store, backup = _backup(context, action)
        root = context.site.config.installer.root
        for host, units in backup.units.items():
            for bundle in sorted({str(was["installed"]) for was in units.values()}):
                if not await has_bundle(context.site.shell, host, root, bundle):
                    raise NotFoundError(f"{host} does not hold {bundle}, which it ran then", hint="nothing was changed")
        tables = await store.verify(backup.id)
        return Outcome(f"{tables} tables restored for proof")


class Stop:
    """No service writes any more; undo: what runs now runs again."""

    kind = "restore.stop"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Some are stopped by themselves, so only all of them count."""
        argv = ["systemctl", "is-active", *_names(action.args["units"])]
        words = (await context.site.shell.run(action.host, argv, timeout_s=STOP_S, check=False)).output.split()
        up = [word for word in words if word not in ("inactive", "failed", "unknown")]
        return Probe(Done.HALF_DONE if up else Done.DONE, f"{len(up)} of {len(words)} run")

    async def do(self, context: Context, action: Action) -> Outcome:
        """Stop them, in good order."""
        argv = ["systemctl", "stop", *_names(action.args["units"])]
        await context.site.shell.run(action.host, argv, timeout_s=action.longest_s)
        return Outcome(f"{len(action.args['units'])} units stopped")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Start those that ran."""
        argv = ["systemctl", "start", *_names(action.args["running"])]
        await context.site.shell.run(action.host, argv, timeout_s=action.longest_s)
        return Outcome(f"{len(action.args['running'])} units started")


class _OneWay:
    """What can be repeated, but not undone."""

    async def probe(self, context: Context, action: Action) -> Probe:
        """Doing it again brings about the same."""
        del context, action
        return Probe(Done.NOT_DONE, "safe to repeat")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """There is none but the restore of the backup that was taken just before."""
        del context
        raise RefusedError(f"{action.title} can't be undone; restore the backup that was taken just before instead")


class Load(_OneWay):
    """A dump in the place of what a schema holds."""

    kind = "restore.load"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Drop, make, load."""
        store, backup = _backup(context, action)
        await store.load(backup, action.args["schema"])
        return Outcome("loaded")


class Configure(_OneWay):
    """A host's configuration and keys as they were."""

    kind = "restore.configure"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Send the archive, and unpack it over what is there."""
        store, backup = _backup(context, action)
        handle, name = tempfile.mkstemp(suffix=".tar.gz")
        local = Path(name)
        remote = f"{context.site.config.installer.root}/.restore-{backup.id}.tar.gz"
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(store.decrypted(backup, f"{action.host}.config.tar.gz.age"))
            await context.site.shell.put(action.host, local, remote, timeout_s=COPY_S)
            await context.site.shell.script(action.host, 'tar -C / -xzf "$1" && rm "$1"', remote, timeout_s=COPY_S)
        finally:
            local.unlink()  # noqa: ASYNC240
        return Outcome("as it was")


class Start(_OneWay):
    """Links, boot states and running units of a host as they were."""

    kind = "restore.start"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Turn the links, then start what ran then."""
        _, backup = _backup(context, action)
        shell, root, units = context.site.shell, context.site.config.installer.root, backup.units[action.host]
        for unit, was in units.items():
            await turn_link(shell, action.host, root, unit, str(was["installed"]))
            word = "enable" if was["enabled"] else "disable"
            await shell.run(action.host, ["systemctl", "-q", word, f"{unit}.service"], timeout_s=START_S)
        running = [unit for unit, was in units.items() if was["active"]]
        await shell.run(action.host, ["systemctl", "start", *_names(running)], timeout_s=START_S)
        return Outcome(f"{len(running)} units run")


class Serve(Look):
    """The load balancer sees every server up, and the cloud every service."""

    kind = "restore.serve"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Wait for it."""
        end, why = context.now() + action.longest_s - 10, "no answer"
        while context.now() < end:
            why = await _down(context)
            if not why:
                return Outcome("all is up")
            await context.sleep(PAUSE_S)
        raise SiteTimeoutError(f"the old state is loaded, but not all comes up: {why}")


async def _down(context: Context) -> str:
    try:
        down = [f"{s.backend}/{s.server}" for s in await context.site.balancer.servers() if not s.up]
        services = await context.site.cloud.call("compute_services") if not down else []
        down += [f"{r['binary']} on {r['host']}" for r in services if r["state"] != "up"]
    except EscalatorError as error:
        return error.text
    return ", ".join(down)


class Reconcile(Look):
    """What tenants made since the backup, and the cloud does not know any more."""

    kind = "restore.reconcile"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Compare the backup that was taken just before with the one that was restored."""
        store, backup = _backup(context, action)
        present = await asyncio.to_thread(store.get, context.facts(action.args["present"])["backup"])
        lost = {
            kind: [o for o in objects if o not in backup.objects.get(kind, [])]
            for kind, objects in present.objects.items()
        }
        text = ", ".join(f"{len(names)} {kind}{'s' * (len(names) != 1)}" for kind, names in lost.items())
        facts = {"backup": backup.id, "present": present.id, "taken_at": backup.taken_at, "lost": lost}
        return Outcome(f"lost, made since: {text}", facts)


def _names(units: list[str]) -> list[str]:
    return [f"{unit}.service" for unit in units]
