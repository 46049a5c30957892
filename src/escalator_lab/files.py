"""Writing files into a host's own layer while it is off."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template


def text(name: str) -> str:
    """A template of the package as it stands."""
    return resources.files("escalator_lab").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def template(name: str, **values: object) -> str:
    """A template of the package, filled in; a name without value is an error."""
    return Template(text(name)).substitute({k: str(v) for k, v in values.items()})


def put(path: Path, content: str, mode: int = 0o644) -> None:
    """Write a file with its mode set before anything is in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(content)


def append(path: Path, content: str) -> None:
    """Write behind what a file holds."""
    with path.open("a") as file:
        file.write(content)


def enable(etc: Path, unit: str, where: str = "/lib/systemd/system", target: str = "multi-user.target") -> None:
    """Let a unit start with the host."""
    link = etc / f"systemd/system/{target}.wants/{unit}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(f"{where}/{unit}")
