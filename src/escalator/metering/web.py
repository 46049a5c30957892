"""One HTTP request, and what its outcome means to a user."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

OK_BELOW = 400


class Failed(Exception):  # noqa: N818 - not an error of ours but the outcome that we look for
    """A request that a user would have seen fail; ``reason`` is what the samples carry."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def reason_of(status: int) -> str:
    """Empty where the status is a success; 401 and 403 are false ones, since our credentials are good."""
    if status < OK_BELOW:
        return ""
    return f"refused-{status}" if status in {401, 403} else f"http-{status}"


class Web:
    """Two connection pools: one that never keeps a connection, one that does. No retries in either."""

    def __init__(self, timeout_s: float, verify: bool | str = True) -> None:  # noqa: FBT001, FBT002 - as in httpx
        self._timeout = timeout_s
        context = httpx.create_ssl_context(verify=verify)  # one for both: making one takes longer than a request
        self._new = self._client(context, httpx.Limits(max_connections=None, max_keepalive_connections=0))
        self._kept = self._client(
            context, httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=4.0)
        )

    def _client(self, context: Any, limits: httpx.Limits) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(verify=context, limits=limits, retries=0)
        return httpx.AsyncClient(transport=transport, timeout=self._timeout, follow_redirects=False, trust_env=False)

    async def request(
        self,
        method: str,
        url: str,
        *,
        fresh: bool = True,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """The answer, complete and of a status below 400; raises :class:`Failed`."""
        client = self._new if fresh else self._kept
        try:
            async with asyncio.timeout(self._timeout):
                answer = await client.request(method, url, headers=headers, json=body, content=content)
        except (TimeoutError, httpx.TimeoutException):
            raise Failed("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise Failed("connection") from None
        reason = reason_of(answer.status_code)
        if reason:
            raise Failed(reason)
        return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._new.aclose()
        await self._kept.aclose()
