"""The compute hosts' software: an overlay layer with the older builds, and an archive that holds older and newer.

``cache/compute/layer`` lies over the hosts' image (so that a lab without computes' software does not grow);
``cache/compute/archive`` is a flat Debian archive that the hosts see below ``/opt/escalator-lab/archive``;
``cache/compute/versions.json`` says of each package which build the layer has and to which it can be upgraded.

Debian 12 has one build of libvirt only; its backports have a newer one, which stands in a second archive
(``apt-get install -t lab-backports``), since it is a major step that apt must not take by itself.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
from email.utils import formatdate
from importlib import resources
from pathlib import Path

from escalator_lab import chroot, image
from escalator_lab.commands import run
from escalator_lab.errors import CommandFailed
from escalator_lab.files import put, template, text
from escalator_lab.layout import Layout
from escalator_lab.progress import Progress

ARCHIVE = "/opt/escalator-lab/archive"
AGENT = "escalator-lab-agent"
AGENT_BUILDS = (("1.0", 1.0), ("1.1", 0.25))  # version, how often it looks for ports (seconds)
BACKPORTS = "lab-backports"
SOURCE = "".join(f"deb [trusted=yes] file:{ARCHIVE}/{folder} ./\n" for folder in ("main", BACKPORTS))
MAJOR = ("libvirt-daemon-system", "libvirt-clients")  # what is fetched from backports, with all it needs


def packages() -> list[str]:
    """What a compute host has beside the image's packages."""
    return [line for line in text("compute/packages.txt").splitlines() if line and not line.startswith("#")]


def versions(layout: Layout) -> dict[str, dict[str, str]]:
    """Package -> {"old": the layer's build, "new": the archive's newest}; {} where the layer was not made yet."""
    try:
        made: dict[str, dict[str, str]] = json.loads((layout.compute / "versions.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    return made


def current(layout: Layout) -> bool:
    """Whether the layer is there and made of what is wanted now."""
    try:
        return bool(json.loads((layout.compute / "versions.json").read_text())["made_of"] == _digest())
    except (OSError, ValueError, KeyError):
        return False


def build(layout: Layout, progress: Progress) -> None:
    """Make layer and archive unless they are there; complete or not there. The image must be there."""
    if current(layout):
        return
    with progress.step("the compute hosts' software: QEMU, libvirt, both builds"):
        part = layout.compute.with_suffix(".part")
        for old in (part, layout.compute):
            shutil.rmtree(old, ignore_errors=True)
        archive, major = part / "archive/main", part / f"archive/{BACKPORTS}"
        for folder in (archive, major):
            folder.mkdir(parents=True)
        log = part / "build.log"
        binds = {"/build": part, ARCHIVE: part / "archive"}
        names = " ".join(packages())
        chroot.run_in(
            layout, part / "scratch",
            f"apt-get update -q; apt-cache madison {names} > /build/madison.txt", log, binds=binds,
        )  # fmt: skip
        found = _builds((part / "madison.txt").read_text())
        pinned = " ".join(f"{name}={builds[0]}" for name, builds in found.items())
        both = " ".join(
            f"{name}={build}" for name, builds in found.items() if len(builds) > 1 for build in (builds[0], builds[-1])
        )
        for version, look_s in AGENT_BUILDS:
            _pack_agent(part / "agent", archive, version, look_s)
        chroot.run_in(layout, part / "scratch", _script(pinned, both), log, binds=binds)
        _fetch_major(layout, part, log, progress)
        for mounted in ("build", "opt", "run", "tmp"):
            shutil.rmtree(part / "scratch/upper" / mounted, ignore_errors=True)
        (part / "scratch/upper").rename(part / "layer")
        shutil.rmtree(part / "scratch")
        for folder, suite in ((archive, "lab"), (major, BACKPORTS)):
            _index(folder, suite)
        known = {name: {"old": builds[0], "new": builds[-1]} for name, builds in found.items()}
        known[AGENT] = {"old": AGENT_BUILDS[0][0], "new": AGENT_BUILDS[-1][0]}
        made = {"made_of": _digest(), "packages": known, "major": _major(major)}
        (part / "versions.json").write_text(json.dumps(made, indent=1) + "\n")
        part.rename(layout.compute)


def _script(pinned: str, both: str) -> str:
    """Install the older builds; fetch both of those that have two; leave no trace of the build in the layer."""
    own = f"{ARCHIVE}/main/{AGENT}_{AGENT_BUILDS[0][0]}_all.deb"
    fetch = f"cd {ARCHIVE}/main; apt-get download -q -o APT::Sandbox::User=root {both}" if both else ":"
    return f"""
    printf 'exit 101' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
    apt-get install -y -q --no-install-recommends --allow-downgrades \\
      -o Dpkg::Options::=--path-exclude=/usr/share/doc/* -o Dpkg::Options::=--path-exclude=/usr/share/man/* \
      {pinned} {own}
    rm /usr/sbin/policy-rc.d
    {fetch}
    systemctl mask -q libvirt-guests.service
    systemctl disable -q libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket || true
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/libvirt/qemu/networks/autostart/* /etc/resolv.conf
    """


def _pack_agent(folder: Path, archive: Path, version: str, look_s: float) -> None:
    """Make the lab's own package, which wires guests' ports on a compute host."""
    tree = folder / version
    program = template(f"compute/agent/{AGENT}.in", version=version, look_s=look_s)
    put(tree / f"usr/lib/escalator-lab/{AGENT}", program, 0o755)
    put(tree / f"lib/systemd/system/{AGENT}.service", text(f"compute/agent/{AGENT}.service"))
    put(tree / "DEBIAN/control", template("compute/agent/control", version=version))
    for name in ("postinst", "prerm"):
        put(tree / f"DEBIAN/{name}", text(f"compute/agent/{name}"), 0o755)
    run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(archive / f"{AGENT}_{version}_all.deb"))


def _builds(madison: str) -> dict[str, list[str]]:
    """Package -> its builds in the archive, oldest first, from apt-cache's table."""
    found: dict[str, set[str]] = {}
    for line in madison.splitlines():
        name, version, _ = (word.strip() for word in line.split("|"))
        found.setdefault(name, set()).add(version)
    return {name: sorted(builds, key=functools.cmp_to_key(_compare)) for name, builds in sorted(found.items())}


def _compare(one: str, other: str) -> int:
    """Debian's own order of versions."""
    if one == other:
        return 0
    less = subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False).returncode == 0
    return -1 if less else 1


