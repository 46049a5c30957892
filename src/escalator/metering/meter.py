"""The meter: all streams and cycles of a configuration, until it is told to stop."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from escalator.metering.config import API_NAMES, MeterConfig, VnfAddress
from escalator.metering.cycles import KINDS, Cycle
from escalator.metering.identity import Identity, cloud_entry, root_of
from escalator.metering.recorder import Clock, Recorder
from escalator.metering.stream import Send, Stream
from escalator.metering.vnf import HttpPage, TcpConnect, UdpEcho
from escalator.metering.web import Failed, Web

READS = {
    "keystone": "/v3/auth/tokens",
    "placement": "/resource_providers",
    "glance": "/v2/images?limit=1",
    "nova": "/v2.1/servers?limit=1",
    "neutron": "/v2.0/networks?limit=1",
}
ADMIN_ONLY = ("keystone", "placement", "project")
CLEANING_S = 30.0
CLEANING_TRIES, CLEANING_PAUSE_S = 3, 1.0
STREAMS = 3


class Meter:
    """One run of the meter."""

    def __init__(self, config: MeterConfig) -> None:
        self.config = config
        self.clock = Clock()
        self.bases = {str(name): root_of(url) for name, url in config.apis.items()}
        self.admin: Identity | None = None
        self.tenant: Identity | None = None
        verify: bool | str = True
        access = config.credentials
        entries = (
            [cloud_entry(access.clouds_yaml, e) for e in (access.entry, access.probe_entry or access.entry)]
            if access
            else []
        )
        if entries:
            verify = entries[0].get("cacert", entries[0].get("verify", True))
        self.web = Web(config.timeout_s, verify)
        if entries:
            keystone = self.bases.get("keystone", "")
            self.admin, self.tenant = (Identity(self.web, e, config.region, self.clock, keystone) for e in entries)
            if entries[0] == entries[1]:
                self.tenant = self.admin
        self.recorder = Recorder(config.folder, self.clock)
        self.cycles: list[Cycle] = []

    async def run(self) -> None:
        """Measure until SIGTERM, SIGINT or ``max_s``, then clean up."""
        _raise_file_limit()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        tasks = [asyncio.create_task(self._measure()), asyncio.create_task(self.recorder.run())]
        ended = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([ended, *tasks], timeout=self.config.max_s or None, return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken = [t for t in tasks if t.done()]
            for task in [ended, *tasks]:
                task.cancel()
            await asyncio.gather(ended, *tasks, return_exceptions=True)
            await self._clean_up()
            self.recorder.close()
            await self.web.close()
        for task in broken:
            task.result()  # a meter that ends by itself has a fault: let it be seen

    async def _measure(self) -> None:
        async with asyncio.TaskGroup() as group:
            for vnf in self.config.vnfs:
                if self.config.intervals.vnf:
                    group.create_task(self._vnf(vnf))
            for identity in {id(i): i for i in (self.admin, self.tenant) if i}.values():
                group.create_task(identity.keep())
            while self.admin and not self.admin.catalogue and not self.bases:  # noqa: ASYNC110 - once, at the start
                await asyncio.sleep(0.1)  # nothing else is known before the first token
            self._complete_bases()
            for job in self._jobs():
                group.create_task(job)
            await asyncio.Event().wait()

    def _complete_bases(self) -> None:
        if self.admin and not self.bases:
            self.bases = {"keystone": self.admin.keystone}
            self.bases |= {name: url for name, url in self.admin.catalogue.items() if url and name != "keystone"}

    def _jobs(self) -> list[Coroutine[Any, Any, None]]:
        every = self.config.intervals
        jobs: list[Stream] = []
        names = [name for name in API_NAMES if name in self.bases]
        for index, name in enumerate(names):
            phase = index / len(names)
            if every.live:
                jobs.append(self._stream(name, "live", every.live, self._live(name), phase))
            if every.read and self.admin:
                jobs.append(self._stream(name, "read", every.read, self._read(name), phase))
        if every.token and self.admin:
            jobs.append(self._stream("keystone", "token", every.token, self._issue, 0.1))
        self._make_cycles()
        return [*(job.run() for job in jobs), *(cycle.run() for cycle in self.cycles)]

    def _stream(self, api: str, kind: str, interval: float, send: Send, phase: float = 0.0) -> Stream:
        limit = self.config.outstanding
        return Stream(api, kind, interval, send, limit, self.clock, self.recorder, phase)

    def _make_cycles(self) -> None:
        objects, pause = self.config.objects, self.config.intervals.cycle
        if not (objects and pause and self.admin):
            return
        needs = {
            "server": bool(objects.image and objects.flavor and objects.network)
            and {"glance", "neutron"} <= set(self.bases),
            "port": bool(objects.network),
        }
        for name in objects.cycles:
            kind = KINDS[name]
            if kind.api in self.bases and needs.get(name, True):
                base, who = self.bases[kind.api], self._who(name)
                self.cycles.append(
                    Cycle(kind, self.web, who, base, objects, self.bases, self.clock, self.recorder, pause)
                )

    def _who(self, name: str) -> Identity:
        identity = self.admin if name in ADMIN_ONLY else self.tenant
        if identity is None:
            raise AssertionError("streams with a token are made only where there are credentials")
        return identity

    def _live(self, name: str) -> Send:
        async def send(fresh: bool) -> str:  # noqa: FBT001
            return await self._outcome(f"{self.bases[name]}/", fresh, {})

        return send

    def _read(self, name: str) -> Send:
        who = self._who(name)
        url = self.bases[name] + READS[name]

        async def send(fresh: bool) -> str | None:  # noqa: FBT001
            if not who.token:
                return None
            headers = who.headers
            if name == "keystone":
                headers["X-Subject-Token"] = headers["X-Auth-Token"]
            reason = await self._outcome(url, fresh, headers)
            if reason == "refused-401":
                who.distrust()
            return reason

        return send

    async def _outcome(self, url: str, fresh: bool, headers: dict[str, str]) -> str:  # noqa: FBT001
        try:
            await self.web.request("GET", url, fresh=fresh, headers=headers)
        except Failed as failure:
            return failure.reason
        return ""

    async def _issue(self, fresh: bool) -> str:  # noqa: FBT001
        try:
            await self._who("keystone").issue(fresh=fresh)
        except Failed as failure:
            return failure.reason
        return ""

    async def _vnf(self, vnf: VnfAddress) -> None:
        kinds: dict[str, Callable[[VnfAddress], UdpEcho | TcpConnect | HttpPage]]
        kinds = {"udp": UdpEcho, "tcp": TcpConnect, "http": HttpPage}
        probe = kinds[vnf.protocol](vnf)
        await self._stream(f"vnf:{vnf.name}", vnf.protocol, self.config.intervals.vnf, probe.send).run()

    async def _clean_up(self) -> None:
        try:
            async with asyncio.timeout(CLEANING_S):
                await asyncio.gather(*(self._swept(cycle) for cycle in self.cycles))
        except TimeoutError:
            return  # the next meter cleans up

    @staticmethod
    async def _swept(cycle: Cycle) -> None:
        for _ in range(CLEANING_TRIES):
            if await cycle.sweep():
                return
            await asyncio.sleep(CLEANING_PAUSE_S)


def _raise_file_limit() -> None:
    """Every unanswered request holds a socket: five APIs that hang for 10 s hold a thousand."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
