"""OpenStack on the lab's hosts: databases and first users, starting, waiting until it serves, the operator's files."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import yaml

from escalator_lab import hosts, roles
from escalator_lab.bundles import ROOT
from escalator_lab.commands import run
from escalator_lab.errors import CommandFailed, LabError, TookTooLong
from escalator_lab.layout import Layout
from escalator_lab.progress import Progress
from escalator_lab.services import APIS, SCHEMAS, running
from escalator_lab.shape import Network, Shape
from escalator_lab.vnfs import ECHO_PORT, FLAVOR, IMAGE, NETWORK, PAGE_PORT

LONGEST_UP_S = 180.0


@dataclass(frozen=True)
class Cloud:
    """The cloud of one lab."""

    layout: Layout
    network: Network
    shape: Shape

    def on(self, name: str, command: str, timeout_s: float = 300) -> str:
        """Run a command line on a host."""
        return hosts.ssh(self.layout, self.network, self.shape.host(name), command, timeout_s=timeout_s)

    def bootstrap(self, bundle_id: str, progress: Progress) -> None:
        """From empty databases to a cloud with tenants."""
        made = roles.passwords(self.layout)
        binaries = f"{ROOT}/{bundle_id}/bin"
        with progress.step("databases, message bus"):
            self._wait("mariadb", lambda: self.on("controller", "mariadb -e 'select 1'"))
            self._sql(made["database"])
            self._wait("rabbitmq", lambda: self.on("controller", "rabbitmqctl -q await_startup"))
            word = shlex.quote(made["rabbit"])
            self.on(
                "controller",
                f"rabbitmqctl -q add_user openstack {word}; rabbitmqctl -q set_permissions openstack '.*' '.*' '.*'",
            )
        url = f"http://{self.network.address(self.shape.controller)}:5000/v3"
        keystone = [
            "mkdir -p -m 700 /etc/keystone/fernet-keys /etc/keystone/credential-keys",
            f"{binaries}/keystone-manage fernet_setup --keystone-user root --keystone-group root",
            f"{binaries}/keystone-manage credential_setup --keystone-user root --keystone-group root",
            f"{binaries}/keystone-manage db_sync",
            (
                f"{binaries}/keystone-manage bootstrap --bootstrap-password {shlex.quote(made['admin'])} "
                f"--bootstrap-admin-url {url} --bootstrap-internal-url {url} --bootstrap-public-url {url} "
                "--bootstrap-region-id RegionOne"
            ),
        ]
        others = [f"{binaries}/placement-manage db sync", f"{binaries}/glance-manage db_sync"]
        nova = [
            f"{binaries}/nova-manage api_db sync",
            f"{binaries}/nova-manage cell_v2 map_cell0",
            f"{binaries}/nova-manage db sync --local_cell",
            f"{binaries}/nova-manage cell_v2 create_cell --name cell1",
            f"{binaries}/nova-manage db sync",
        ]
        neutron = [f"{binaries}/neutron-db-manage --config-file /etc/neutron/neutron.conf upgrade heads"]
        with progress.step("schemas of all components"), ThreadPoolExecutor(4) as pool:
            chains = [" && ".join(lines) for lines in (keystone, others, nova, neutron)]
            for future in [pool.submit(self.on, "controller", chain, 900.0) for chain in chains]:
                future.result()
        self.files()
        with progress.step("starting the services"):
            for host in self.shape.hosts:
                self.on(host.name, "systemctl enable -q --now " + " ".join(running(host.role)), 300)
            self.wait()
        with progress.step("service users, endpoints"):
            self._populate("services")
        with progress.step("computes"):
            self._wait("the computes", lambda: self._computes_known(binaries))
        with progress.step("tenants"):
            self._populate("tenants", self._tenants)

    def wait(self) -> None:
        """Wait until every API answers through HAProxy, by both of its instances."""
        self._wait("the APIs", self._apis)

    def ready(self) -> None:
        """Wait until servers come up on every compute; where the shape has VNFs, until all of them answer."""
        if self.shape.guests:
            self._populate("servers", self._tenants)
        else:
            self._populate("ready")

    def answers(self) -> list[dict[str, Any]]:
        """What the VNFs' guests answer now: name, address, uptime in seconds (None: no answer)."""
        said: list[dict[str, Any]] = json.loads(self._populate("ask", self._tenants)) if self.shape.guests else []
        return said

    @property
    def _tenants(self) -> str:
        """The module that knows the shape's tenants."""
        return "escalator_lab.vnfs" if self.shape.guests else "escalator_lab.populate"

    def _apis(self) -> None:
        ask = "import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect('/run/haproxy/admin.sock')"
        ask += ";s.sendall(b'show stat\\n');print(s.makefile().read())"
        lines = self.on("controller", f"python3 -c {shlex.quote(ask)}", 10).splitlines()
        up = [line for line in lines if line.split(",")[1:2] in (["a"], ["b"]) and ",UP," in line]
        if len(up) < 2 * len(APIS):
            raise LabError(f"{len(up)} of {2 * len(APIS)} API instances are up")

    def _computes_known(self, binaries: str) -> None:
        self.on("controller", f"{binaries}/nova-manage cell_v2 discover_hosts")
        listed = self.on("controller", f"{binaries}/nova-manage cell_v2 list_hosts")
        missing = [h.name for h in self.shape.computes if h.name not in listed]
        if missing:
            raise LabError(f"not yet known: {', '.join(missing)}")

    def _sql(self, password: str) -> None:
        lines = []
        for user, schemas in SCHEMAS.items():
            for address in ("127.0.0.1", "localhost"):
                lines.append(f"CREATE USER IF NOT EXISTS '{user}'@'{address}' IDENTIFIED BY '{password}';")
            for schema in schemas:
                lines.append(f"CREATE DATABASE IF NOT EXISTS {schema};")
                for address in ("127.0.0.1", "localhost"):
                    lines.append(f"GRANT ALL ON {schema}.* TO '{user}'@'{address}';")
        self.on("controller", f"mariadb -e {shlex.quote(' '.join(lines))}")

    def _populate(self, what: str, module: str = "escalator_lab.populate") -> str:
        return run(
            "ip", "netns", "exec", self.network.operator_namespace,
            sys.executable, "-m", module, what, str(self.layout.operator), timeout_s=600,
        )  # fmt: skip

    def _wait(self, what: str, attempt: Callable[[], object]) -> None:
        end = time.monotonic() + LONGEST_UP_S
        while True:
            try:
                attempt()
            except (CommandFailed, LabError) as error:
                if time.monotonic() > end:
                    raise TookTooLong(f"{what}: not ready after {LONGEST_UP_S:g} s: {error.text}") from None
                time.sleep(0.5)
            else:
                return

    def files(self) -> None:
        """Write the operator's clouds.yaml and site.yaml, and what :mod:`escalator_lab.populate` reads."""
        made = roles.passwords(self.layout)
        address = self.network.address(self.shape.controller)
        folder = self.layout.operator

        def entry(user: str, project: str, password: str) -> dict[str, object]:
            return {
                "auth": {
                    "auth_url": f"http://{address}:5000/v3", "username": user, "password": password,
                    "project_name": project, "user_domain_name": "Default", "project_domain_name": "Default",
                },
                "region_name": "RegionOne", "identity_api_version": 3,
            }  # fmt: skip

        clouds = {"lab-admin": entry("admin", "admin", made["admin"])}
        clouds |= {f"lab-{name}": entry(name, name, made["tenant"]) for name in ("alpha", "beta", "probe")}
        self._secret("clouds.yaml", yaml.safe_dump({"clouds": clouds}, sort_keys=False))
        kinds = {
            "keystone": "identity",
            "placement": "placement",
            "glance": "image",
            "nova": "compute",
            "neutron": "network",
        }
        endpoints = [
            [api.component, kinds[api.component], f"http://{address}:{api.port}{api.path}"]
            for api in APIS if api.component != "keystone"
        ]  # fmt: skip
        given: dict[str, object] = {
            "service_password": made["service"],
            "tenant_password": made["tenant"],
            "endpoints": endpoints,
        }
        given["computes"] = [host.name for host in self.shape.computes]
        if self.shape.guests:
            given |= self._guests()
        self._secret("populate.json", json.dumps(given))
        site: dict[str, object] = {
            "schema": "escalator/site/v1",
            "name": self.network.lab,
            "cloud": {"clouds_yaml": "clouds.yaml", "entry": "lab-admin"},
            "reach": {"network_namespace": self.network.operator_namespace},
            "ssh": {"user": "root", "key": "id_ed25519", "known_hosts": "known_hosts"},
            "hosts": {
                host.name: {"address": self.network.address(host), "roles": list(host.site_roles)}
                | {key: word for key, word in (("zone", host.zone), ("rack", host.rack)) if word}
                for host in self.shape.hosts
            },
            "load_balancer": {
                "kind": "haproxy", "hosts": ["controller"], "socket": "/run/haproxy/admin.sock",
                "backends": {api.service: api.component for api in APIS},
            },
            "databases": {
                "kind": "mariadb", "host": "controller", "schemas": {name: list(s) for name, s in SCHEMAS.items()},
            },
            "installer": {"kind": "venv", "root": ROOT},
            "artefacts": {"folder": str(self.layout.releases)},
            "tenants": ["lab-alpha", "lab-beta"],
            "probes": {"project": "lab-probe", "image": "tiny", "flavor": "m1.nano", "network": "probe-net"},
        }  # fmt: skip
        if self.shape.guests:
            site["probes"] = {"project": "lab-probe", "image": IMAGE, "flavor": FLAVOR, "network": NETWORK}
            site["vnfs"] = [
                {"name": guest.name, "address": self.network.guest_address(guest), "port": port, "protocol": protocol}
                for guest in self.shape.guests for port, protocol in ((ECHO_PORT, "udp"), (PAGE_PORT, "http"))
            ]  # fmt: skip
        (folder / "site.yaml").write_text(yaml.safe_dump(site, sort_keys=False))

    def _guests(self) -> dict[str, object]:
        """What :mod:`escalator_lab.vnfs` reads."""
        zones: dict[str, list[str]] = {}
        for host in self.shape.computes:
            zones.setdefault(host.zone, []).append(host.name)
        guests = [
            {
                "name": guest.name, "tenant": guest.tenant, "address": self.network.guest_address(guest),
                "home": guest.home, "group": guest.group, "zone": guest.zone,
            }
            for guest in self.shape.guests
        ]  # fmt: skip
        return {"zones": zones, "guests": guests, "guest": str(self.layout.guest)}

    def _secret(self, name: str, text: str) -> None:
        path = self.layout.operator / name
        path.touch(mode=0o600)
        path.write_text(text)
