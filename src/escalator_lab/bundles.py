"""Bundles: one venv of one OpenStack release, built inside the hosts' own Debian at its final path, and packed.

A bundle's folder holds ``bundle.tar.zst`` (its root is ``<id>/``) and ``manifest.json``; the same manifest stands
inside as ``.escalator-bundle.json``, written last, so that a half unpacked bundle is never taken for a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from escalator_lab.commands import run
from escalator_lab.errors import CommandFailed, UnknownRelease
from escalator_lab.layout import Layout
from escalator_lab.progress import Progress

ROOT = "/opt/openstack"
MANIFEST = ".escalator-bundle.json"
COMPONENTS = {
    "keystone": "keystone",
    "placement": "openstack-placement",
    "glance": "glance",
    "nova": "nova",
    "neutron": "neutron",
}
COMPILER = ("build-essential", "python3-dev", "python3-venv")
LONGEST_S = 1800.0
VERSION = re.compile(r"[0-9]+(\.[0-9]+)+[0-9a-z.]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
PASSED_ON = re.compile(r"^(UV_|PIP_|HTTPS?_PROXY$|NO_PROXY$|https?_proxy$|no_proxy$|SSL_CERT_FILE$)")


@dataclass(frozen=True)
class Lock:
    """Names, versions and hashes of one bundle's packages."""

    release: str
    text: str

    @property
    def id(self) -> str:
        """The bundle's id: the release, and a digest of what is in it."""
        return f"{self.release}-{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    @property
    def packages(self) -> dict[str, str]:
        """Package name -> version."""
        return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s\\]+)", self.text, re.MULTILINE))

    @property
    def components(self) -> dict[str, str]:
        """Component -> version."""
        return {name: self.packages[package] for name, package in COMPONENTS.items()}


def releases() -> list[str]:
    """Releases of which a lock is known, oldest first."""
    folder = resources.files("escalator_lab").joinpath("releases")
    return sorted(file.name.removesuffix(".txt") for file in folder.iterdir() if file.name.endswith(".txt"))


def lock(release: str) -> Lock:
    """The lock of a release; UnknownRelease names those there are."""
    if release not in releases():
        raise UnknownRelease(f"no lock for release {release!r}", "there are: " + ", ".join(releases()))
    text = resources.files("escalator_lab").joinpath(f"releases/{release}.txt").read_text(encoding="utf-8")
    return Lock(release, text)


def patched(base: Lock, component: str, version: str, hashes: list[str]) -> Lock:
    """A lock that differs in one component: its bug-fix patch. UnknownRelease where one of the words can't be right."""
    if component not in COMPONENTS:
        raise UnknownRelease(f"no component {component!r}", "there are: " + ", ".join(COMPONENTS))
    if not VERSION.fullmatch(version):
        raise UnknownRelease(f"{version!r} is no version", "a version reads like 31.1.0")
    if wrong := [h for h in hashes if not SHA256.fullmatch(h)]:
        raise UnknownRelease(f"{wrong[0]!r} is no SHA-256", "64 hexadecimal digits, as the package index shows them")
    package = COMPONENTS[component]
    pinned = f"{package}=={version} \\\n" + " \\\n".join(f"    --hash=sha256:{h}" for h in hashes) + "\n"
    text, count = re.subn(
        rf"^{re.escape(package)}==[^\n]*\n(?:    --hash[^\n]*\n)*", pinned, base.text, flags=re.MULTILINE
    )
    if count != 1:
        raise UnknownRelease(f"{package} is not in the lock of {base.release}")
    return Lock(base.release, text)


def built(layout: Layout, wanted: Lock) -> dict[str, Any] | None:
    """The manifest of a bundle that is there, else None."""
    try:
        manifest: dict[str, Any] = json.loads((layout.bundle(wanted.id) / "manifest.json").read_text())
    except (OSError, ValueError):
        return None
    return manifest


