"""Sandbox hosts: a world is a folder of hosts, a cloud, an operator's state folder, and the ledger outside them all."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos import cloud, ledger

HOSTS = ("controller", "compute1")
PROGRAMS = Path(__file__).parent / "host"
TOOLS = ("keystone-manage", "keystone-status", "nova-manage", "nova-status")
ROOT = "opt/openstack"
#: What may differ between two runs with the same end: processes and their numbers, locks, names made up by chance.
VOLATILE = ("pid", "job", "loaded")
LONGEST_S = 60.0
PORTS = (20000, 30000)  # below those that the kernel gives away by itself


def free_port() -> int:
    """One that no outgoing connection is given meanwhile, as the cloud lets go of it between two runs."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with socket.socket() as one:
            try:
                one.bind((cloud.FRONT, port))
            except OSError:
                continue
            return port


@dataclass
class World:
    """One world at a fixed place, so that a saved one can be put back there."""

    top: Path
    port: int
    _cloud: int = 0

    @property
    def state(self) -> Path:
        return self.top / "state"

    @property
    def ledger(self) -> Path:
        return self.top / "ledger"

    def host(self, name: str) -> Path:
        return self.top / "hosts" / name

    def make(self, bundles: dict[str, Path], instances: list[dict[str, Any]], units: dict[str, dict[str, Any]]) -> None:
        """A world where the first bundle runs. ``units``: ``HOST/UNIT`` -> {"active", "enabled"}."""
        old = next(iter(bundles))
        for folder in ("scratch", "state"):
            (self.top / folder).mkdir(parents=True)
        for name in HOSTS:
            top = self.host(name)
            for folder in ("bin", "units", "db", f"{ROOT}/active", "var/lib/escalator"):
                (top / folder).mkdir(parents=True)
            for program in PROGRAMS.iterdir():
                shutil.copy(program, top / "bin")
            (top / "bin" / "python3").symlink_to("/usr/bin/python3")
            subprocess.run(["/usr/bin/tar", "--zstd", "-xf", bundles[old], "-C", top / ROOT], check=True)
        for schema in ("keystone", "nova"):
            (self.host("controller") / "db" / f"{schema}.sql").write_text(f"CREATE TABLE {schema}_first (id int);\n")
        for path, unit in units.items():
            host, name = path.split("/")
            (self.host(host) / ROOT / "active" / name).symlink_to(f"../{old}")
            (self.host(host) / "units" / name).mkdir()
            if unit["enabled"]:
                (self.host(host) / "units" / name / "enabled").touch()
            if unit["active"]:
                (self.host(host) / "units" / name / "pid").write_text("0\n")
        computes = {HOSTS[1]: "enabled"}
        (self.top / "cloud.json").write_text(json.dumps({"servers": instances, "computes": computes}, sort_keys=True))

    def boot(self) -> None:
        """Start what should run: after making a world, or putting one back."""
        self.ledger.touch()
        for path in self.top.glob("hosts/*/units/*/pid"):
            top, unit = path.parents[2], path.parent.name
            program = top / ROOT / "active" / unit / "bin/service"
            if unit.startswith("escalator-"):
                shutil.rmtree(path.parent)  # a unit of an order that has ended
                continue
            null = subprocess.DEVNULL
            process = subprocess.Popen(
                [program, "infinity"], stdin=null, stdout=null, stderr=null, cwd=top, start_new_session=True
            )
            path.write_text(f"{process.pid}\n")
        self._cloud = self._fork_cloud()

    def _fork_cloud(self) -> int:
        (self.top / "cloud.socket").unlink(missing_ok=True)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                os.setsid()
                os.chdir(self.top)
                cloud.serve(self.top, self.port, writing)
            finally:
                os._exit(70)
        os.close(writing)
        assert os.read(reading, 1) == b".", "the cloud does not start"
        os.close(reading)
        return child

    def end(self) -> None:
        """No process of this world is left."""
        while pids := self.processes():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            _reap()
            time.sleep(0.01)
        self._cloud = 0

    def processes(self) -> list[int]:
        """Ours: by the folder in which they stand; all that we start stands below this world."""
        found = []
        for name in os.listdir("/proc"):  # noqa: PTH208 - names only
            if name.isdigit() and int(name) != os.getpid():
                try:
                    if Path(f"/proc/{name}/cwd").readlink().is_relative_to(self.top):
                        found.append(int(name))
                except OSError:
                    continue
        return found

    def quiet(self) -> None:
        """Wait until no command of a killed life is under way any more: only services and the cloud run."""
        end = time.monotonic() + LONGEST_S
        while True:
            _reap()
            services = {int(p.read_text()) for p in self.top.glob("hosts/*/units/*/pid")}
            left = set(self.processes()) - services - {self._cloud}
            left = {pid for pid in left if not _is_zombie(pid)}
            if not left:
                return
            assert time.monotonic() < end, f"still under way: {[_words(pid) for pid in left]}"
            time.sleep(0.01)

    def save(self, name: str) -> None:
        """Keep the world as it is, its processes ended."""
        self.end()
        kept = self.top.with_name(name)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.top, kept, symlinks=True, ignore=shutil.ignore_patterns("*.socket"))

    def put_back(self, name: str) -> None:
        self.end()
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(self.top.with_name(name), self.top, symlinks=True)
        self.boot()

    def as_it_is(self) -> dict[str, str]:
        """All that counts of the hosts and the cloud, to be compared."""
        found: dict[str, str] = {"cloud": (self.top / "cloud.json").read_text()}
        for name in HOSTS:
            top = self.host(name)
            for path in sorted(top.rglob("*")):
                inner = path.relative_to(top)
                if _is_volatile(inner):
                    continue
                if path.is_symlink():
                    found[f"{name}:{inner}"] = f"-> {path.readlink()}"
                elif path.is_file():
                    found[f"{name}:{inner}"] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for unit in sorted((top / "units").iterdir()):
                if not unit.name.startswith("escalator-"):
                    found[f"{name}:{unit.name}"] = self._running(top, unit)
        return found

    def _running(self, top: Path, unit: Path) -> str:
        if not cloud.unit_runs(top, unit.name):
            return "stopped"
        program = Path(f"/proc/{(unit / 'pid').read_text().strip()}/exe").readlink()
        return f"runs {program.relative_to(top / ROOT)}"

    def effects(self) -> list[ledger.Line]:
        return ledger.read(self.ledger)


def make_bundle(folder: Path, name: str, versions: dict[str, str]) -> dict[str, str]:
    """A bundle of version files as collected ones are; returns path and sha256."""
    top = folder / name / name
    (top / "bin").mkdir(parents=True)
    shutil.copy("/usr/bin/sleep", top / "bin/service")
    (top / "bin/python").symlink_to("/usr/bin/python3")
    for tool in TOOLS:
        shutil.copy(PROGRAMS / "manage", top / "bin" / tool)
    manifest = json.dumps({"bundle": name, "components": versions})
    (top / ".escalator-bundle.json").write_text(manifest)
    (folder / name / "manifest.json").write_text(manifest)
    path = folder / name / "bundle.tar.zst"
    subprocess.run(["/usr/bin/tar", "--zstd", "-cf", path, "-C", folder / name, name], check=True)
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _is_volatile(inner: Path) -> bool:
    name = inner.name
    return inner.parts[0] in ("bin", "var") or name in VOLATILE or name.endswith(".lock") or "escalator-" in name


def _reap() -> None:
    """Take the ends of our own children, where we have any."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return "gone"
