"""Frozen nouns to JSON and back, and their digests."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Building an adapter is slow, using one is not."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def to_data(value: Any) -> Any:
    """The JSON-able form (dicts, lists, strings, numbers) of a frozen noun."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_data(kind: type[T], data: Any) -> T:
    """The noun that ``data`` describes; raises :class:`pydantic.ValidationError` where it does not fit."""
    noun: T = _adapter(kind).validate_python(data)
    return noun


def canonical(data: Any) -> str:
    """One text for one value: sorted keys, no spaces, so that it can be hashed and compared."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of a noun or of plain data."""
    plain = value if isinstance(value, dict | list | str | int | float | type(None)) else to_data(value)
    return hashlib.sha256(canonical(plain).encode()).hexdigest()
