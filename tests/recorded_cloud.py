"""The APIs of a cloud, played back: answers in the services' own shape, over HTTP, to the real SDK."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

RECORDED = Path(__file__).parent / "recorded"
SERVICES = {"identity": "/v3", "compute": "/v2.1", "placement": "", "image": "", "network": ""}


class RecordedCloud:
    """``answers``: "/compute/v2.1/servers/detail?all_tenants=1" -> JSON; the query's words in any order.

    ``asked`` counts what was asked for, ``versions`` holds the microversion of the last time, ``ill`` maps a path to
    how often it still answers 503.
    """

    def __init__(self, answers: dict[str, Any], compute: str = "2.100") -> None:
        self.answers = {_key(path): answer for path, answer in answers.items()}
        self.compute = compute
        self.asked: Counter[str] = Counter()
        self.versions: dict[str, str] = {}
        self.ill: Counter[str] = Counter()
        self.url = ""

    def answer(self, path: str, version: str) -> tuple[int, Any]:
        """Status and body."""
        at = urlsplit(path).path.rstrip("/")
        known = self._discovery().get(at)
        if known is not None:
            return 200, known
        self.asked[at] += 1
        self.versions[at] = version
        if self.ill[at]:
            self.ill[at] -= 1
            return 503, {"error": "busy"}
        found = self.answers.get(_key(path))
        return (404, {"errors": [{"title": "Not Found"}]}) if found is None else (200, found)

    def _discovery(self) -> dict[str, Any]:
        def self_link(path: str) -> list[dict[str, str]]:
            return [{"rel": "self", "href": f"{self.url}{path}"}]

        return {
            "/identity/v3": {"version": {"id": "v3.14", "status": "stable", "links": self_link("/identity/v3/")}},
            "/compute/v2.1": {
                "version": {"id": "v2.1", "status": "CURRENT", "version": self.compute, "min_version": "2.1",
                            "links": self_link("/compute/v2.1/")}
            },
            "/placement": {
                "versions": [{"id": "v1.0", "status": "CURRENT", "max_version": "1.39", "min_version": "1.0",
                              "links": [{"rel": "self", "href": ""}]}]
            },
            "/image": {"versions": [{"id": "v2.17", "status": "CURRENT", "links": self_link("/image/v2/")}]},
            "/network": {"versions": [{"id": "v2.0", "status": "CURRENT", "links": self_link("/network/v2.0/")}]},
        }  # fmt: skip

    def token(self) -> dict[str, Any]:
        """What Keystone says to a good password."""
        catalogue = [
            {"type": kind, "name": kind, "id": kind,
             "endpoints": [{"interface": "public", "region": "RegionOne", "region_id": "RegionOne", "id": kind,
                            "url": f"{self.url}/{kind}{tail}"}]}
            for kind, tail in SERVICES.items()
        ]  # fmt: skip
        return {
            "token": {"methods": ["password"], "expires_at": "2999-01-01T00:00:00.000000Z", "issued_at":
                      "2026-01-01T00:00:00.000000Z", "project": {"id": "p", "name": "admin",
                      "domain": {"id": "default", "name": "Default"}}, "user": {"id": "u", "name": "admin",
                      "domain": {"id": "default", "name": "Default"}}, "catalog": catalogue, "roles": []}
        }  # fmt: skip


def _key(path: str) -> str:
    parts = urlsplit(path)
    words = sorted(w for w in parse_qsl(parts.query) if w[0] != "fields")
    return parts.path + "".join(f"?{k}={v}" for k, v in words)


@contextmanager
def played(cloud: RecordedCloud, folder: Path) -> Iterator[Path]:
    """The cloud answers meanwhile; yields a clouds.yaml whose entry ``admin`` reaches it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            version = self.headers.get("OpenStack-API-Version", "")
            self._send(*cloud.answer(self.path, version.split()[-1] if version else ""))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._send(201, cloud.token())

        def _send(self, status: int, data: Any) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Subject-Token", "secret")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    auth = {"auth_url": f"{cloud.url}/identity/v3", "username": "admin", "password": "secret", "project_name": "admin",
            "user_domain_name": "Default", "project_domain_name": "Default"}  # fmt: skip
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {"admin": {"auth": auth}}}))
    try:
        yield path
    finally:
        server.shutdown()
        server.server_close()


def recorded(name: str) -> dict[str, Any]:
    """The answers of one file of ``tests/recorded``."""
    answers: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return answers
