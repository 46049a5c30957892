"""The Debian root file system that all hosts share, made once."""

from __future__ import annotations

import shutil
from importlib import resources

from escalator_lab.commands import run
from escalator_lab.layout import Layout

TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "zstd": "zstd",
    "ip": "iproute2",
    "ssh": "openssh-client",
}
SUITE = "bookworm"
LONGEST_S = 1200
MADE_OF = "etc/escalator-lab-packages"


def missing_tools() -> list[str]:
    """Debian packages that the lab needs on this machine and does not find."""
    return sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})


def install_tools(packages: list[str]) -> None:
    """Install Debian packages on this machine."""
    run("apt-get", "update", "-q", timeout_s=LONGEST_S)
    run(
        "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages,
        timeout_s=LONGEST_S,
    )  # fmt: skip


def packages() -> list[str]:
    """What stands in the image."""
    text = resources.files("escalator_lab").joinpath("templates/image/packages.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def current(layout: Layout) -> bool:
    """Whether the image is there, and made of the packages that are wanted now."""
    made_of = layout.image / MADE_OF
    return made_of.exists() and made_of.read_text(encoding="utf-8").splitlines() == packages()


def build(layout: Layout) -> None:
    """Make the image; complete or not there. What was built on another image goes."""
    part = layout.image.with_suffix(".part")
    for old in (part, layout.image, layout.toolchain):
        if old.exists():
            shutil.rmtree(old)
    layout.cache.mkdir(parents=True, exist_ok=True)
    services = "mariadb rabbitmq-server memcached haproxy epmd.socket epmd.service"
    run(
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages())}",
        f'--customize-hook=for s in {services}; do chroot "$1" systemctl disable $s || true; done',
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", SUITE, str(part),
        timeout_s=LONGEST_S,
    )  # fmt: skip
    (part / MADE_OF).write_text("\n".join(packages()) + "\n", encoding="utf-8")
    part.rename(layout.image)
