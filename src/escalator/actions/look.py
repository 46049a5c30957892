"""What actions that change nothing have in common: in doubt they are done again, and there is nothing to undo."""

from __future__ import annotations

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.model.plan import Action


class Look:
    """Probe and undo of an action that only looks; its ``do`` stands with its kind."""

    async def probe(self, context: Context, action: Action) -> Probe:
        """Looking again is safe, so it counts as not done."""
        del context, action
        return Probe(Done.NOT_DONE, "safe to repeat")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Nothing was changed."""
        del context, action
        return Outcome("nothing to undo")
