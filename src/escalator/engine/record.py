"""What is kept of a call: its payload and result as plain JSON, its failure as the data it is made again from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from escalator.engine.port import Call
from escalator.errors import EscalatorError


def plain(value: Any) -> Any:
    """``value`` as JSON brings it back, so that a first run and a recorded one answer alike.

    EscalatorError where JSON can't hold it: such a value would be lost by a crash.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise EscalatorError(f"a payload or a result is no plain JSON: {error}") from error


def plain_calls(calls: Sequence[Call]) -> list[Call]:
    """The calls with their payloads as JSON brings them back; refused before any of them starts."""
    return [replace(call, payload=plain(call.payload)) for call in calls]


def ours(error: Exception) -> EscalatorError:
    """The failure as one of ours; what is not is a bug, and is named by its type."""
    if isinstance(error, EscalatorError):
        return error
    return EscalatorError(f"{type(error).__name__}: {error}")


def failure_to_data(error: Exception) -> dict[str, Any]:
    """A failure as JSON: code, text, hint, and those other fields of it that JSON can hold."""
    failure = ours(error)
    more = {key: value for key, value in vars(failure).items() if key not in ("text", "hint") and _is_plain(value)}
    return {"code": failure.code, "text": failure.text, "hint": failure.hint, "more": more}


def failure_from_data(data: dict[str, Any]) -> EscalatorError:
    """The failure again, of the class that its code names (the base class for a code of a newer Escalator)."""
    kind = _classes().get(data["code"], EscalatorError)
    failure = kind(data["text"], hint=data["hint"])
    for key, value in data["more"].items():
        setattr(failure, key, tuple(value) if isinstance(value, list) else value)
    return failure


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _classes() -> dict[str, type[EscalatorError]]:
    found: dict[str, type[EscalatorError]] = {}
    todo: list[type[EscalatorError]] = [EscalatorError]
    while todo:
        kind = todo.pop()
        found.setdefault(kind.code, kind)
        todo.extend(kind.__subclasses__())
    return found