def _fetch_major(layout: Layout, part: Path, log: Path, progress: Progress) -> None:
    """Fetch libvirt's next major build, in an overlay of its own; without one, its archive stays empty."""
    script = f"""
    echo 'deb http://deb.debian.org/debian {image.SUITE}-backports main' > /etc/apt/sources.list.d/backports.list
    printf 'Package: src:libvirt\\nPin: release n={image.SUITE}-backports\\nPin-Priority: 990\\n' \\
      > /etc/apt/preferences.d/libvirt
    apt-get update -q
    apt-get install -y -q --download-only --no-install-recommends -o APT::Sandbox::User=root \\
      -o Dir::Cache::archives={ARCHIVE}/{BACKPORTS} {" ".join(MAJOR)}
    rm -rf {ARCHIVE}/{BACKPORTS}/partial {ARCHIVE}/{BACKPORTS}/lock
    """
    binds, lower = {ARCHIVE: part / "archive"}, (part / "scratch/upper",)
    try:
        chroot.run_in(layout, part / "major", script, log, binds=binds, lower=lower)
    except CommandFailed as error:
        progress.say(f"no newer libvirt: {error.text.splitlines()[-1]}")
    shutil.rmtree(part / "major")


def _major(archive: Path) -> dict[str, str]:
    """Package -> its build in the archive of major steps."""
    found = {}
    for name in MAJOR:
        for package in archive.glob(f"{name}_*.deb"):
            found[name] = run("dpkg-deb", "--field", str(package), "Version").strip()
    return found


def _index(archive: Path, suite: str) -> None:
    """Write the archive's Packages and Release files; apt takes nothing of backports that it is not asked for."""
    entries = []
    for fetched in sorted(archive.glob("*.deb")):
        package = fetched.rename(fetched.with_name(fetched.name.replace("%3a", "+")))  # a name that needs no escape
        control = subprocess.run(["dpkg-deb", "--field", str(package)], stdout=subprocess.PIPE, text=True, check=True)
        with package.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        entries.append(
            f"{control.stdout.rstrip()}\nFilename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"
        )
    index = "\n".join(entries).encode()
    (archive / "Packages").write_bytes(index)
    automatic = "NotAutomatic: yes\n" if suite == BACKPORTS else ""
    digest = hashlib.sha256(index).hexdigest()
    head = f"Suite: {suite}\nDate: {formatdate(usegmt=True)}\n{automatic}"
    (archive / "Release").write_text(f"{head}SHA256:\n {digest} {len(index)} Packages\n")


def _digest() -> str:
    """What the layer depends on: the lists of packages, and how the layer and the lab's own package are made."""
    folder = resources.files("escalator_lab").joinpath("templates/compute/agent")
    own = sorted((file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.is_file())
    made = (image.packages(), packages(), AGENT_BUILDS, MAJOR, own, _script("", ""))
    return hashlib.sha256(repr(made).encode()).hexdigest()[:12]
