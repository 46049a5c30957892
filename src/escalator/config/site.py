"""site.yaml: how to reach a site, and what is where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from escalator.config.document import load
from escalator.config.hosts import FailureSet

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62})$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CloudAccess(_Strict):
    """Which entry of which clouds.yaml administers the cloud, and what its computes can do."""

    clouds_yaml: Path
    entry: str
    block_migration: Literal["auto", "never"] = Field(
        default="auto",
        description="auto: live migration copies disks that only the host holds; never: such servers move cold",
    )


class Reach(_Strict):
    """From where the site is reachable: this machine, or a network namespace of it that Escalator enters first."""

    network_namespace: Name | None = None


class Ssh(_Strict):
    """How hosts are logged in to. Host keys are always verified against ``known_hosts``."""

    user: str = "root"
    key: Path
    known_hosts: Path
    port: int = Field(strict=True, default=22, ge=1, le=65535)
    connect_timeout_s: float = Field(strict=True, default=10, gt=0, le=300)


class HostEntry(_Strict):
    """One host: its address and what it is for."""

    address: str
    roles: list[Literal["controller", "database", "load_balancer", "compute", "network", "storage"]] = Field(
        min_length=1
    )
    zone: str = ""
    rack: str = Field(default="", description="the failure set rack:RACK")
    failure_sets: list[FailureSet] = Field(default=[], description="others whose fate it shares, such as power:a")
    link_mbit_s: float = Field(
        strict=True, default=0, ge=0, description="what migrations may use of its network, each way; 0: not known"
    )

    @property
    def shared_fates(self) -> tuple[str, ...]:
        """All its failure sets, its rack among them."""
        return tuple(sorted({*self.failure_sets, *([f"rack:{self.rack}"] if self.rack else [])}))


class LoadBalancerEntry(_Strict):
    """The load balancer and which of its backends stands before which service."""

    kind: Literal["haproxy"]
    hosts: list[Name] = Field(min_length=1)
    socket: str = "/run/haproxy/admin.sock"
    backends: dict[str, str]
    hold_s: float = Field(
        strict=True,
        default=5,
        ge=0,
        le=30,
        description="requests wait at most so many seconds while a schema is altered; 0: they are not held",
    )


class DatabasesEntry(_Strict):
    """The database server and each component's schemas."""

    kind: Literal["mariadb"]
    host: Name
    schemas: dict[str, list[Name]]

    @field_validator("schemas")
    @classmethod
    def _names(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for schemas in value.values():
            for schema in schemas:
                if not re.fullmatch(r"[A-Za-z0-9_]+", schema):
                    raise ValueError(f"'{schema}' is no schema name (letters, digits, _)")
        return value


class InstallerEntry(_Strict):
    """How services are installed: ``venv`` = bundles below ``root``, each unit run through ``root/active/UNIT``."""

    kind: Literal["venv"]
    root: str = "/opt/openstack"


class ArtefactsEntry(_Strict):
    """The folder of collected bundles, each in its own folder with ``manifest.json`` and ``bundle.tar.zst``."""

    folder: Path


class ProbesEntry(_Strict):
    """With what the functional probes and the meters work, as a tenant."""

    project: str = ""  # entry of clouds.yaml
    image: str = ""
    flavor: str = ""
    network: str = ""


class Vnf(_Strict):
    """An address of a VNF that is probed all the time."""

    name: str
    address: str
    port: int = Field(strict=True, default=7, ge=1, le=65535)
    protocol: Literal["udp", "tcp", "http"] = "udp"


class SiteFile(_Strict):
    """The whole of site.yaml."""

    schema_: Literal["escalator/site/v1"] = Field(alias="schema")
    name: Name
    region: str = "RegionOne"
    cloud: CloudAccess
    reach: Reach = Reach()
    ssh: Ssh
    hosts: dict[Name, HostEntry] = Field(min_length=1)
    load_balancer: LoadBalancerEntry
    databases: DatabasesEntry
    installer: InstallerEntry
    artefacts: ArtefactsEntry
    tenants: list[str] = []
    probes: ProbesEntry = ProbesEntry()
    vnfs: list[Vnf] = []
    _folder: Path = PrivateAttr(default=Path())
    _file: Path = PrivateAttr(default=Path("site.yaml"))

    @model_validator(mode="after")
    def _hosts_exist(self) -> SiteFile:
        named = {*self.load_balancer.hosts, self.databases.host}
        unknown = sorted(named - set(self.hosts))
        if unknown:
            raise ValueError(f"unknown host {', '.join(unknown)}; hosts are: {', '.join(sorted(self.hosts))}")
        return self

    @property
    def file(self) -> Path:
        """The file itself."""
        return self._file

    def path(self, relative: Path) -> Path:
        """A path of this file, relative ones being relative to the file's own folder."""
        return relative if relative.is_absolute() else (self._folder / relative)

    def with_role(self, role: str) -> tuple[str, ...]:
        """Names of the hosts that have a role, in the file's order."""
        return tuple(name for name, entry in self.hosts.items() if role in entry.roles)


def load_site(path: Path) -> SiteFile:
    """Read site.yaml; raises :class:`escalator.errors.DocumentError` or ``NotFoundError``."""
    site = load(SiteFile, path)
    site._folder = path.resolve().parent  # noqa: SLF001 - where the file stands is not in the file
    site._file = path.resolve()  # noqa: SLF001 - same
    return site
