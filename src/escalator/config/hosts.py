"""Which compute hosts a campaign upgrades, to what, and how many at once: ``hosts`` of campaign.yaml.

Hosts are selected by template (zone, aggregate, failure set, role, number), never by name (PR-4a); only what is left
out may be named.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]  # Debian policy, 5.6.1
PackageVersion = Annotated[str, Field(pattern=r"^([0-9]+:)?[A-Za-z0-9.+~-]+$", description="or newest")]
FailureSet = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*:[A-Za-z0-9._-]+$")]  # kind:name, such as rack:r1
FailureKind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HostTarget(_Strict):
    """What a host runs at the end, and what that costs it."""

    packages: dict[Package, PackageVersion] = Field(
        default={}, description="package -> version, or newest: what the host's archives offer"
    )
    reboot: Literal["never", "if-needed", "always"] = "if-needed"
    offline_s: float | None = Field(
        strict=True, default=None, gt=0,
        description="expected, from empty to given back; by default host_offline_s of the constraints",
    )  # fmt: skip

    @model_validator(mode="after")
    def _something(self) -> HostTarget:
        if not self.packages and self.reboot != "always":
            raise ValueError("give 'packages', or 'reboot: always'")
        return self


class HostSelection(_Strict):
    """A host is selected where it fits each list that is not empty, by at least one entry of it."""

    zones: list[str] = Field(default=[], description="availability zones")
    aggregates: list[str] = []
    failure_sets: list[FailureSet] = Field(default=[], description="such as rack:r1")
    roles: list[Literal["controller", "compute", "network", "storage"]] = Field(
        default=["compute"], min_length=1, description="by site.yaml; hypervisors that it does not name are compute"
    )
    count: int | None = Field(
        strict=True, default=None, ge=1, description="at most so many, those with the fewest servers"
    )


class Canary(_Strict):
    """Hosts that go first and are watched before any other begins: those with the fewest servers."""

    count: int = Field(strict=True, default=1, ge=1)
    soak_s: float = Field(strict=True, default=600, ge=0)


class HostsEntry(_Strict):
    """The compute hosts' part of a campaign."""

    target: HostTarget
    select: HostSelection = HostSelection()
    exclude: list[str] = Field(default=[], description="names of hosts that are left as they are")
    canary: Canary | None = None
    per_failure_set: dict[FailureKind, Annotated[int, Field(strict=True, ge=1)]] = Field(
        default={}, description="kind of failure set -> at most so many of its hosts out at once; the tighter of this"
        " and the constraints holds",
    )  # fmt: skip
    at_once: int = Field(
        strict=True, default=0, ge=0, description="hosts being emptied or out at once; 0: as the constraints say"
    )