def build(layout: Layout, wanted: Lock, progress: Progress) -> dict[str, Any]:
    """Build a bundle unless it is there; returns its manifest. Complete or not there."""
    there = built(layout, wanted)
    if there is not None:
        return there
    with progress.step(
        f"building the bundle {wanted.id} ({', '.join(f'{c} {v}' for c, v in wanted.components.items())})"
    ):
        part = layout.releases / f".{wanted.id}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        layout.uv_cache.mkdir(parents=True, exist_ok=True)
        (part / "lock.txt").write_text(wanted.text)
        manifest = _manifest(wanted)
        (part / "inner.json").write_text(json.dumps(manifest, indent=1) + "\n")
        _in_chroot(layout, part, wanted.id)
        archive = part / "bundle.tar.zst"
        with archive.open("rb") as file:
            manifest["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        manifest["size"] = archive.stat().st_size
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        (part / "inner.json").unlink()
        shutil.rmtree(layout.bundle(wanted.id), ignore_errors=True)
        part.rename(layout.bundle(wanted.id))
    return manifest


def layer(layout: Layout, bundle_id: str) -> Path:
    """The bundle as an overlay layer (``opt/openstack/<id>``), for hosts that begin with it; made once."""
    final = layout.layers / bundle_id
    if not final.exists():
        part = layout.layers / f".{bundle_id}.part"
        shutil.rmtree(part, ignore_errors=True)
        (part / ROOT.lstrip("/")).mkdir(parents=True)
        run("tar", "--zstd", "-xf", str(layout.bundle(bundle_id) / "bundle.tar.zst"), "-C", f"{part}{ROOT}")
        part.rename(final)
    return final


def _manifest(wanted: Lock) -> dict[str, Any]:
    return {
        "id": wanted.id, "release": wanted.release, "python": "3.11", "components": wanted.components,
        "packages": wanted.packages, "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def _in_chroot(layout: Layout, part: Path, bundle_id: str) -> None:
    """Install the locked packages in a chroot of the image with a compiler, and pack the venv."""
    uv = Path(sys.executable).with_name("uv")
    for folder in ("upper", "work", "root"):
        (layout.toolchain / folder).mkdir(parents=True, exist_ok=True)
    scratch = part / "scratch"
    scratch.mkdir()
    script = textwrap.dedent(
        f"""
        set -eu
        root={layout.toolchain}/root
        layers=lowerdir={layout.image},upperdir={layout.toolchain}/upper,workdir={layout.toolchain}/work
        mount -t overlay overlay -o $layers $root
        mount --rbind /dev $root/dev
        mount -t proc proc $root/proc
        mkdir -p $root/opt/openstack $root/build $root/uv-cache
        mount --bind {scratch} $root/opt/openstack
        mount --bind {part} $root/build
        mount --bind {layout.uv_cache} $root/uv-cache
        cp -L /etc/resolv.conf $root/etc/resolv.conf
        mkdir -p $root/etc/ssl/certs
        cp -L /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/ca-certificates.crt
        install -m 755 {uv} $root/usr/local/bin/uv
        if [ ! -x $root/usr/bin/cc ] || [ ! -e $root/usr/include/python3.11/Python.h ]; then
          chroot $root apt-get update -q
          chroot $root apt-get install -y -q --no-install-recommends {" ".join(COMPILER)}
        fi
        chroot $root sh -euc '
          python3 -m venv --without-pip {ROOT}/{bundle_id}
          uv pip install --quiet --cache-dir /uv-cache --link-mode copy --compile-bytecode \\
            --python {ROOT}/{bundle_id}/bin/python --require-hashes -r /build/lock.txt
          {ROOT}/{bundle_id}/bin/python -c "import keystone, placement, glance, nova, neutron"
          cp /build/inner.json {ROOT}/{bundle_id}/{MANIFEST}
          tar -C {ROOT} --owner 0 --group 0 -cf - {bundle_id} | zstd -q -T0 -4 -o /build/bundle.tar.zst
        '
        """
    )
    environment = {k: v for k, v in os.environ.items() if PASSED_ON.match(k)}
    environment |= {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "DEBIAN_FRONTEND": "noninteractive",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    }
    log = part / "build.log"
    with log.open("wb") as output:
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script], env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, timeout=LONGEST_S, check=False,
        )  # fmt: skip
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise CommandFailed(f"the bundle {bundle_id} could not be built:\n{tail}", f"the whole log: {log}")
    shutil.rmtree(scratch)
