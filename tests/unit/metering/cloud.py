"""A small HTTP server that behaves as badly as a test wants."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cloud:
    """All five APIs at one address. ``mode``: ok, 503, 401, hang."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.mode = "ok"
        self.resources = {}
        self.server_status = "ACTIVE"
        self.slow_create = 0.0  # seconds before a port is made, whoever still waits for the answer
        self.creating = 0
        self.deleted = 0
        self._number = 0
        self._server = None
        self._open = set()

    async def up(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def down(self):
        if self._server:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            self._server = None

    async def _serve(self, reader, writer):
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split("\r\n")[0].split()
                length = [int(x.split(":")[1]) for x in head.lower().split("\r\n") if x.startswith("content-length")]
                body = await reader.readexactly(length[0]) if length else b""
                if self.mode == "hang":
                    await asyncio.sleep(30)
                if self.slow_create and method == "POST" and path.endswith("/ports"):
                    self.creating += 1
                    await asyncio.sleep(self.slow_create)
                status, headers, data = self._answer(method, path, body)
                text = b"" if status == 204 else json.dumps(data).encode()
                lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}", *headers]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, method, path, body):  # noqa: PLR0911 - one per route
        path = path.split("?")[0]
        if self.mode.isdigit():
            return int(self.mode), [], {}
        if path == "/v3/auth/tokens" and method == "POST":
            token = {"expires_at": "2999-01-01T00:00:00.000000Z", "project": {"id": "p"}, "catalog": []}
            return 201, ["X-Subject-Token: secret"], {"token": token}
        *_, kind, last = path.split("/") if path.count("/") > 2 else [*path.split("/"), ""]
        if path.endswith("/file"):
            return 204, [], {}
        if kind in ("servers", "ports", "images", "projects") and last:
            if last not in self.resources:
                return 404, [], {}
            if method == "DELETE":
                self.deleted += 1
                del self.resources[last]
            return 200, [], {"server": {"status": self.server_status}}
        for collection in ("servers", "ports", "images", "projects", "flavors", "networks"):
            if path.endswith("/" + collection):
                if method == "POST":
                    self._number += 1
                    found = {"id": f"id{self._number}", **self._named(json.loads(body))}
                    self.resources[found["id"]] = {"kind": collection, **found}
                    return 201, [], {**found, collection[:-1]: found}
                rows = [r for r in self.resources.values() if r["kind"] == collection]
                return 200, [], {collection: [*rows, {"id": "it", "name": "it"}]}
        return 200, [], {}

    @staticmethod
    def _named(body):
        return {"name": body.get("name") or next(iter(body.values()))["name"]}


@asynccontextmanager
async def a_cloud():
    cloud = Cloud(free_port())
    await cloud.up()
    try:
        yield cloud
    finally:
        await cloud.down()
