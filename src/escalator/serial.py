"""Frozen nouns to JSON and back, and their digests."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

T = TypeVar("T")

_adapters: dict[Any, tuple[TypeAdapter[Any], bool]] = {}


def _adapter(kind: Any) -> tuple[TypeAdapter[Any], bool]:
    """The adapter of a kind, and whether sets are somewhere in it. Building one is slow, using it is not."""
    if kind not in _adapters:
        adapter = TypeAdapter(kind)
        _adapters[kind] = adapter, "frozenset" in str(adapter.core_schema)
    return _adapters[kind]


def _plain(value: Any) -> Any:
    """Sets in order, for theirs changes from process to process and digests must not."""
    return sorted(value) if isinstance(value, frozenset | set) else to_jsonable_python(value)


def to_json(value: Any, *, defaults: bool = True) -> str:
    """A frozen noun as JSON, sets in order; without ``defaults`` only what differs from them."""
    data = _adapter(type(value))[0].dump_python(value, exclude_defaults=not defaults)
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, default=_plain)


def to_data(value: Any) -> Any:
    """The JSON-able form (dicts, lists, strings, numbers) of a frozen noun."""
    adapter, sets = _adapter(type(value))
    return json.loads(to_json(value)) if sets else adapter.dump_python(value, mode="json")


def from_data(kind: type[T], data: Any) -> T:
    """The noun that ``data`` describes; raises :class:`pydantic.ValidationError` where it does not fit."""
    noun: T = _adapter(kind)[0].validate_python(data)
    return noun


def canonical(data: Any) -> str:
    """One text for one value: sorted keys, no spaces, so that it can be hashed and compared."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of a noun or of plain data."""
    plain = value if isinstance(value, dict | list | str | int | float | type(None)) else to_data(value)
    return hashlib.sha256(canonical(plain).encode()).hexdigest()
