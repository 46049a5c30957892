"""Commands of the components: checks, additive schema changes, data migrations, contraction.

All are orders (:mod:`escalator.actions.ordered`): they outlive the connection, a resumed Escalator finds them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from escalator.actions.held import let_go, while_held
from escalator.actions.look import Look
from escalator.actions.ordered import Nth, carry_out, look, stop, until
from escalator.actions.verbs import Context, Outcome, Probe
from escalator.errors import CommandError, RefusedError
from escalator.model.plan import Action
from escalator.redaction import redact
from escalator.sites.protocol import CommandResult

BATCHES = 1000  # of a data migration; each does a bounded piece of work


async def _run(context: Context, action: Action, argv: Iterable[str], ok: Iterable[int], nth: Nth) -> CommandResult:
    """Run a command of the bundle as an order, keep its output, and judge its exit status."""
    words = list(argv)
    words[0] = f"{action.args['bin']}/{words[0]}"
    result = await carry_out(context, action, words, nth)
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


def _schema(argv: Iterable[str]) -> str:
    """The exclusive key of what changes a schema: one command of a component's tool at a time (``db_sync``)."""
    return f"schema/{next(iter(argv))}"


class _Schema:
    """Commands in order; each may be repeated without harm: it does nothing where its work is done."""

    async def probe(self, context: Context, action: Action) -> Probe:
        """See how far the last attempt came."""
        return await look(context, action, commands=len(action.args["argv"]))

    async def _all(self, context: Context, action: Action) -> str:
        """All of them; returns how holding requests went, "" where none were to be held."""
        ends, said = until(context, action), []
        for index, argv in enumerate(action.args["argv"]):
            nth = Nth(index, ends, exclusive=_schema(argv))
            work = partial(_run, context, action, argv, (0,), nth)
            said.append(await while_held(context, str(action.args.get("hold", "")), work))
        return "; ".join(text for text in said if text)


class Check(Look):
    """A check that the component brings along."""

    kind = "check.command"

    async def probe(self, context: Context, action: Action) -> Probe:
        """It may still run, or have passed."""
        return await look(context, action, ok=action.args["ok"])

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run it; its exit status decides."""
        result = await _run(context, action, action.args["argv"], action.args["ok"], Nth(0, until(context, action)))
        return Outcome(f"passed ({result.status})")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Nothing was changed; where it still runs, it is ended."""
        await stop(context, action)
        return Outcome("nothing to undo")


class Expand(_Schema):
    """Additive schema change; it stays when everything else is rolled back."""

    kind = "schema.expand"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run its commands in order."""
        held = await self._all(context, action)
        return Outcome(f"expanded; {held}" if held else "expanded")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """What it added stays and does no harm: the old release ignores it. What still runs is ended."""
        await stop(context, action)
        await let_go(context, str(action.args.get("hold", "")))
        return Outcome("it stays")


class Migrate:
    """A data migration, batch by batch."""

    kind = "data.migrate"

    async def probe(self, context: Context, action: Action) -> Probe:
        """See whether the last batch said that there is no more."""
        return await look(context, action, ok=action.args["done"], more=action.args["again"])

    async def do(self, context: Context, action: Action) -> Outcome:
        """Repeat while the command says that there is more."""
        args, ends = action.args, until(context, action)
        for batch in range(1, BATCHES):
            nth = Nth(batch - 1, ends, exclusive=_schema(args["argv"]))
            result = await _run(context, action, args["argv"], (*args["again"], *args["done"]), nth)
            if result.status in args["done"]:
                return Outcome(f"done after {batch} batches")
            context.progress(f"batch {batch}")
        raise CommandError(f"{action.title}: no end after {BATCHES} batches")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """There is none."""
        del context
        raise RefusedError(f"{action.title} can't be undone; only a restore brings the old data back")


class Contract(_Schema):
    """Destructive schema change: the point of no return."""

    kind = "schema.contract"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run its commands in order."""
        await self._all(context, action)
        return Outcome("contracted")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """There is none."""
        del context
        raise RefusedError(f"{action.title} can't be undone; only a restore brings the old schema back")
