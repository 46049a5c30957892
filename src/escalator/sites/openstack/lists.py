"""Long lists of an API, page by page, as plain JSON: the SDK's objects cost more than they tell where rows are many."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from keystoneauth1 import exceptions as auth_errors
from openstack import exceptions as sdk_errors
from openstack.utils import maximum_supported_microversion

from escalator.sites.openstack.faults import SERVER_FAULT

TRIES = 3
PAUSE_S = 1.0


def newest(adapter: Any, known: str) -> str | None:
    """The newest microversion that both ``known`` and the service reach; None where the service has none."""
    version: str | None = maximum_supported_microversion(adapter, known)
    return version


def read(adapter: Any, path: str, version: str | None = None, **params: Any) -> dict[str, Any]:
    """One GET; repeated after a lost connection or a 5xx answer, so that one of thousands does not end them all."""
    for left in range(TRIES - 1, -1, -1):
        try:
            answer = adapter.get(path, params=params, microversion=version)
            sdk_errors.raise_from_response(answer)
            found: dict[str, Any] = answer.json()
        except (auth_errors.ConnectFailure, sdk_errors.HttpException) as error:
            if not left or not _passes(error):
                raise
            time.sleep(PAUSE_S)
        else:
            return found
    raise AssertionError


def _passes(error: Exception) -> bool:
    return isinstance(error, auth_errors.ConnectFailure) or (getattr(error, "status_code", 0) or 0) >= SERVER_FAULT


def by_marker(adapter: Any, path: str, key: str, version: str | None = None, **params: Any) -> Iterator[dict[str, Any]]:
    """Rows of a list whose next page begins behind the last ``id``, while a page links to a next one."""
    while True:
        page = read(adapter, path, version, **params)
        rows = page[key]
        yield from rows
        links = page.get(f"{key}_links") or ()
        if not rows or not (page.get("next") or any(link["rel"] == "next" for link in links)):
            return
        params["marker"] = rows[-1]["id"]


def by_offset(adapter: Any, path: str, key: str, version: str | None = None, **params: Any) -> Iterator[dict[str, Any]]:
    """Rows of a list that tells nothing of further pages: up to the first one that brings no new ``id``."""
    seen: set[str] = set()
    while rows := [r for r in read(adapter, path, version, offset=len(seen), **params)[key] if r["id"] not in seen]:
        yield from rows
        seen |= {r["id"] for r in rows}
