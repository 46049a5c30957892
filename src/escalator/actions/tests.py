"""Prepared tests of the campaign (TE-1): the operator's own commands, and HTTP requests; ``api.probe`` is the third.

A test says only whether it passed. In doubt it is run again, so a prepared test must be safe to repeat.
"""

from __future__ import annotations

from pathlib import Path

from escalator.actions.look import Look
from escalator.actions.verbs import Context, Outcome
from escalator.errors import CommandError, SiteError
from escalator.model.plan import Action
from escalator.redaction import redact

LAST = 300  # characters of a test's last line that an error or an outcome shows


class Command(Look):
    """A command on the operator's side; its exit status decides."""

    kind = "test.command"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run it in the campaign's folder; CommandError where it does not end with 0."""
        args = action.args
        argv = list(args["argv"])
        with context.output.open("a", encoding="utf-8") as file:

            def heard(text: str) -> None:
                file.write(redact(text))
                file.flush()

            heard(f"$ {' '.join(argv)}\n")
            result = await context.site.operator.command(
                argv, folder=Path(args["folder"] or "."), env=_environment(context, action),
                timeout_s=args["timeout_s"], heard=heard,
            )  # fmt: skip
            heard(f"[{result.status}, {result.duration_s:.1f} s]\n")
        lines = [line.strip() for line in result.output.splitlines() if line.strip()]
        last = redact(lines[-1] if lines else "no output")[:LAST]
        if not result.ok:
            raise CommandError(
                f"test '{args['test']}' ended with {result.status}: {last}",
                status=result.status, output=redact(result.output), hint=f"its output: {context.output}",
            )  # fmt: skip
        return Outcome(f"passed: {last}")


class Http(Look):
    """A request to a URL; status and text decide."""

    kind = "test.http"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Ask it; SiteError where the status is outside the range, or the text is not in the answer."""
        args = action.args
        answer = await context.site.operator.get(args["url"], timeout_s=args["timeout_s"])
        lowest, highest = args["ok"]
        with context.output.open("a", encoding="utf-8") as file:
            file.write(redact(f"GET {args['url']}\n{answer.text}\n[{answer.status}]\n"))
        where = redact(f"test '{args['test']}': {args['url']} answered {answer.status}")
        if not lowest <= answer.status <= highest:
            raise SiteError(f"{where}, not {lowest} to {highest}", hint=f"its answer: {context.output}")
        if args["contains"] not in answer.text:
            raise SiteError(f"{where} without '{args['contains']}'", hint=f"its answer: {context.output}")
        return Outcome(f"passed: {answer.status}")


def _environment(context: Context, action: Action) -> dict[str, str]:
    """What a test may want to know; ESCALATOR_SITE and ESCALATOR_STATE as ``escalator`` itself reads them."""
    return {
        "ESCALATOR_SITE": str(context.site.config.file),
        "ESCALATOR_SITE_NAME": action.site,
        "ESCALATOR_STATE": str(context.state_dir.resolve()),
        "ESCALATOR_RUN": context.run,
        "ESCALATOR_PHASE": str(action.args["phase"]),
        "ESCALATOR_COMPONENT": str(action.args["component"]),
    }
