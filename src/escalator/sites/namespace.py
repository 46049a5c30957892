"""Entering a network namespace of this machine, for sites reachable only from there (``reach:`` in site.yaml)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from escalator.errors import UnreachableError

FOLDER = Path("/run/netns")
CLONE_NEWNET = 0x40000000


def enter(name: str) -> None:
    """Move this thread, and the threads it will start, into the namespace; nothing to do where it is there already."""
    try:
        with (FOLDER / name).open("rb") as there:
            here = Path("/proc/thread-self/ns/net").stat()
            wanted = os.fstat(there.fileno())
            if (here.st_dev, here.st_ino) == (wanted.st_dev, wanted.st_ino):
                return
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code))  # noqa: TRY301
    except OSError as error:
        raise UnreachableError(
            f"the network namespace '{name}' can't be entered: {error.strerror}",
            hint="it needs root; is the site's network up?",
        ) from error
