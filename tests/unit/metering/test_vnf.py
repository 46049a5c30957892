"""Probes of VNFs against a VNF that answers on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from escalator.metering.config import VnfAddress
from escalator.metering.vnf import UdpEcho


class Vnf(asyncio.DatagramProtocol):
    """Echoes with an uptime; which ports it was asked from is kept."""

    def __init__(self) -> None:
        self.uptime, self.silent = 100.0, False
        self.asked_from: set[int] = set()

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked_from.add(addr[1])
        if not self.silent:
            self.transport.sendto(data + b" vnf count=1 uptime=%.3f" % self.uptime, addr)


@contextlib.asynccontextmanager
async def vnf(timeout_s: float = 5.0) -> AsyncIterator[tuple[Vnf, UdpEcho]]:
    loop = asyncio.get_running_loop()
    transport, echo = await loop.create_datagram_endpoint(Vnf, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield echo, UdpEcho(VnfAddress(name="v", address="127.0.0.1", port=port, timeout_s=timeout_s))
    finally:
        transport.close()


def test_an_answer_is_a_success_and_all_questions_leave_by_one_socket() -> None:
    async def ask() -> None:
        async with vnf() as (echo, probe):
            assert await asyncio.gather(*(probe.send(False) for _ in range(20))) == [""] * 20
            assert len(echo.asked_from) == 1

    asyncio.run(ask())


def test_a_vnf_that_was_reset_is_a_failure_although_it_answers() -> None:
    async def ask() -> None:
        async with vnf() as (echo, probe):
            assert await probe.send(False) == ""
            echo.uptime = 3.0
            assert await probe.send(False) == "reset"
            echo.uptime = 3.1
            assert await probe.send(False) == ""

    asyncio.run(ask())


def test_silence_is_a_timeout() -> None:
    async def ask() -> None:
        async with vnf(timeout_s=0.2) as (echo, probe):
            echo.silent = True
            assert await probe.send(False) == "timeout"

    asyncio.run(ask())
