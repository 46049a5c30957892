"""The link that says which version files a unit's next start runs."""

from __future__ import annotations

from escalator.sites.protocol import Shell

TURN = """set -eu
test -e "$1/$3/.escalator-bundle.json"
ln -sfn "../$3" "$1/active/.$2.new"
mv -T "$1/active/.$2.new" "$1/active/$2"
"""
LONGEST_S = 60.0


async def turn_link(shell: Shell, host: str, root: str, unit: str, bundle: str) -> None:
    """Point a unit at a bundle, at once; CommandError where the bundle is not completely on the host."""
    await shell.script(host, TURN, root, unit, bundle, timeout_s=LONGEST_S)


async def has_bundle(shell: Shell, host: str, root: str, bundle: str) -> bool:
    """Whether a bundle is completely unpacked on a host (its mark is written last)."""
    argv = ["test", "-e", f"{root}/{bundle}/.escalator-bundle.json"]
    return (await shell.run(host, argv, timeout_s=LONGEST_S, check=False, fenced=False)).ok
