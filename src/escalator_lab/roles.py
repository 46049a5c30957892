"""Makes a bare host a controller or a compute: configuration, units, drivers, written into the host's own layer."""

from __future__ import annotations

import json
import secrets
import shutil
from importlib import resources
from pathlib import Path

from escalator_lab import hypervisor
from escalator_lab.bundles import ROOT
from escalator_lab.files import append, enable, put, template, text
from escalator_lab.layout import Layout
from escalator_lab.services import APIS, COMPUTE_WORKERS, CONTROLLER_WORKERS, INFRASTRUCTURE, OFFSETS, units
from escalator_lab.shape import Host, Network, Shape

PROCESSES = 2  # per API instance
DRIVERS = "opt/escalator-lab/lib"
PASSWORDS = ("database", "rabbit", "service", "admin", "tenant")


def passwords(layout: Layout) -> dict[str, str]:
    """The lab's passwords, made once per lab folder."""
    if not layout.secrets.exists():
        layout.secrets.parent.mkdir(parents=True, exist_ok=True)
        layout.secrets.touch(mode=0o600)
        layout.secrets.write_text(json.dumps({name: secrets.token_hex(12) for name in PASSWORDS}))
    made: dict[str, str] = json.loads(layout.secrets.read_text())
    return made


def write(layout: Layout, network: Network, shape: Shape, host: Host, bundle_id: str, *, accelerator: str = "") -> None:
    """Write all that a host needs to run its role from a bundle; it must be off.

    ``accelerator``: how guests run on it (``kvm``, ``tcg``); "" where the shape has none.
    """
    upper = layout.host(host.name) / "upper"
    made = passwords(layout)
    values = {
        "controller": network.address(shape.controller), "address": network.address(host), "host": host.name,
        "service_password": made["service"], "database_password": made["database"], "rabbit_password": made["rabbit"],
        "compute_driver": "libvirt.LibvirtDriver" if shape.guests else "escalator_lab.LabDriver",
    }  # fmt: skip
    if host.role == "controller":
        _controller(upper, values)
        if shape.guests:
            append(upper / "etc/nova/nova.conf", text("compute/nova-scheduler.conf"))
    else:
        _compute(upper, values)
        if shape.guests:
            hypervisor.write(upper, values, accelerator)
    with resources.as_file(resources.files("escalator_lab").joinpath("templates/drivers")) as drivers:
        shutil.copytree(drivers, upper / DRIVERS, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    active = upper / f"{ROOT.lstrip('/')}/active"
    active.mkdir(parents=True, exist_ok=True)
    for unit in units(host.role):
        link = active / unit
        link.unlink(missing_ok=True)
        link.symlink_to(f"../{bundle_id}")


def _controller(upper: Path, values: dict[str, str]) -> None:
    etc = upper / "etc"

    def auth(section: str, user: str) -> str:
        return template("common/auth.conf", section=section, user=user, **values)

    def token(user: str) -> str:
        return template("common/authtoken.conf", user=user, **values)

    def part(name: str) -> str:
        return template(name, **values)

    put(etc / "keystone/keystone.conf", part("controller/keystone.conf"), 0o640)
    put(etc / "placement/placement.conf", part("controller/placement.conf") + token("placement"), 0o640)
    put(etc / "glance/glance-api.conf", part("controller/glance-api.conf") + token("glance"), 0o640)
    put(
        etc / "nova/nova.conf",
        part("common/nova.conf") + part("controller/nova-databases.conf") + token("nova")
        + auth("placement", "placement") + auth("neutron", "neutron"),
        0o640,
    )  # fmt: skip
    put(
        etc / "neutron/neutron.conf",
        part("common/neutron.conf") + part("controller/neutron-server.conf") + token("neutron")
        + auth("nova", "nova") + auth("placement", "placement"),
        0o640,
    )  # fmt: skip
    put(etc / "mysql/mariadb.conf.d/90-lab.cnf", part("controller/mariadb.cnf"))
    put(etc / "rabbitmq/rabbitmq.conf", part("controller/rabbitmq.conf"))
    put(etc / "rabbitmq/rabbitmq-env.conf", part("controller/rabbitmq-env.conf"))
    backends = "".join(
        template(
            "controller/haproxy-backend.cfg", service=api.component, controller=values["controller"], port=api.port,
            port_a=api.port + OFFSETS["a"], port_b=api.port + OFFSETS["b"],
        ) for api in APIS
    )  # fmt: skip
    put(etc / "haproxy/haproxy.cfg", template("controller/haproxy.cfg", backends=backends))
    for folder in ("glance/images", "glance/staging", "glance/tasks", "glance/lock", "nova/lock", "neutron/lock"):
        (upper / "var/lib" / folder).mkdir(parents=True, exist_ok=True)
    for api in APIS:
        for slot, offset in OFFSETS.items():
            unit = f"{api.service}-{slot}"
            paste = api.paste.format(active=f"{ROOT}/active/{unit}")
            put(
                etc / f"uwsgi/{unit}.ini",
                template("units/api.ini", module=api.module, port=api.port + offset, unit=unit, processes=PROCESSES),
            )
            environment = f"Environment={paste}" if paste else ""
            put(
                etc / f"systemd/system/{unit}.service",
                template("units/api.service", unit=unit, environment=environment),
            )
    for worker in CONTROLLER_WORKERS:
        for unit in worker.units:
            put(
                etc / f"systemd/system/{unit}.service",
                template("units/worker.service", unit=unit, command=worker.command),
            )
    for name in INFRASTRUCTURE:
        enable(etc, f"{name}.service", "/lib/systemd/system")


def _compute(upper: Path, values: dict[str, str]) -> None:
    etc = upper / "etc"
    nova = template("common/nova.conf", **values)
    for section in ("placement", "neutron", "cinder"):
        user = "nova" if section == "cinder" else section
        nova += template("common/auth.conf", section=section, user=user, **values)
    put(etc / "nova/nova.conf", nova, 0o640)
    put(etc / "neutron/neutron.conf", template("common/neutron.conf", **values), 0o640)
    for folder in ("nova/instances", "nova/lock", "neutron/lock"):
        (upper / "var/lib" / folder).mkdir(parents=True, exist_ok=True)
    for worker in COMPUTE_WORKERS:
        for unit in worker.units:
            put(
                etc / f"systemd/system/{unit}.service",
                template("units/worker.service", unit=unit, command=worker.command),
            )
