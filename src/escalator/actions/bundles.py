"""Version files: checked on our side, unpacked on a host beside those that run, removed when nobody needs them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

from escalator.actions.look import Look
from escalator.actions.ordered import Nth, carry_out, look, stop, until
from escalator.actions.verbs import FOUND, Context, Done, Outcome, Probe
from escalator.errors import CommandError, IntegrityError
from escalator.model.plan import Action
from escalator.sites.links import has_bundle

COPY_S = 600.0

UNPACK = """set -eu
root=$1 id=$2 sha=$3
echo "$sha  $root/.$id.tar.zst" | sha256sum -c --quiet
rm -rf "$root/.$id.part" && mkdir "$root/.$id.part"
nice -n 10 tar --zstd -xf "$root/.$id.tar.zst" -C "$root/.$id.part"
rm -rf "$root/$id" && mv -T "$root/.$id.part/$id" "$root/$id"
rmdir "$root/.$id.part"; rm -f "$root/.$id.tar.zst"
nice -n 10 "$root/$id/bin/python" -c "import sys; sys.exit(0)"
"""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class VerifyBundle(Look):
    """What was collected is what its manifest says."""

    kind = "bundle.verify"

    async def do(self, context: Context, action: Action) -> Outcome:
        """Checksum and components."""
        del context
        path = Path(action.args["path"])
        try:
            manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
            found = await asyncio.to_thread(_sha256, path)
        except (OSError, ValueError) as error:
            raise IntegrityError(f"the bundle {path} can't be read: {error}") from error
        if found != action.args["sha256"]:
            raise IntegrityError(
                f"{path} is not what its manifest says (SHA-256 {found[:12]}...)", hint="collect it again"
            )
        if manifest.get("components") != action.args["components"]:
            raise IntegrityError(f"{path}: its manifest changed since the plan was made", hint="make the plan again")
        return Outcome("checksum and manifest agree")


class Stage:
    """Unpacked on the host; undo: removed, unless it was there before or something uses it."""

    kind = "bundle.stage"

    async def probe(self, context: Context, action: Action) -> Probe:
        """The mark is written last; unpacking outlives us."""
        if await has_bundle(context.site.shell, action.host, action.args["root"], action.args["bundle"]):
            return Probe(Done.DONE)
        seen = await look(context, action)
        return seen if seen.done is Done.RUNNING else Probe(Done.NOT_DONE, seen.seen)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Copy, unpack beside, test, rename."""
        args, ends = action.args, until(context, action)
        seen = await self.probe(context, action)
        if seen.done is Done.DONE:
            return Outcome("it is there", {FOUND: True})
        if seen.done is not Done.RUNNING:
            await self._copy(context, action)
        context.progress("unpacking")
        argv = ["sh", "-c", UNPACK, "escalator", args["root"], args["bundle"], args["sha256"]]
        result = await carry_out(context, action, argv, Nth(0, ends, exclusive=f"bundle/{args['bundle']}"))
        if not result.ok:
            last = result.output.strip().splitlines()[-1:] or ["no output"]
            raise CommandError(
                f"{args['bundle']} can't be unpacked on {action.host}: {last[0][:300]}", status=result.status,
                output=result.output[-2000:],
            )  # fmt: skip
        return Outcome("unpacked")

    async def _copy(self, context: Context, action: Action) -> None:
        shell, args = context.site.shell, action.args
        await shell.run(action.host, ["mkdir", "-p", args["root"]], timeout_s=30)
        context.progress("copying")
        remote = f"{args['root']}/.{args['bundle']}.tar.zst"
        await shell.put(action.host, Path(args["path"]), remote, timeout_s=COPY_S)

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Remove it, and what a broken copy left."""
        if action.args["present"]:
            return Outcome("it was there before; kept", {FOUND: True})
        await stop(context, action)
        await _remove(context, action)
        return Outcome("removed")


class Remove:
    """An old bundle that no unit uses any more is deleted; it can be collected again."""

    kind = "bundle.remove"

    async def probe(self, context: Context, action: Action) -> Probe:
        """Look whether it is there."""
        path = f"{action.args['root']}/{action.args['bundle']}"
        there = (
            await context.site.shell.run(action.host, ["test", "-e", path], timeout_s=30, check=False, fenced=False)
        ).ok
        return Probe(Done.NOT_DONE if there else Done.DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Delete it."""
        await _remove(context, action)
        return Outcome("removed")

    async def undo(self, context: Context, action: Action) -> Outcome:
        """It is staged again when it is needed."""
        del context, action
        return Outcome("nothing to undo")


async def _remove(context: Context, action: Action) -> None:
    text = """set -eu
    for link in "$1"/active/*; do
      [ "$(basename "$(readlink "$link")")" != "$2" ] || { echo "$link uses it" >&2; exit 1; }
    done
    rm -rf "$1/$2" "$1/.$2.part" "$1/.$2.tar.zst"
    """
    await context.site.shell.script(action.host, text, action.args["root"], action.args["bundle"], timeout_s=120)
