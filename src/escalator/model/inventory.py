"""What a site holds at one moment: hosts, service instances, versions, the cloud's own objects.

Resource ids carry their site: ``lab/controller/keystone-api-a``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from escalator.model.compute import Hypervisor, Server, ServerGroup
from escalator.model.findings import Finding


@dataclass(frozen=True)
class Bundle:
    """One staged or stageable set of version files (a venv of one release), as its manifest describes it."""

    id: str
    release: str
    components: dict[str, str]  # component -> version, "keystone": "27.0.0"
    sha256: str
    size: int  # bytes
    path: str = ""  # on the operator's side; empty when known from a host only


@dataclass(frozen=True)
class Host:
    """A machine of the site."""

    name: str
    address: str
    roles: tuple[str, ...]
    reachable: bool
    os: str = ""
    kernel: str = ""
    boot_id: str = ""
    disk_free: int = 0  # bytes free where bundles are unpacked
    bundles: tuple[str, ...] = ()  # ids of bundles completely unpacked on it
    zone: str = ""
    error: str = ""  # why it is not reachable


@dataclass(frozen=True)
class ServiceInstance:
    """One unit of one service on one host.

    ``installed`` is the bundle that its next start would use, ``running`` the one its process has loaded now
    (read from the process itself, never assumed), ``version`` the component's version in the running bundle.
    """

    host: str
    unit: str  # "keystone-api-a"
    service: str  # "keystone-api"
    slot: str  # "a", "b" or ""
    component: str  # "keystone"
    active: bool
    enabled: bool
    installed: str
    running: str = ""
    release: str = ""  # release of the running bundle
    version: str = ""
    balancer_state: str = ""  # "ready", "drain", "maint", "down", "" where not balanced
    address: str = ""  # where the balancer reaches it, "127.0.0.1:15000"
    stop_signal: str = ""  # what systemd sends to stop it, "SIGTERM"; "" where it does not say


@dataclass(frozen=True)
class ConfigTree:
    """A configuration folder of one component on one host."""

    host: str
    component: str
    path: str
    sha256: str
    files: int


@dataclass(frozen=True)
class DatabaseRevision:
    """What migration state a component's database reports."""

    component: str
    schema: str
    revisions: tuple[str, ...]
    rows: int = 0  # estimated rows in all its tables


@dataclass(frozen=True)
class ComputeService:
    """A row of the cloud's compute service list."""

    host: str
    binary: str
    status: str  # enabled, disabled
    state: str  # up, down
    zone: str = ""
    disabled_reason: str = ""


@dataclass(frozen=True)
class NetworkAgent:
    """A row of the cloud's network agent list."""

    host: str
    binary: str
    kind: str
    alive: bool
    admin_up: bool


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the cloud's catalogue."""

    service: str
    interface: str
    url: str
    region: str = ""


@dataclass(frozen=True)
class Inventory:
    """A site at one moment. ``findings`` hold what was wrong while collecting (an unreachable host, a dead agent)."""

    site: str
    collected_at: str  # ISO 8601, UTC
    hosts: tuple[Host, ...]
    instances: tuple[ServiceInstance, ...]
    bundles: tuple[Bundle, ...]  # available on the operator's side
    configs: tuple[ConfigTree, ...] = ()
    databases: tuple[DatabaseRevision, ...] = ()
    compute_services: tuple[ComputeService, ...] = ()
    network_agents: tuple[NetworkAgent, ...] = ()
    hypervisors: tuple[Hypervisor, ...] = ()
    servers: tuple[Server, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    images: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
