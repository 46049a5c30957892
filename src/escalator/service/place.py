"""Where the operator works: one site.yaml, one state folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from escalator.catalogue.components import Catalogue, load_catalogue
from escalator.config.site import SiteFile, load_site
from escalator.errors import StorageError
from escalator.inventory.collect import collect
from escalator.model.inventory import Inventory
from escalator.sites.connect import connect
from escalator.sites.fence import Fence
from escalator.sites.protocol import Site

LEAST_FREE = 200 * 1024 * 1024  # bytes: journal, outputs, one backup of a small site


@dataclass(frozen=True)
class Place:
    """Where the operator works: one site.yaml and one state folder."""

    site_path: Path
    state: Path

    def site(self) -> SiteFile:
        """The site's file, read and checked."""
        return load_site(self.site_path)

    def catalogue(self) -> Catalogue:
        """The catalogue, with the operator's own files from ``catalogue/`` in the state folder."""
        return load_catalogue(self.overlay)

    @property
    def overlay(self) -> Path:
        """The operator's own part of the catalogue, with the times that were measured."""
        return self.state / "catalogue"


@asynccontextmanager
async def connected(place: Place, fence: Fence | None = None) -> AsyncIterator[Site]:
    """The site with its adapters; connections are ended behind. ``fence``: hosts refuse us once we are taken over."""
    site = connect(place.site(), fence)
    try:
        yield site
    finally:
        await site.close()


async def take_inventory(place: Place) -> Inventory:
    """What is there now."""
    async with connected(place) as site:
        return await collect(site, place.catalogue())


def prepare_state(state: Path) -> None:
    """Make the state folder (mode 0700), and prove that it can be written and has room; StorageError else."""
    hint = "nothing was changed; free space or give another folder with --state"
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = state / f".write-test-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = os.statvfs(state)
    except OSError as error:
        raise StorageError(f"the state folder {state} can't be written: {error.strerror or error}", hint=hint) from None
    room = free.f_bavail * free.f_frsize
    if room < LEAST_FREE:
        raise StorageError(f"the state folder {state} has {room >> 20} MiB free, needs {LEAST_FREE >> 20}", hint=hint)
