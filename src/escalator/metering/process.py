"""The meter as a process of its own: start it, ask whether it lives, stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from escalator.errors import StorageError
from escalator.metering.config import MeterConfig

CONFIG = "meter.json"
PID = "meter.pid"
LOG = "meter.log"


def start_meter(config: MeterConfig, folder: Path) -> int:
    """Start measuring into ``folder``; returns the pid. A meter that already runs there is left running."""
    running = meter_pid(folder)
    if running is not None:
        return running
    try:
        folder.mkdir(parents=True, exist_ok=True)
        here = config.model_copy(update={"folder": folder.resolve()})
        path = folder / CONFIG
        path.write_text(here.model_dump_json(indent=1), encoding="utf-8")
        command = [sys.executable, "-m", "escalator.metering", "--config", str(path.resolve())]
        if config.network_namespace:
            command = ["nsenter", f"--net=/run/netns/{config.network_namespace}", *command]
        with (folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True
            )
        (folder / PID).write_text(f"{child.pid}\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the meter can't be started in {folder}: {error}") from error
    return child.pid


def stop_meter(folder: Path, *, longest_s: float = 60.0) -> bool:
    """End the folder's meter, letting it clean up its probe resources; False where none ran."""
    pid = meter_pid(folder)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + longest_s
    while _alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    if _alive(pid):
        os.kill(pid, signal.SIGKILL)
        _reap(pid)
    (folder / PID).unlink(missing_ok=True)
    return True


def meter_pid(folder: Path) -> int | None:
    """The pid of the meter that runs in ``folder``, or None. A pid that is another program's now is no meter."""
    try:
        pid = int((folder / PID).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return pid if _alive(pid) and _is_meter(pid) else None


def is_alive(folder: Path) -> bool:
    """Whether a meter runs in ``folder``."""
    return meter_pid(folder) is not None


def _alive(pid: int) -> bool:
    _reap(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reap(pid: int) -> None:
    """Take our own child's exit status, so that it is no zombie; another process's child isn't ours to reap."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _is_meter(pid: int) -> bool:
    for _ in range(20):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        if command:
            return b"escalator.metering" in command
        time.sleep(0.01)  # empty for an instant while the program is being loaded
    return False
