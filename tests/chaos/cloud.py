"""The sandbox's cloud and load balancer: one small process over a unix socket, and HTTP for health and prepared tests.

What it holds is in ``cloud.json`` of the world, written beside and renamed; each effect goes to the ledger by its own
hand. A question that has arrived is carried out, whatever becomes of who asked.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORK_S = 0.01
FRONT = "127.77.0.9"  # where the cloud as a whole answers; its API instances have addresses of their own beside it


def unit_runs(host: Path, unit: str) -> bool:
    """As systemd of that host would say."""
    try:
        pid = int((host / "units" / unit / "pid").read_text())
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, ValueError, IndexError):
        return False


class Cloud:
    """``cloud.json``: instances (name -> host and unit behind each server of a backend), states, computes."""

    def __init__(self, world: Path) -> None:
        self.world = world
        self._lock = threading.Lock()
        self._held_until = 0.0

    def answer(self, verb: str, args: dict[str, Any]) -> Any:
        with self._lock:
            state = json.loads((self.world / "cloud.json").read_text())
            value = getattr(self, f"do_{verb}")(state, **args)
            beside = self.world / "cloud.json.new"
            beside.write_text(json.dumps(state, sort_keys=True))
            beside.rename(self.world / "cloud.json")
            return value

    def do_balancer(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        """A drained server has a session left the first time that somebody looks."""
        rows = []
        for server in state["servers"]:
            up = unit_runs(self.world / "hosts" / server["host"], server["unit"])
            rows.append({key: server[key] for key in ("backend", "server", "state", "sessions")} | {"up": up})
            if server["state"] != "ready":
                server["sessions"] = 0
        return rows

    def do_set_balancer(self, state: dict[str, Any], backend: str, server: str, state_: str) -> None:
        name = f"{backend}/{server}"
        mine = next(s for s in state["servers"] if s["backend"] == backend and s["server"] == server)
        self._effect(f"{state_} {name}", changes=mine["state"] != state_)
        mine["sessions"] = 1 if state_ == "ready" or mine["state"] == "ready" else mine["sessions"]
        mine["state"] = state_

    def do_hold(self, state: dict[str, Any], longest_s: float) -> None:
        if time.monotonic() < self._held_until:
            raise RuntimeError("it is held already")
        self._held_until = time.monotonic() + longest_s

    def do_release(self, state: dict[str, Any]) -> None:
        self._held_until = 0.0

    def do_compute_services(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"host": host, "binary": "nova-compute", "status": word, "heard_at": str(time.time_ns()),
             "state": "up" if unit_runs(self.world / "hosts" / host, "nova-compute") else "down"}
            for host, word in state["computes"].items()
        ]  # fmt: skip

    def do_network_agents(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def do_set_compute_status(
        self, state: dict[str, Any], host: str, reason: str, *, enabled: bool
    ) -> list[dict[str, Any]]:
        word = "enabled" if enabled else "disabled"
        self._effect(f"{word} {host}", changes=state["computes"][host] != word)
        state["computes"][host] = word
        return [{"host": host, "binary": "nova-compute", "status": word}]

    def do_servers(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": f"server-{host}", "host": host, "status": "ACTIVE", "task_state": None} for host in state["computes"]
        ]

    def do_images(self, state: dict[str, Any]) -> list[str]:
        return ["image-1"]

    def do_probe(self, state: dict[str, Any], service: str) -> dict[str, float]:
        self._effect(f"probe {service}", changes=True)
        return {"create": 0.01}

    def _effect(self, effect: str, *, changes: bool) -> None:
        self.say("begun", effect)
        time.sleep(WORK_S)
        self.say("done" if changes else "nothing", effect)

    def say(self, event: str, effect: str) -> None:
        there = os.open(self.world / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(there, f"cloud\t{event}\t{effect}\n".encode())
        os.close(there)


def addresses(world: Path) -> list[str]:
    """Of the API instances, on the loopback."""
    state = json.loads((world / "cloud.json").read_text())
    return sorted({server["address"].rpartition(":")[0] for server in state["servers"]})


def serve(world: Path, port: int, ready: int) -> None:
    """Serve until killed; writes a byte to ``ready`` once it listens."""
    cloud = Cloud(world)

    class Asked(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline()
            if not line.endswith(b"\n"):
                return  # who asked was killed in the middle of the question
            given = json.loads(line)
            args = {"state_" if key == "state" else key: value for key, value in given["args"].items()}
            try:
                answer = {"value": cloud.answer(given["verb"], args)}
            except Exception as error:  # noqa: BLE001 - told to who asked
                answer = {"refused": f"{type(error).__name__}: {error}"}
            try:
                self.wfile.write(json.dumps(answer).encode() + b"\n")
            except OSError:
                return  # who asked was killed

    class Http(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """An API instance answers where its unit runs; each has an address of its own on the loopback."""
            address = self.connection.getsockname()[0]
            state = json.loads((world / "cloud.json").read_text())
            here = next((s for s in state["servers"] if s["address"].startswith(f"{address}:")), None)
            well = here is None or unit_runs(world / "hosts" / here["host"], here["unit"])
            if self.path == "/ready":
                cloud.say("done", "GET /ready")
            self.send_response(200 if well else 503)
            self.end_headers()
            self.wfile.write(b"it is ready\n")

        def log_message(self, *_: Any) -> None:
            return

    class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    for host in (FRONT, *addresses(world)):
        http = ThreadingHTTPServer((host, port), Http)
        threading.Thread(target=http.serve_forever, daemon=True).start()
    server = UnixServer(str(world / "cloud.socket"), Asked)
    os.write(ready, b".")
    server.serve_forever()
