"""What is installed on a host and what its processes have really loaded, in one command over SSH."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from escalator.errors import SiteError
from escalator.sites.protocol import Shell


@cache
def _program() -> str:
    return (Path(__file__).parent / "on_host.py").read_text(encoding="utf-8")


async def host_facts(
    shell: Shell,
    host: str,
    root: str,
    *,
    configs: Mapping[str, str] | None = None,
    units: Iterable[str] = (),
    timeout_s: float = 60.0,
) -> dict[str, Any]:
    """Facts as :mod:`escalator.sites.on_host` gathers them. ``configs``: component -> folder; no ``units``: all."""
    given = json.dumps({"root": root, "configs": dict(configs or {}), "units": list(units)})
    result = await shell.run(host, ["python3", "-", given], timeout_s=timeout_s, stdin=_program(), fenced=False)
    try:
        facts: dict[str, Any] = json.loads(result.output)
    except ValueError as error:
        raise SiteError(f"{host}: its facts can't be read: {result.output[-200:]!r}") from error
    return facts


def running_bundle(unit: Mapping[str, Any], bundles: Mapping[str, Any]) -> str:
    """The bundle that a unit's processes have loaded; of several the one most files come from; "" for none."""
    loaded = {name: count for name, count in unit["loaded"].items() if name in bundles or not bundles}
    return max(sorted(loaded), key=lambda name: loaded[name]) if loaded else ""
