"""Probes of VNFs: a UDP echo, a TCP connection, an HTTP page."""

from __future__ import annotations

import asyncio
import re
from typing import cast

from escalator.metering.config import VnfAddress
from escalator.metering.web import Failed, Web

_NUMBER = re.compile(rb"escalator-probe (\d+)")
_UPTIME = re.compile(rb"up(?:time)?[=: ]+(\d+(?:\.\d+)?)")


class UdpEcho(asyncio.DatagramProtocol):
    """Numbered datagrams and their answers.

    An answer without our number answers the newest one. Where it tells an uptime that went back, the VNF was reset:
    that counts as a failure, although it answered.
    """

    def __init__(self, vnf: VnfAddress) -> None:
        self._vnf = vnf
        self._transport: asyncio.DatagramTransport | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[str]] = {}
        self._number = 0
        self._uptime = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket; before Python 3.12 a datagram transport is none by its class."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the next probe says it
        """Make a new socket with the next probe."""
        self._transport = None

    def error_received(self, exc: Exception) -> None:
        """An ICMP error: the datagram concerned runs into its time-out."""

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - a connected socket
        """Match an answer with its question."""
        reason = ""
        uptime = _UPTIME.search(data)
        if uptime:
            now = float(uptime[1])
            reason = "reset" if now < self._uptime - 1 else ""
            self._uptime = now
        number = _NUMBER.search(data)
        key = int(number[1]) if number else max(self._waiting, default=0)
        answer = self._waiting.pop(key, None)
        if answer is not None and not answer.done():
            answer.set_result(reason)

    async def send(self, _fresh: bool) -> str:  # noqa: FBT001 - datagrams have no connection
        """One datagram and its answer."""
        loop = asyncio.get_running_loop()
        try:
            async with self._opening:  # one socket, however many questions wait for it
                if self._transport is None:
                    await loop.create_datagram_endpoint(lambda: self, remote_addr=(self._vnf.address, self._vnf.port))
            self._number += 1
            number = self._number
            self._waiting[number] = loop.create_future()
            if self._transport is not None:
                self._transport.sendto(b"escalator-probe %d" % number)
            return await asyncio.wait_for(self._waiting[number], self._vnf.timeout_s)
        except TimeoutError:
            self._waiting.pop(number, None)
            return "timeout"
        except OSError:
            return "connection"


class TcpConnect:
    """A connection that is made and closed again."""

    def __init__(self, vnf: VnfAddress) -> None:
        self._vnf = vnf

    async def send(self, _fresh: bool) -> str:  # noqa: FBT001 - always a new one
        """One connection."""
        try:
            async with asyncio.timeout(self._vnf.timeout_s):
                _, writer = await asyncio.open_connection(self._vnf.address, self._vnf.port)
        except TimeoutError:
            return "timeout"
        except OSError:
            return "connection"
        writer.close()
        return ""


class HttpPage:
    """A page below 400."""

    def __init__(self, vnf: VnfAddress) -> None:
        self._url = f"http://{vnf.address}:{vnf.port}/"
        self._web = Web(vnf.timeout_s)

    async def send(self, fresh: bool) -> str:  # noqa: FBT001 - alternates
        """One page."""
        try:
            await self._web.request("GET", self._url, fresh=fresh)
        except Failed as failure:
            return failure.reason
        return ""
