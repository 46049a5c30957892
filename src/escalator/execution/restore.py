"""Restore: the named act that brings a backup's state back when there is no undo any more, and says what is lost.

Writers are quiesced, the present is backed up first, databases and configuration are put back, every unit runs the
version files that it ran then.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from escalator.errors import EscalatorError, NotFoundError, SiteTimeoutError
from escalator.sites.backups import Backup, Backups, tenant_objects
from escalator.sites.links import has_bundle, turn_link
from escalator.sites.protocol import Site

STOP_S, START_S, LONGEST_UP_S = 300.0, 120.0, 600.0
PAUSE_S = 2.0


@dataclass(frozen=True)
class Restored:
    """What came of it. ``lost``: kind -> objects of tenants that were made since the backup and are unknown now."""

    backup: str
    present: str  # the backup of what was there just before
    taken_at: str
    lost: dict[str, list[str]]


async def restore(state: Path, site: Site, name: str, say: Callable[[str], None]) -> Restored:
    """Bring a backup's state back; SiteError where a part fails (then it can be called again)."""
    store = Backups(state, site)
    backup = store.get(name)
    say(f"proving backup {backup.id}")
    await store.verify(backup.id)
    await _version_files(site, backup)
    say("backing up the present")
    before = await tenant_objects(site)
    present = await store.take(
        schemas=backup.schemas, paths=backup.paths, reason=f"before the restore of {backup.id}", spare=backup.id
    )
    say("stopping all services")
    for host, units in backup.units.items():
        names = [f"{unit}.service" for unit in units]
        await site.shell.run(host, ["systemctl", "stop", *names], timeout_s=STOP_S)
    for names in backup.schemas.values():
        for schema in names:
            say(f"loading {schema}")
            await store.load(backup, schema)
    for host in backup.paths:
        say(f"configuration of {host}")
        await _configuration(store, site, backup, host)
    say("starting what ran then")
    for host, units in backup.units.items():
        await _units(site, host, units)
    await _serves(site)
    lost = {kind: [o for o in objects if o not in backup.objects.get(kind, [])] for kind, objects in before.items()}
    return Restored(backup.id, present.id, backup.taken_at, lost)


async def _version_files(site: Site, backup: Backup) -> None:
    """Raise NotFoundError, before anything is stopped, where a host lacks the version files that it ran then."""
    root = site.config.installer.root
    for host, units in backup.units.items():
        for bundle in sorted({str(was["installed"]) for was in units.values()}):
            if not await has_bundle(site.shell, host, root, bundle):
                raise NotFoundError(f"{host} does not hold {bundle}, which it ran then", hint="nothing was changed")


async def _configuration(store: Backups, site: Site, backup: Backup, host: str) -> None:
    handle, name = tempfile.mkstemp(suffix=".tar.gz")
    local = Path(name)
    remote = f"{site.config.installer.root}/.restore-{backup.id}.tar.gz"
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(store.decrypted(backup, f"{host}.config.tar.gz.age"))
        await site.shell.put(host, local, remote, timeout_s=STOP_S)
        await site.shell.script(host, 'tar -C / -xzf "$1" && rm "$1"', remote, timeout_s=STOP_S)
    finally:
        local.unlink()  # noqa: ASYNC240


async def _units(site: Site, host: str, units: dict[str, dict[str, object]]) -> None:
    """Links, boot states and running units as they were."""
    root = site.config.installer.root
    for unit, was in units.items():
        await turn_link(site.shell, host, root, unit, str(was["installed"]))
        word = "enable" if was["enabled"] else "disable"
        await site.shell.run(host, ["systemctl", "-q", word, f"{unit}.service"], timeout_s=START_S)
    running = [f"{unit}.service" for unit, was in units.items() if was["active"]]
    await site.shell.run(host, ["systemctl", "start", *running], timeout_s=START_S)


async def _serves(site: Site) -> None:
    """Wait until the load balancer sees every server up, and the cloud every service."""
    end, why = time.monotonic() + LONGEST_UP_S, "no answer"
    while time.monotonic() < end:
        try:
            down = [f"{s.backend}/{s.server}" for s in await site.balancer.servers() if not s.up]
            if not down:
                down = [
                    f"{r['binary']} on {r['host']}"
                    for r in await site.cloud.call("compute_services")
                    if r["state"] != "up"
                ]
            if not down:
                return
            why = ", ".join(down)
        except EscalatorError as error:
            why = error.text
        await asyncio.sleep(PAUSE_S)
    raise SiteTimeoutError(f"the old state is loaded, but not all comes up: {why}")
