"""A backup before anything is changed."""

from __future__ import annotations

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.model.plan import Action
from escalator.sites.backups import Backups


class Take:
    """Databases, configuration, keys and version lists, encrypted, verified; it is kept whatever follows."""

    kind = "backup.take"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Another one does no harm; what is left of this one is removed first."""
        del context, action
        return Probe(Done.HALF_DONE, "it may have left a scratch database behind")

    async def do(self, context: Context, action: Action) -> Outcome:
        """Take it, and verify it by restoring into a scratch database."""
        store = Backups(context.state_dir, context.site)
        taken = await store.take(
            schemas=action.args["databases"], paths=action.args["paths"], reason=action.args["reason"],
            progress=context.progress, spare=action.args.get("spare", ""),
        )  # fmt: skip
        context.progress("verifying")
        tables = await store.verify(taken.id)
        return Outcome(f"backup {taken.id}: {tables} tables restored for proof", {"backup": taken.id})

    async def undo(self, context: Context, action: Action) -> Outcome:
        """It is kept, but for what a killed one left behind."""
        del action
        await Backups(context.state_dir, context.site).sweep()
        return Outcome("it is kept")
