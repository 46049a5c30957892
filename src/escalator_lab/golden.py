"""A bootstrapped, populated cloud kept as the hosts' own layers, so that the next `up` and `reset` take seconds."""

from __future__ import annotations

import hashlib
import shutil
from importlib import resources
from importlib.resources.abc import Traversable

from escalator_lab.commands import run
from escalator_lab.image import packages
from escalator_lab.layout import Layout
from escalator_lab.shape import Network, Shape

PROGRAMS = ("services.py", "roles.py", "files.py", "openstack.py", "populate.py")
GUESTS_PROGRAMS = ("hypervisor.py", "vnfs.py", "guest.py", "software.py")
GUESTS_TEMPLATES = ("guest", "compute")


def fingerprint(layout: Layout, network: Network, shape: Shape, bundle_id: str, accelerator: str = "") -> str:
    """What a kept cloud depends on, as a short digest behind its bundle and its lab."""
    total = hashlib.sha256()
    package = resources.files("escalator_lab")

    def take(node: Traversable) -> None:
        if node.name == "__pycache__" or (node.name in GUESTS_TEMPLATES and not shape.guests):
            return
        if node.is_dir():
            for child in sorted(node.iterdir(), key=lambda c: c.name):
                take(child)
        else:
            total.update(node.name.encode() + b"\0" + node.read_bytes())

    take(package.joinpath("templates"))
    for name in (*PROGRAMS, *(GUESTS_PROGRAMS if shape.guests else ())):
        take(package.joinpath(name))
    secrets = layout.secrets.read_text() if layout.secrets.exists() else ""
    total.update(repr((network, shape, packages(), secrets, accelerator)).encode())
    lab = f"{network.lab}.{shape.name}{len(shape.computes)}" if shape.guests else network.lab
    return f"{bundle_id}-{lab}-{total.hexdigest()[:12]}"


def keep(layout: Layout, shape: Shape, name: str) -> None:
    """Copy the hosts' layers (they must be off) and the operator's files; complete or not there."""
    part = layout.golden / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for host in shape.hosts:
        run("cp", "-a", "--reflink=auto", str(layout.host(host.name) / "upper"), str(part / host.name))
    run("cp", "-a", str(layout.operator), str(part / "operator"))
    same = name.rsplit("-", 1)[0]  # the same bundle and lab, made of older templates
    for other in layout.golden.glob(f"{same}-*"):
        shutil.rmtree(other)
    part.rename(layout.golden / name)


def restore(layout: Layout, shape: Shape, name: str) -> bool:
    """Put the kept layers in place of the hosts' own (they must be off); False where there are none."""
    kept = layout.golden / name
    if not kept.is_dir():
        return False
    for host in shape.hosts:
        folder = layout.host(host.name)
        shutil.rmtree(folder, ignore_errors=True)
        for part in ("work", "root"):
            (folder / part).mkdir(parents=True)
        run("cp", "-a", "--reflink=auto", str(kept / host.name), str(folder / "upper"))
    shutil.rmtree(layout.operator, ignore_errors=True)
    run("cp", "-a", str(kept / "operator"), str(layout.operator))
    return True
