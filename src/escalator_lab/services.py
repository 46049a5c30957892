"""What runs on the lab's hosts: the OpenStack services, their units and ports."""

from __future__ import annotations

from dataclasses import dataclass

OFFSETS = {"a": 10000, "b": 20000}
INFRASTRUCTURE = ("mariadb", "rabbitmq-server", "memcached", "haproxy")


@dataclass(frozen=True)
class Api:
    """An API that runs twice under uWSGI behind HAProxy. ``path`` ends its endpoint.

    ``paste``: environment that names the paste file of the release that the unit runs.
    """

    component: str
    module: str
    port: int
    paste: str = ""
    path: str = ""

    @property
    def service(self) -> str:
        """The service's name; its units are this with ``-a`` and ``-b``."""
        return f"{self.component}-api"


@dataclass(frozen=True)
class Worker:
    """A service without a port. ``slots``: one runs while the other is being changed; else it is changed in place."""

    component: str
    service: str
    command: str
    slots: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """Names of its units."""
        return tuple(f"{self.service}-{slot}" for slot in self.slots) or (self.service,)


_GLANCE_PASTE = "OS_PASTE_DEPLOY__CONFIG_FILE={active}/etc/glance/glance-api-paste.ini"
_NOVA_PASTE = '"OS_NOVA_CONFIG_FILES={active}/etc/nova/api-paste.ini;nova.conf"'
_NEUTRON_PASTE = "OS_NEUTRON_CONFIG_FILES=neutron.conf OS_DEFAULT__API_PASTE_CONFIG={active}/etc/neutron/api-paste.ini"

APIS = (
    Api("keystone", "keystone.wsgi.api:application", 5000),
    Api("placement", "placement.wsgi.api:application", 8778),
    Api("glance", "glance.wsgi.api:application", 9292, _GLANCE_PASTE),
    Api("nova", "nova.wsgi.osapi_compute:application", 8774, _NOVA_PASTE, path="/v2.1"),
    Api("neutron", "neutron.wsgi.api:application", 9696, _NEUTRON_PASTE),
)
CONTROLLER_WORKERS = (
    Worker("nova", "nova-conductor", "nova-conductor", ("a", "b")),
    Worker("nova", "nova-scheduler", "nova-scheduler", ("a", "b")),
    Worker("neutron", "neutron-rpc-server", "neutron-rpc-server --config-file /etc/neutron/neutron.conf", ("a", "b")),
    Worker(
        "neutron",
        "neutron-periodic-workers",
        "neutron-periodic-workers --config-file /etc/neutron/neutron.conf",
        ("a", "b"),
    ),
)
COMPUTE_WORKERS = (
    Worker("nova", "nova-compute", "python -m escalator_lab_drivers.nova_compute"),
    Worker(
        "neutron", "neutron-l2-agent", "python -m escalator_lab_drivers.agent --config-file /etc/neutron/neutron.conf"
    ),
)
SCHEMAS = {
    "keystone": ("keystone",),
    "placement": ("placement",),
    "glance": ("glance",),
    "nova": ("nova_api", "nova", "nova_cell0"),
    "neutron": ("neutron",),
}


def units(role: str) -> tuple[str, ...]:
    """All units of OpenStack on a host of a role."""
    if role == "compute":
        return tuple(unit for worker in COMPUTE_WORKERS for unit in worker.units)
    apis = tuple(f"{api.service}-{slot}" for api in APIS for slot in OFFSETS)
    return (*apis, *(unit for worker in CONTROLLER_WORKERS for unit in worker.units))


def running(role: str) -> tuple[str, ...]:
    """Units that run: of two slots of a worker the first."""
    idle = {unit for worker in CONTROLLER_WORKERS for unit in worker.units[1:]}
    return tuple(unit for unit in units(role) if unit not in idle)
