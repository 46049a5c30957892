"""The lab as a whole: up, status, down."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from escalator_lab import bundles, fabric, golden, guest, hosts, hypervisor, image, roles, software
from escalator_lab.errors import NotPossibleHere, Refused, TookTooLong
from escalator_lab.layout import Layout
from escalator_lab.openstack import Cloud
from escalator_lab.progress import Progress
from escalator_lab.shape import DEFAULT_NAME, DEFAULT_SUBNET, MINIMAL, Network, Shape, compute

LONGEST_END_S = 15.0
LEAST_FREE = 4 * 1024**3  # bytes: the image, three hosts, one bundle
GROUPS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")


@dataclass(frozen=True)
class Lab:
    """One lab: its folder, its network, its hosts."""

    layout: Layout
    network: Network = field(default_factory=Network)
    shape: Shape = MINIMAL

    @classmethod
    def known(cls, layout: Layout) -> Lab:
        """The lab of a folder, as `up` made it; the default one where there is none yet."""
        try:
            marker = json.loads(layout.marker.read_text())
        except (OSError, ValueError):
            marker = {}
        network = Network(marker.get("lab", DEFAULT_NAME), marker.get("subnet", DEFAULT_SUBNET))
        shape = compute(marker["computes"]) if marker.get("shape") == "compute" else MINIMAL
        return cls(layout, network, shape)

    def up(self, progress: Progress, start: str = "", targets: tuple[str, ...] = ()) -> None:
        """Bring the hosts up, with OpenStack of release ``start`` on them unless that is empty; safe to repeat.

        Bundles of ``targets`` are made ready for an upgrade.
        """
        wanted = [bundles.lock(release) for release in dict.fromkeys((start, *targets)) if release]
        self._possible()
        self._claim()
        with self._locked():
            self._prepare(progress)
            for lock in wanted:
                bundles.build(self.layout, lock, progress)
            if self.shape.guests:
                software.build(self.layout, progress)
                guest.build(self.layout, progress)
            begun = self._begun()
            bundle = wanted[0].id if start else ""
            if begun is not None and begun != bundle:
                raise Refused(
                    f"the lab is up with {begun or 'bare hosts'}, not with {bundle or 'bare hosts'}",
                    "take it down first: escalator-lab down",
                )
            self._begin(bundle, progress)

    def reset(self, progress: Progress) -> None:
        """Bring the lab back to how `up` left it."""
        bundle = self._begun()
        if bundle is None:
            raise Refused("there is no lab to reset", "bring it up: escalator-lab up")
        with self._locked():
            self._cut()
            for host in self.shape.hosts:
                shutil.rmtree(self.layout.host(host.name))
            self._begin(bundle, progress)

    def bundle(self, release: str, component: str, version: str, hashes: list[str], progress: Progress) -> str:
        """Build a bundle that differs from a release's in one component (a bug-fix patch); returns its id."""
        lock = bundles.patched(bundles.lock(release), component, version, hashes)
        self._possible()
        self._claim()
        with self._locked():
            self._prepare(progress)
            return str(bundles.build(self.layout, lock, progress)["id"])

    def _prepare(self, progress: Progress) -> None:
        missing = image.missing_tools()
        if missing:
            with progress.step(f"installing Debian packages: {', '.join(missing)}"):
                image.install_tools(missing)
        if not image.current(self.layout):
            if self._begun() is not None:
                raise Refused("the hosts' image is out of date, and hosts run on it", "escalator-lab down, then up")
            with progress.step("making the hosts' Debian image"):
                image.build(self.layout)

    def _begun(self) -> str | None:
        """The bundle that the hosts began with ("" for bare ones), None where there are no hosts."""
        try:
            return str(json.loads(self.layout.state.read_text())["bundle"])
        except (OSError, ValueError, KeyError):
            return None

    def _begin(self, bundle: str, progress: Progress) -> None:
        """Make and boot the hosts, from the kept cloud where there is one."""
        cloud = Cloud(self.layout, self.network, self.shape)
        fresh = not self.layout.hosts.exists() or not any(self.layout.hosts.iterdir())
        if bundle:
            roles.passwords(self.layout)
        accelerator = guest.accelerator(self.layout, progress) if self.shape.guests else ""
        kept = golden.fingerprint(self.layout, self.network, self.shape, bundle, accelerator)
        known = fresh and bool(bundle) and golden.restore(self.layout, self.shape, kept)
        hosts.prepare(self.layout, self.network, self.shape)
        hosts.keys(self.layout, self.network, self.shape)
        if known:
            cloud.files()  # the kept ones name the folder of the lab that was kept
        if fresh and bundle and not known:
            for host in self.shape.hosts:
                roles.write(self.layout, self.network, self.shape, host, bundle, accelerator=accelerator)
        fabric.up(self.network, self.shape)
        self._boot(bundle, accelerator, progress)
        if fresh and bundle and not known:
            cloud.bootstrap(bundle, progress)
            with progress.step("keeping the cloud for the next time"):
                self._off()
                golden.keep(self.layout, self.shape, kept)
            self._boot(bundle, accelerator, progress)
        self.layout.state.write_text(json.dumps({"bundle": bundle}) + "\n")
        if bundle:
            with progress.step("the cloud's services" + (" and guests" if self.shape.guests else "")):
                cloud.wait()
                cloud.ready()

    def _boot(self, bundle: str, accelerator: str, progress: Progress) -> None:
        common = [str(bundles.layer(self.layout, bundle))] if bundle else []
        with progress.step(f"booting {len(self.shape.hosts)} hosts"):
            for host in self.shape.hosts:
                runs_guests = bool(self.shape.guests) and host.role == "compute"
                layers = [*common, str(self.layout.compute / "layer")] if runs_guests else common
                binds = hypervisor.binds(self.layout, accelerator) if runs_guests else ()
                hosts.start(self.layout, self.network, host, ":".join(layers), binds)
            for host in self.shape.hosts:
                hosts.wait_ready(self.layout, self.network, host)

    def _off(self) -> None:
        """Power the hosts off in good order: those that need others first."""
        for host in reversed(self.shape.hosts):
            hosts.stop(self.layout, host)
            self._end_group(self.network.namespace(host.name))

    def _cut(self) -> None:
        """Pull the plug: for hosts whose files are thrown away."""
        for host in self.shape.hosts:
            self._end_group(self.network.namespace(host.name))
            hosts.forget(self.layout, host)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One command at a time changes the lab."""
        with self.layout.lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Refused("another command is changing this lab", "wait until it has ended") from None
            yield

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """Leave nothing behind but the cache, and with ``purge`` not that either."""
        if not self.layout.marker.exists():
            if self.layout.root.exists() and any(self.layout.root.iterdir()):
                raise Refused(f"{self.layout.root} is no lab's folder: nothing is deleted", "give the lab's with --dir")
            progress.say("there is no lab")
            return
        if not self.layout.hosts.exists() and not purge:
            progress.say(f"it is down; kept for the next time: {self.layout.cache} (delete it with --purge)")
            return
        self._cut()
        fabric.down(self.network, self.shape)
        for host in self.shape.hosts:
            self._drop_groups(self.network.namespace(host.name))
        self._unmounted()
        self.layout.state.unlink(missing_ok=True)
        for part in (self.layout.hosts, self.layout.run, self.layout.operator):
            if part.exists():
                shutil.rmtree(part)
        if purge:
            shutil.rmtree(self.layout.root)
            progress.say("down; nothing is left")
        else:
            progress.say(f"down; kept for the next time: {self.layout.cache} (delete it with --purge)")

    def status(self) -> list[dict[str, Any]]:
        """Each host: name, address, on or off, what its systemd says."""
        rows = []
        for host in self.shape.hosts:
            on = hosts.pid(self.layout, host) is not None
            state = hosts.says(self.layout, self.network, host) if on else "off"
            rows.append({"host": host.name, "address": self.network.address(host), "on": on, "state": state})
        return rows

    def guests(self) -> list[dict[str, Any]]:
        """Each VNF's guest: name, address, its uptime in seconds, None where it does not answer."""
        up = hosts.pid(self.layout, self.shape.controller) is not None
        return Cloud(self.layout, self.network, self.shape).answers() if up and self._begun() else []

    def _possible(self) -> None:
        if os.geteuid() != 0:
            raise NotPossibleHere("the lab needs root (namespaces, mounts)", "run it as root")
        folder = self.layout.root
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            raise NotPossibleHere(
                f"{folder} has {free // 2**20} MiB free, the lab needs {LEAST_FREE // 2**20}",
                "free space, or give another folder with --dir",
            )

    def _claim(self) -> None:
        root = self.layout.root
        if not self.layout.marker.exists() and root.exists() and any(root.iterdir()):
            raise Refused(f"{root} is not empty and no lab's folder", "give an empty one with --dir")
        other = Lab.known(self.layout)
        if self.layout.hosts.exists() and (other.network, other.shape) != (self.network, self.shape):
            raise Refused(
                f"the lab is up as {other.network.lab}, shape {other.shape.name} with {len(other.shape.computes)} "
                f"computes, in {other.network.subnet}",
                "take it down first: escalator-lab down",
            )
        root.mkdir(parents=True, exist_ok=True)
        made: dict[str, str | int] = {"shape": self.shape.name, "lab": self.network.lab, "subnet": self.network.subnet}
        if self.shape.guests:
            made["computes"] = len(self.shape.computes)
        self.layout.marker.write_text(json.dumps(made) + "\n")

    def _end_group(self, name: str) -> None:
        """End what a keeper that was killed left of its machine: all that lives in the host's control group."""
        end = time.monotonic() + LONGEST_END_S
        while left := _processes(name):
            if time.monotonic() > end:
                raise TookTooLong(f"processes {left} of {name} do not end; nothing is deleted")
            for number in left:
                _kill(number)
            time.sleep(0.1)

    def _drop_groups(self, name: str) -> None:
        for base in GROUPS:
            top = Path(base) / name
            if top.is_dir():
                for path in sorted((p for p in top.rglob("*") if p.is_dir()), reverse=True):
                    _remove_group(path)
                _remove_group(top)

    def _unmounted(self) -> None:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        held = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{self.layout.root}/")]
        if held:
            raise Refused(f"still mounted: {', '.join(held)}; nothing is deleted", "unmount them, then repeat")


def _processes(name: str) -> list[int]:
    """Process ids in a host's control groups."""
    found: set[int] = set()
    for base in GROUPS:
        top = Path(base) / name
        for file in top.rglob("cgroup.procs") if top.is_dir() else ():
            try:
                found.update(int(line) for line in file.read_text(encoding="ascii").split())
            except OSError:
                continue  # the group went meanwhile, or holds no processes by itself (threaded)
    return sorted(found - {0, os.getpid()})


def _kill(number: int) -> None:
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def _remove_group(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:
        return  # a process still leaves it; the kernel frees it with the last one
