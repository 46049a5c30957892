"""What else happens to a driver: frozen, a second one beside it, disks and clocks. Each answers what came of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos.child import born
from chaos.ends import wait, wait_until_frozen
from escalator.execution import runs
from escalator.execution.lease import LEASE_S, is_silent, seize

if TYPE_CHECKING:
    from chaos.worker import Place

UNDER_WAY = 30  # lines of the ledger: the campaign is in its middle
LONGEST_S = 60.0
STATE_DISK = "12m"


def frozen(place: Place, *, at: str, middle: bool, write_of: str = "") -> dict[str, Any]:
    """Frozen past its lease, taken over by a second, continued: in the middle of the second's work, or behind it."""
    first = _freeze(place, at, write_of)
    second = born(place.life("execute"))
    if middle:
        _until(place, len(place.world.effects()) + UNDER_WAY // 2)
    else:
        assert wait(second) == 0, place.said(second)
        place.world.quiet()
    before = len(place.world.effects())
    os.kill(first, signal.SIGCONT)
    status = wait(first)
    answer = {"status": status, "said": place.said(first)}
    if middle:
        assert wait(second) == 0, place.said(second)
    place.world.quiet()
    behind = 0 if middle else len(place.world.effects()) - before
    return {"frozen": answer, "effects_behind": behind, "problems": _end(place)}


def hung(place: Place, *, at: str, write_of: str) -> dict[str, Any]:
    """Frozen while it holds a lock of SQLite's; the second can't take over until somebody ends the first."""
    first = _freeze(place, at, write_of)
    second = born(place.life("execute"))
    answer = {"status": wait(second), "said": place.said(second)}
    os.kill(first, signal.SIGKILL)
    wait(first)
    third = born(place.life("execute"))
    assert wait(third) == 0, place.said(third)
    return {"second": answer, "problems": _end(place)}


def _freeze(place: Place, at: str, write_of: str) -> int:
    """A driver that is frozen there for longer than its lease lasts, its lock seized; returns its pid."""
    place.put_back("made")
    first = born(place.life("execute", freeze=at, write_of=write_of))
    wait_until_frozen(first)
    began = time.monotonic()
    store = place.life("execute").store(runs.load(place.world.state))
    assert is_silent(store), "a frozen one shows no beat"
    store.close()
    time.sleep(max(0.0, LEASE_S + 1 - (time.monotonic() - began)))
    seize(place.world.state)
    return first


def two(place: Place) -> dict[str, Any]:
    """A second one starts on the state folder while the first drives."""
    place.put_back("made")
    first = born(place.life("execute"))
    _until(place, UNDER_WAY)
    second = born(place.life("execute"))
    answer = {"status": wait(second), "said": place.said(second)}
    assert wait(first) == 0, place.said(first)
    return {"second": answer, "problems": _end(place)}


def full_disk(place: Place) -> dict[str, Any]:
    """The disk of the state folder fills up in the middle, and is freed."""
    place.put_back("made")
    with _own_disk(place.world.state):
        first = born(place.life("execute"))
        _until(place, UNDER_WAY)
        filler = place.world.state / "filler"
        _fill(filler)
        answer = {"status": wait(first), "said": place.said(first)}
        filler.unlink()
        again = born(place.life("execute"))
        assert wait(again) == 0, place.said(again)
        return {"stopped": answer, "problems": _end(place)}


def read_only(place: Place) -> dict[str, Any]:
    """Killed in the middle; the journal's file is read-only when it is to go on; then it is not any more."""
    place.put_back("made")
    assert wait(born(place.life("execute", at=200))) == -signal.SIGKILL
    journal = runs.load(place.world.state).folder / "journal.sqlite"
    subprocess.run(["mount", "--bind", journal, journal], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", journal], check=True)
        second = born(place.life("execute"))
        answer = {"status": wait(second), "said": place.said(second)}
    finally:
        subprocess.run(["umount", journal], check=True)
    third = born(place.life("execute"))
    assert wait(third) == 0, place.said(third)
    return {"stopped": answer, "problems": _end(place)}


def clock(place: Place, *, by: float) -> dict[str, Any]:
    """The machine's clock is set while a life goes on, and the next life is killed and begins with it set."""
    place.put_back("made")
    assert wait(born(place.life("execute", at=400, clock_at=200, clock_by=by))) == -signal.SIGKILL
    last = born(place.life("execute", clock_at=1, clock_by=by))
    assert wait(last) == 0, place.said(last)
    store = place.life("execute").store(runs.load(place.world.state))
    times = [record.at for record in store.read()]
    store.close()
    backwards = sum(after < before for before, after in pairwise(times))
    return {"backwards": backwards, "problems": _end(place)}


def begin(place: Place) -> dict[str, Any]:
    """Start, and leave it under way."""
    place.put_back("made")
    place.living = born(place.life("execute"))
    _until(place, UNDER_WAY)
    return {"problems": []}


def cut(place: Place) -> dict[str, Any]:
    """End what was begun, with -9."""
    os.kill(place.living, signal.SIGKILL)
    wait(place.living)
    return {"problems": []}


def attempt(place: Place) -> dict[str, Any]:
    """Try to go on, and say what came of it."""
    pid = born(place.life("execute"))
    return {"status": wait(pid), "said": place.said(pid), "problems": []}


def go_on(place: Place) -> dict[str, Any]:
    """Go on with it, and leave it under way."""
    place.living = born(place.life("execute"))
    return {"problems": []}


def conclude(place: Place) -> dict[str, Any]:
    """Wait for the end of what was begun."""
    status = wait(place.living)
    return {"problems": [f"{status}: {place.said(place.living)}"] if status else _end(place)}


FAULTS: dict[str, Callable[..., dict[str, Any]]] = {
    f.__name__: f for f in (frozen, hung, two, full_disk, read_only, clock, begin, cut, attempt, go_on, conclude)
}


def _end(place: Place) -> list[str]:
    return place.problems("execute", place.undisturbed["execute"], kills=1)


def _until(place: Place, lines: int) -> None:
    end = time.monotonic() + LONGEST_S
    while len(place.world.effects()) < lines:
        assert time.monotonic() < end, f"no {lines} effects: {place.tail('stderr')}"
        time.sleep(0.01)


@contextmanager
def _own_disk(folder: Path) -> Iterator[None]:
    """A small disk in the place of a folder, with what is in it."""
    kept = folder.with_name("state.kept")
    folder.rename(kept)
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_DISK}", "tmpfs", folder], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return
