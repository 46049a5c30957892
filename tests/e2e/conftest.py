"""One lab for all end-to-end tests: beside any other, with its own folder, names and subnet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from escalator_lab import fabric
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout
from escalator_lab.progress import Progress
from escalator_lab.shape import Network


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, up; taken down behind, and looked at whether anything is left."""
    name, subnet = os.environ.get("ESCALATOR_TEST_LAB", "t/10.78.0.0/24").split("/", 1)
    made = Lab(Layout(tmp_path_factory.mktemp("lab") / "t"), Network(name, subnet))
    kept = os.environ.get("ESCALATOR_TEST_IMAGE")  # a hosts' image made before: making one takes minutes
    if kept:
        made.layout.root.mkdir(parents=True)
        made.layout.marker.touch()
        made.layout.cache.mkdir()
        made.layout.image.symlink_to(kept)
    made.up(Progress())
    yield made
    made.down(Progress(), purge=True)
    assert not made.layout.root.exists()
    assert not [n for n in fabric.existing() if n.startswith(f"esc-{name}-")]
    assert str(made.layout.root) not in Path("/proc/self/mounts").read_text()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/esc-{name}-*"))
