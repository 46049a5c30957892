"""Entering the network namespace from which a site is reachable."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from escalator.config.site import SiteFile
from escalator.errors import UnreachableError

MARK = "ESCALATOR_NETWORK_NAMESPACE"


def enter(site: SiteFile) -> None:
    """Start this very command again inside the site's namespace; returns where there is none to enter."""
    namespace = site.reach.network_namespace
    if namespace is None or os.environ.get(MARK) == namespace:
        return
    path = Path("/run/netns") / namespace
    if not path.exists():
        raise UnreachableError(
            f"site '{site.name}' is reached through the network namespace '{namespace}', which is not there",
            hint="is the site up? For the lab: escalator-lab up",
        )
    os.environ[MARK] = namespace
    argv = ["nsenter", f"--net={path}", sys.executable, "-m", "escalator.cli.main", *sys.argv[1:]]
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 - replaces this process by itself, in the other namespace
