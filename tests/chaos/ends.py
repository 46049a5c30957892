"""How a process of ours ended."""

from __future__ import annotations

import os
import signal
import time

LONGEST_LIFE_S = 120.0
TOO_LONG = 98


def wait(pid: int) -> int:
    """Exit status, or minus the signal; TOO_LONG where it had to be killed."""
    end = time.monotonic() + LONGEST_LIFE_S
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return TOO_LONG
        time.sleep(0.002)


def wait_until_frozen(pid: int) -> None:
    """Return when a process of ours has stopped itself."""
    ended, status = os.waitpid(pid, os.WUNTRACED)
    assert ended == pid
    assert os.WIFSTOPPED(status), f"it ended instead: {status}"
