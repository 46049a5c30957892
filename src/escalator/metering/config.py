"""meter.json: what is measured, how often, for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from escalator.config.site import SiteFile

API_NAMES = ("keystone", "placement", "glance", "nova", "neutron")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Credentials(_Strict):
    """Entries of a clouds.yaml: the administrator's, and the tenant's that owns the probe resources."""

    clouds_yaml: Path
    entry: str
    probe_entry: str = ""  # "" = the administrator's


class Intervals(_Strict):
    """Seconds between two requests of one stream; 0 switches a stream off."""

    live: float = Field(default=0.05, ge=0)
    read: float = Field(default=0.5, ge=0)
    token: float = Field(default=1.0, ge=0)
    cycle: float = Field(default=0.5, ge=0)  # pause between two create/delete cycles of one kind
    vnf: float = Field(default=0.05, ge=0)


class ProbeObjects(_Strict):
    """Names of what the create/delete cycles use. A kind whose objects are missing here is not tried."""

    image: str = ""
    flavor: str = ""
    network: str = ""
    cycles: list[Literal["server", "port", "image", "project"]] = ["server", "port", "image", "project"]
    longest_s: float = Field(default=120.0, gt=0)  # until a server is ACTIVE, until a resource is gone


class VnfAddress(_Strict):
    """An address of a VNF."""

    name: str
    address: str
    port: int = Field(ge=1, le=65535)
    protocol: Literal["udp", "tcp", "http"] = "udp"
    timeout_s: float = Field(default=1.0, gt=0)


class MeterConfig(_Strict):
    """The whole of meter.json. ``apis`` maps names to base URLs without version; {} = from the token's catalogue."""

    folder: Path
    region: str = ""
    credentials: Credentials | None = None
    apis: dict[Literal["keystone", "placement", "glance", "nova", "neutron"], str] = {}
    intervals: Intervals = Intervals()
    objects: ProbeObjects | None = None
    vnfs: list[VnfAddress] = []
    timeout_s: float = Field(default=10.0, gt=0)
    outstanding: int = Field(default=256, ge=1)  # unanswered requests a stream may have at once
    max_s: float = Field(default=0.0, ge=0)  # 0 = until SIGTERM
    network_namespace: str | None = None


def meter_config(site: SiteFile, folder: Path, *, max_s: float = 0.0) -> MeterConfig:
    """What to measure at a site, its samples going to ``folder``."""
    probes = site.probes
    return MeterConfig(
        folder=folder,
        region=site.region,
        credentials=Credentials(
            clouds_yaml=site.path(site.cloud.clouds_yaml), entry=site.cloud.entry, probe_entry=probes.project
        ),
        objects=ProbeObjects(image=probes.image, flavor=probes.flavor, network=probes.network),
        vnfs=[VnfAddress(name=v.name, address=v.address, port=v.port, protocol=v.protocol) for v in site.vnfs],
        max_s=max_s,
        network_namespace=site.reach.network_namespace,
    )
