"""This machine in the place of a host: commands run here, and a small stand-in starts units where no systemd runs.

For unit tests only: what systemd itself does is shown on real hosts (tests/e2e/test_lab_orders.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from escalator.errors import CommandError, UnreachableError
from escalator.sites.fence import Fence
from escalator.sites.protocol import CommandResult

SYSTEMD_RUN = """#!{python}
import os, socket, subprocess, sys
units, argv = {units!r}, sys.argv[1:]
name = next(word[7:] for word in argv if word.startswith("--unit="))
command = [word for word in argv if not word.startswith("--")]
if os.path.exists(os.path.join(units, name)):
    sys.exit("Unit " + name + " was already loaded.")
path = os.path.join(units, name + ".notify")
there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
there.bind(path)
there.settimeout(0.05)
env = dict(os.environ, NOTIFY_SOCKET=path)
child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, env=env)
open(os.path.join(units, name), "w").write(str(child.pid))
while child.poll() is None:
    try:
        there.recv(100)
        sys.exit(0)
    except socket.timeout:
        continue
sys.exit("the main process ended")
"""

SYSTEMCTL = """#!{python}
import os, signal, sys, time
units, unit = {units!r}, sys.argv[-1].rpartition(".service")[0]
def lives():
    try:
        number = open(os.path.join(units, unit)).read()
        return open("/proc/" + number + "/stat").read().rpartition(")")[2].split()[0] != "Z" and int(number)
    except OSError:
        return 0
if sys.argv[1] == "show":
    print("active" if lives() else "inactive")
elif lives():
    os.kill(lives(), signal.SIGTERM)
    while lives():
        time.sleep(0.02)
"""


class LocalHost:
    """A Shell whose only host is this machine. ``fail_at``: the n-th call breaks off, before or after its effect."""

    def __init__(self, folder: Path, fence: Fence | None = None) -> None:
        self.folder, self.fence = folder, fence
        self.calls = 0
        self.fail_at: dict[int, str] = {}
        units, tools = folder / "units", folder / "bin"
        units.mkdir(exist_ok=True)
        tools.mkdir(exist_ok=True)
        for name, text in (("systemd-run", SYSTEMD_RUN), ("systemctl", SYSTEMCTL)):
            (tools / name).write_text(text.format(python=sys.executable, units=str(units)))
            (tools / name).chmod(0o755)

    async def run(
        self, host: str, argv: list[str], *, timeout_s: float, check: bool = True, stdin: str | None = None,
        env: dict[str, str] | None = None, fenced: bool = True,
    ) -> CommandResult:  # fmt: skip
        self.calls += 1
        fault = self.fail_at.get(self.calls, "")
        if fault == "before":
            raise UnreachableError(f"{host}: cut before call {self.calls}")
        result = await self._run(host, argv, timeout_s, stdin, env or {}, fenced=fenced)
        if fault == "after":
            raise UnreachableError(f"{host}: cut after call {self.calls}")
        if check and not result.ok:
            raise CommandError(f"{host}: {argv[0]} ended with {result.status}", output=result.output)
        return result

    async def _run(
        self, host: str, argv: list[str], timeout_s: float, stdin: str | None, env: dict[str, str], *, fenced: bool
    ) -> CommandResult:
        fence = self.fence if fenced else None
        words = fence.around(argv, timeout_s=timeout_s, folder=str(self.folder / "fence")) if fence else argv
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **env, "PATH": path},
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                out, _ = await process.communicate((stdin or "").encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()
        status, text = process.returncode or 0, out.decode(errors="replace")
        if fence:
            fence.judge(host, status, text)
        return CommandResult(status, text, time.monotonic() - began)
