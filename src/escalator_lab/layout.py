"""Where the lab keeps what: every path it uses stands here, all below one folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_FOLDER = Path("/var/lib/escalator-lab")


def default_folder() -> Path:
    """Return the folder named by ESCALATOR_LAB_DIR, else the default."""
    return Path(os.environ.get("ESCALATOR_LAB_DIR") or DEFAULT_FOLDER)


@dataclass(frozen=True)
class Layout:
    """The folders and files of one lab."""

    root: Path

    @property
    def marker(self) -> Path:
        """The file that says: this folder is a lab's, `down` may delete in it."""
        return self.root / ".escalator-lab"

    @property
    def lock(self) -> Path:
        """Held while a command changes the lab."""
        return self.root / ".lock"

    @property
    def state(self) -> Path:
        """What runs: name, shape, subnet, releases (JSON)."""
        return self.root / "lab.json"

    @property
    def hosts(self) -> Path:
        """One folder per host: its writable layer, and where its root is mounted."""
        return self.root / "hosts"

    @property
    def run(self) -> Path:
        """Process ids and console logs."""
        return self.root / "run"

    @property
    def operator(self) -> Path:
        """What an operator of the cloud holds: keys, clouds.yaml, site.yaml."""
        return self.root / "operator"

    @property
    def cache(self) -> Path:
        """What is dear to make again; kept by `down` unless told otherwise."""
        return self.root / "cache"

    @property
    def image(self) -> Path:
        """The Debian root file system that all hosts share, read-only."""
        return self.cache / "image"

    @property
    def toolchain(self) -> Path:
        """Overlay layer over the image: a compiler, for building bundles only."""
        return self.cache / "toolchain"

    @property
    def releases(self) -> Path:
        """The operator's artefact folder: one sub-folder per bundle."""
        return self.cache / "releases"

    @property
    def layers(self) -> Path:
        """Bundles unpacked as overlay layers, for the release that hosts start with."""
        return self.cache / "layers"

    @property
    def compute(self) -> Path:
        """What compute hosts have over the image: an overlay layer, an archive of packages."""
        return self.cache / "compute"

    @property
    def guest(self) -> Path:
        """Kernel and initramfs of the VNFs' guests."""
        return self.cache / "guest"

    @property
    def golden(self) -> Path:
        """Hosts' states with a bootstrapped, populated cloud, one sub-folder per fingerprint."""
        return self.cache / "golden"

    @property
    def secrets(self) -> Path:
        """Passwords and keys of this lab folder (JSON, 0600)."""
        return self.cache / "secrets.json"

    @property
    def uv_cache(self) -> Path:
        """Downloaded and built packages."""
        return self.cache / "uv"

    def host(self, name: str) -> Path:
        """Return the folder of one host."""
        return self.hosts / name

    def bundle(self, bundle_id: str) -> Path:
        """Return the folder of one bundle."""
        return self.releases / bundle_id
