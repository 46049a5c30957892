"""Commands of the components: checks, additive schema changes, data migrations, contraction."""

from __future__ import annotations

from collections.abc import Iterable

from escalator.actions.look import Look
from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.errors import CommandError, RefusedError
from escalator.model.plan import Action
from escalator.redaction import redact
from escalator.sites.protocol import CommandResult

BATCHES = 1000  # of a data migration; each does a bounded piece of work


async def _run(context: Context, action: Action, argv: Iterable[str], ok: Iterable[int]) -> CommandResult:
    """Run a command of the bundle, keep its output, and judge its exit status."""
    words = list(argv)
    words[0] = f"{action.args['bin']}/{words[0]}"
    result = await context.site.shell.run(action.host, words, timeout_s=action.longest_s, check=False)
    with context.output.open("a", encoding="utf-8") as file:
        text = f"$ {' '.join(words)}\n{result.output}\n[{result.status}, {result.duration_s:.1f} s]\n"
        file.write(redact(text))
    if result.status not in tuple(ok):
        last = [line for line in result.output.strip().splitlines() if line.strip()][-1:] or ["no output"]
        raise CommandError(
            f"'{' '.join(argv)}' on {action.host} ended with {result.status}: {last[0][:300]}",
            status=result.status, output=result.output[-2000:], hint=f"its output: {context.output}",
        )  # fmt: skip
    return result


class _Once:
    """Commands that may be repeated without harm, and whose effect can't be seen from outside: done again in doubt."""

    async def probe(self, context: Context, action: Action) -> Probe:
        """Repeating is safe, so it counts as not done."""
        del context, action
        return Probe(Done.NOT_DONE, "safe to repeat")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """What it added stays and does no harm: the old release ignores it."""
        del context, action
        return Outcome("it stays")


class Check(Look):
    """A check that the component brings along."""

    kind = "check.command"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run it; its exit status decides."""
        result = await _run(context, action, action.args["argv"], action.args["ok"])
        return Outcome(f"passed ({result.status})")


class Expand(_Once):
    """Additive schema change; it stays when everything else is rolled back."""

    kind = "schema.expand"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run its commands in order; each does nothing where its work is done."""
        for argv in action.args["argv"]:
            await _run(context, action, argv, (0,))
        return Outcome("expanded")


class Migrate(_Once):
    """A data migration, batch by batch."""

    kind = "data.migrate"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Repeat while the command says that there is more."""
        args = action.args
        for batch in range(1, BATCHES):
            result = await _run(context, action, args["argv"], (*args["again"], *args["done"]))
            if result.status in args["done"]:
                return Outcome(f"done after {batch} batches")
            context.progress(f"batch {batch}")
        raise CommandError(f"{action.title}: no end after {BATCHES} batches")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """There is none."""
        del context
        raise RefusedError(f"{action.title} can't be undone; only a restore brings the old data back")


class Contract(_Once):
    """Destructive schema change: the point of no return."""

    kind = "schema.contract"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run its commands in order."""
        for argv in action.args["argv"]:
            await _run(context, action, argv, (0,))
        return Outcome("contracted")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """There is none."""
        del context
        raise RefusedError(f"{action.title} can't be undone; only a restore brings the old schema back")
