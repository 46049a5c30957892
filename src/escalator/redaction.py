"""Keeping secrets out of what is written: known ones by their value, others by their look."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "[secret]"
_IN_URL = re.compile(r"(://[^:/@\s]+:)[^@\s]+(@)")
_BEHIND_KEY = re.compile(r"(?i)((?:password|passwd|secret|token|MYSQL_PWD)\s*[=:]\s*)[^\s,;'\"]+")


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """``text`` without the given secrets and what looks like one: ``user:SECRET@host``, ``password=SECRET``."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, HIDDEN)
    return _BEHIND_KEY.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1{HIDDEN}\2", text))


def redact_data(value: Any, secrets: tuple[str, ...] = ()) -> Any:
    """JSON data with every text in it redacted; keys are left."""
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {key: redact_data(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_data(item, secrets) for item in value]
    return value
