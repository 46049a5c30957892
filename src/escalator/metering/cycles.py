"""Create/delete cycles: what a tenant does, over and over, through the APIs themselves."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from escalator.metering.config import ProbeObjects
from escalator.metering.identity import Identity
from escalator.metering.recorder import Clock, Recorder
from escalator.metering.samples import Sample
from escalator.metering.web import Failed, Web

OURS = re.compile(r"escalator-probe-(server|port|image|project)-[0-9a-f]{12}")
POLL_S = 0.5


@dataclass(frozen=True)
class Kind:
    """Where resources of one kind live. ``list`` is the key of a listing, ``one`` that of a single resource."""

    name: str
    api: str
    path: str
    list: str
    one: str


KINDS = {
    k.name: k
    for k in (
        Kind("server", "nova", "/v2.1/servers", "servers", "server"),
        Kind("port", "neutron", "/v2.0/ports", "ports", "port"),
        Kind("image", "glance", "/v2/images", "images", ""),
        Kind("project", "keystone", "/v3/projects", "projects", "project"),
    )
}


@dataclass
class Cycle:
    """One kind's cycles, back to back with a pause."""

    kind: Kind
    web: Web
    identity: Identity
    base: str
    objects: ProbeObjects
    bases: dict[str, str]
    clock: Clock
    recorder: Recorder
    pause_s: float
    _left: set[str] = field(default_factory=set)  # names whose resource may still be there
    _doubtful: set[str] = field(default_factory=set)  # not listed when looked for: made late, or never
    _ids: dict[str, str] = field(default_factory=dict)
    _fresh: bool = True

    async def run(self) -> None:
        """Clean up after an earlier meter, look up what is needed, then cycle until cancelled."""
        while not await self._prepared():  # noqa: ASYNC110 - asks the cloud, nobody here could set an event
            await asyncio.sleep(1.0)
        while True:
            if self.identity.token:
                sent = self.clock.now()
                reason = await self.once()
                took = self.clock.now() - sent
                self.recorder.add(Sample(sent, took, self.kind.api, self.kind.name, "", reason))
                if self._left:
                    await self.sweep()
            await asyncio.sleep(self.pause_s)

    async def once(self) -> str:
        """One cycle; "" or the first reason for which it failed."""
        name = f"escalator-probe-{self.kind.name}-{secrets.token_hex(6)}"
        self._left.add(name)
        reason, found = "", ""
        try:
            found = await self._create(name)
            await self._ready(found)
        except Failed as failure:
            reason = failure.reason
        if found:
            try:
                await self._delete(found)
                self._left.discard(name)
            except Failed as failure:
                reason = reason or failure.reason
        return reason

    async def sweep(self, *, everything: bool = False) -> bool:
        """Delete what failed cycles left behind; ``everything``: also what earlier meters did. Never recorded."""
        if not self.identity.token:
            return False
        try:
            listed = await self._listed()
            for resource in listed:
                name = str(resource.get("name", ""))
                if name in self._left | self._doubtful or (everything and OURS.fullmatch(name)):
                    await self._delete(str(resource["id"]))
                    self._left.discard(name)
                    self._doubtful.discard(name)
        except Failed:
            return False
        self._doubtful |= self._left
        self._left.clear()
        return True

    async def _prepared(self) -> bool:
        try:
            if not await self.sweep(everything=True):
                return False
            if self.kind.name == "server":
                self._ids = {
                    "image": await self._find("glance", "/v2/images?limit=1000", "images", self.objects.image),
                    "flavor": await self._find("nova", "/v2.1/flavors", "flavors", self.objects.flavor),
                }
            if self.kind.name in {"server", "port"}:
                self._ids["network"] = await self._find("neutron", "/v2.0/networks", "networks", self.objects.network)
        except Failed:
            return False
        return True

    async def _create(self, name: str) -> str:
        bodies: dict[str, Any] = {
            "server": {
                "server": {
                    "name": name,
                    "imageRef": self._ids.get("image"),
                    "flavorRef": self._ids.get("flavor"),
                    "networks": [{"uuid": self._ids.get("network")}],
                }
            },
            "port": {"port": {"name": name, "network_id": self._ids.get("network")}},
            "image": {"name": name, "container_format": "bare", "disk_format": "raw"},
            "project": {"project": {"name": name, "domain_id": "default"}},
        }
        resource = await self._whole(self._call("POST", self.base + self.kind.path, body=bodies[self.kind.name]))
        found = resource.get(self.kind.one, {}) if self.kind.one else resource
        if not found.get("id"):
            raise Failed("no-id")
        return str(found["id"])

    @staticmethod
    async def _whole(request: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        """The answer; where the cycle is cancelled meanwhile, only behind it.

        What is being made is in no listing yet: a clean-up that did not wait would leave it behind.
        """
        task = asyncio.ensure_future(request)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])  # the request has its own longest time
            raise

    async def _ready(self, found: str) -> None:
        url = f"{self.base}{self.kind.path}/{found}"
        if self.kind.name == "image":
            await self._call("PUT", f"{url}/file", content=b"probe" * 1024)
        if self.kind.name != "server":
            return
        end = self.clock.now() + self.objects.longest_s
        while self.clock.now() < end:
            status = (await self._call("GET", url)).get("server", {}).get("status")
            if status == "ACTIVE":
                return
            if status == "ERROR":
                raise Failed("error-state")
            await asyncio.sleep(POLL_S)
        raise Failed("not-active")

    async def _delete(self, found: str) -> None:
        url = f"{self.base}{self.kind.path}/{found}"
        end = self.clock.now() + self.objects.longest_s
        try:
            await self._call("DELETE", url)
            while self.kind.name == "server" and self.clock.now() < end:
                await self._call("GET", url)
                await asyncio.sleep(POLL_S)
        except Failed as failure:
            if failure.reason == "http-404":
                return
            raise
        if self.kind.name == "server":
            raise Failed("undeletable")

    async def _listed(self) -> list[dict[str, Any]]:
        """Resources of this kind whose name may be ours; of a long listing its first page, the rest next time."""
        query = {"server": "?name=escalator-probe-", "image": "?limit=1000"}.get(self.kind.name, "")
        data = await self._call("GET", self.base + self.kind.path + query)
        return [r for r in data.get(self.kind.list, []) if isinstance(r, dict) and r.get("id")]

    async def _find(self, api: str, path: str, key: str, wanted: str) -> str:
        data = await self._call("GET", self.bases[api] + path)
        for resource in data.get(key, []):
            if wanted in (resource.get("name"), resource.get("id")):
                return str(resource["id"])
        raise Failed("not-found")

    async def _call(self, method: str, url: str, *, body: Any = None, content: bytes | None = None) -> dict[str, Any]:
        headers = self.identity.headers
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        self._fresh = not self._fresh
        answer = await self.web.request(method, url, fresh=self._fresh, headers=headers, body=body, content=content)
        try:
            data = answer.json() if answer.content else {}
        except ValueError:
            raise Failed("no-json") from None
        return data if isinstance(data, dict) else {}
