"""An operator at the command line, and a lab of the cloud for them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from escalator_lab import fabric, hosts
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout, default_folder
from escalator_lab.progress import Progress
from escalator_lab.shape import Network

CAMPAIGN = """\
schema: escalator/campaign/v1
name: e2e
target: {release: "2026.1"}
soak_s: 5
policy: {on_failure: POLICY, commit: COMMIT}
tests:
  - {name: images are listed, when: before, probe: glance-api}
  - {name: keystone validates, when: after-component, component: keystone, probe: keystone-api}
  - name: the run is known to a command
    when: after
    command: [sh, -c, 'test -e "$ESCALATOR_SITE" && echo "$ESCALATOR_RUN"']
"""


class Operator:
    """Somebody at the command line."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.state = folder / "state"
        self.logged: dict[Path, int] = {}
        self.site = lab.layout.operator / "site.yaml"

    def on_controller(self, command: str) -> str:
        return hosts.ssh(self.lab.layout, self.lab.network, self.lab.shape.controller, command)

    def argv(self, verb: str, *words: str) -> list[str]:
        site = ["--site", str(self.site), "--state", str(self.state)]
        return [sys.executable, "-m", "escalator.cli.main", *verb.split(), *site, *words]

    def run(self, verb: str, *words: str, status: int = 0) -> str:
        return self._done(verb, *words, status=status).stdout

    def refusal(self, verb: str, *words: str, status: int) -> str:
        """All that a command says that must end with this exit status; never a traceback."""
        done = self._done(verb, *words, status=status)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def _done(self, verb: str, *words: str, status: int) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.argv(verb, *words), capture_output=True, text=True, check=False, timeout=1500)
        assert done.returncode == status, f"{verb}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def json(self, verb: str, *words: str, status: int = 0) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.run(verb, "--json", *words, status=status))
        return answer

    def json_list(self, verb: str) -> list[dict[str, object]]:
        answer: list[dict[str, object]] = json.loads(self.run(verb, "--json"))
        return answer

    def campaign(self, policy: str, commit: str) -> str:
        path = self.folder / f"{policy}.yaml"
        path.write_text(CAMPAIGN.replace("POLICY", policy).replace("COMMIT", commit))
        return str(path)

    def begin(self, verb: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a command and leave it running; what it says goes to a file."""
        self.logged = {log: log.stat().st_size for log in self.state.glob("runs/*/log.jsonl")}
        with (self.folder / "begun.txt").open("ab") as said:
            return subprocess.Popen(self.argv(verb, *words), stdout=said, stderr=said)

    def said(self) -> str:
        """What commands that were left running have said last."""
        return (self.folder / "begun.txt").read_text()[-3000:]

    def wait_for(self, action: str, process: subprocess.Popen[bytes], longest_s: float = 600) -> None:
        """Return when the command that was begun last is about to do an action, as an earlier one may have been."""
        end = time.monotonic() + longest_s
        wanted = f'"kind": "intent", "object": "{action}"'
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                log = self.state / "runs" / (self.state / "current").read_text().strip() / "log.jsonl"
                if wanted in log.read_text()[self.logged.get(log, 0) :]:  # logs are plain ASCII
                    return
            assert process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(f"{action} was not begun")

    def until_reachable(self, longest_s: float = 180) -> None:
        """Return when the controller answers over SSH."""
        end = time.monotonic() + longest_s
        while hosts.says(self.lab.layout, self.lab.network, self.lab.shape.controller) == "no answer":
            assert time.monotonic() < end
            time.sleep(1)

    def tenant(self, act: str) -> str:
        """Have a tenant do something: Python that finds ``cloud``; returns what it prints."""
        text = f"import openstack; cloud = openstack.connect(cloud='lab-alpha'); {act}"
        done = subprocess.run(
            ["ip", "netns", "exec", self.lab.network.operator_namespace, sys.executable, "-c", text],
            capture_output=True, text=True, check=False, timeout=180,
            env=os.environ | {"OS_CLIENT_CONFIG_FILE": str(self.lab.layout.operator / "clouds.yaml")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    def columns(self) -> list[list[str]]:
        """Schema, table, column of all that belongs to a project, times of change left out."""
        rows = self.sql(
            "SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns c JOIN"
            " information_schema.columns p USING (table_schema, table_name) WHERE p.column_name = 'project_id'"
            " AND table_schema IN ('keystone', 'placement', 'glance', 'nova_api', 'nova', 'neutron')"
            " AND c.column_name NOT IN ('updated_at', 'last_used') ORDER BY 1, 2, c.ordinal_position"
        )
        return [row.split("\t") for row in rows]

    def rows(self, columns: list[list[str]]) -> set[str]:
        """One digest per row of the tenants alpha and beta, over the given columns only."""
        tables: dict[str, list[str]] = {}
        for schema, table, column in columns:
            tables.setdefault(f"`{schema}`.`{table}`", []).append(f"IFNULL(`{column}`, '-')")
        mine = "(SELECT id FROM keystone.project WHERE name IN ('alpha', 'beta'))"
        queries = [
            f"SELECT '{table}', MD5(CONCAT_WS('|', {', '.join(names)})) FROM {table} WHERE project_id IN {mine}"
            for table, names in tables.items()
        ]
        return set(self.sql("; ".join(queries)))

    def sql(self, text: str) -> list[str]:
        return self.on_controller(f"mysql -N -B <<'SQL'\n{text};\nSQL").splitlines()

    def inventory(self) -> dict[str, object]:
        found = self.json("inventory")
        servers = [s for s in found["servers"] if s["name"][:5] in ("alpha", "beta-")]
        return {
            "versions": {
                f"{i['host']}/{i['unit']}": (i["version"], i["active"], i["enabled"], i["installed"])
                for i in found["instances"]
            },
            "configs": found["configs"],
            "servers": sorted((s["id"], s["host"], s["status"]) for s in servers),
        }


def cloud(folder: Path, *targets: str) -> Operator:
    """A cloud of 2025.1 beside any other, on the cache that all labs share; take it down with ``lab.down``.

    All have one name and subnet, and one is up at a time: the first one's bootstrap is kept for those that follow.
    """
    root = folder / "lab"
    root.mkdir()
    default_folder().mkdir(parents=True, exist_ok=True)
    made = Lab(Layout(root), Network("p", "10.82.0.0/24"))
    up = [name for name in fabric.existing() if name.startswith(f"{made.network.prefix}-")]
    assert not up, f"a cloud of these tests is up already on this machine: {', '.join(up)}"
    made.layout.marker.touch()
    cache = default_folder() / "cache"
    cache.mkdir(exist_ok=True)
    Layout(default_folder()).marker.touch()
    made.layout.cache.symlink_to(cache)
    made.up(Progress(), "2025.1", targets or ("2026.1",))
    return Operator(made, folder)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A new folder that is a disk of its own."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path) -> None:
    """Take all the room that is left."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass
    free = os.statvfs(path.parent)
    assert free.f_bavail * free.f_frsize < 4096
