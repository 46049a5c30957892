"""Inventory files: a site at one moment as one JSON document, to be studied without the site.

``schema`` is ``escalator/inventory/v1``; ``inventory`` is what :class:`escalator.model.inventory.Inventory` holds, and
``constraints``, where it is there, :class:`escalator.model.maintenance.Constraints`. What is as its default may be left
out. Files that are written here have a line per host, server and group.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from escalator.config.json_document import load_json
from escalator.errors import StorageError
from escalator.model.inventory import Inventory
from escalator.model.maintenance import Constraints
from escalator.serial import to_json

SCHEMA: Literal["escalator/inventory/v1"] = "escalator/inventory/v1"


class InventoryFile(BaseModel):
    """The whole of an inventory file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_: Literal["escalator/inventory/v1"] = Field(alias="schema")
    inventory: Inventory
    constraints: Constraints | None = Field(default=None, description="where none are given beside the file")

    @model_validator(mode="after")
    def _sound(self) -> InventoryFile:
        held = self.inventory
        _once("hypervisors have host", (h.host for h in held.hypervisors))
        _once("servers have id", (s.id for s in held.servers))
        _once("server groups have id", (g.id for g in held.server_groups))
        for host in held.hypervisors:
            for name, stock in host.stock.items():
                if stock.total < 0 or stock.reserved < 0 or stock.ratio <= 0:
                    raise ValueError(f"hypervisor {host.host} has {name} of an amount that can't be")
        for server in held.servers:
            if server.resources and min(server.resources.values()) < 0:
                raise ValueError(f"server {server.id} takes less than nothing")
        return self


def _once(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"two {what} '{min(twice)}'")


def load_inventory(path: Path) -> InventoryFile:
    """Read and check an inventory file; raises :class:`escalator.errors.DocumentError` or ``NotFoundError``."""
    return load_json(InventoryFile, path)


def write_inventory(path: Path, inventory: Inventory, constraints: Constraints | None = None) -> None:
    """Write an inventory file, in one go or not at all; StorageError where that can't be."""
    beside = ""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(_lines(inventory, constraints))
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(beside).unlink()
        raise StorageError(f"{path} can't be written: {error.strerror or error}") from None


def _lines(inventory: Inventory, constraints: Constraints | None) -> Iterator[str]:
    yield f'{{"schema": {to_json(SCHEMA)},\n"inventory": {{\n'
    ahead = ""
    for field in fields(inventory):
        value: Any = getattr(inventory, field.name)
        if value == () and field.default is not MISSING:
            continue
        yield f'{ahead}"{field.name}": '
        if isinstance(value, tuple):
            yield "[\n"
            yield from _rows(value)
            yield "]"
        else:
            yield to_json(value)
        ahead = ",\n"
    yield "}" if constraints is None else f'}},\n"constraints": {to_json(constraints, defaults=False)}'
    yield "}\n"


def _rows(values: tuple[Any, ...]) -> Iterator[str]:
    last = len(values) - 1
    for n, value in enumerate(values):
        yield to_json(value, defaults=False) + (",\n" if n < last else "\n")
