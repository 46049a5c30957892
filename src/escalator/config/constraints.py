"""constraints.yaml: what maintenance may do to VNFs, and how fast hosts may be emptied.

Of a group it says what ETSI's NfviMaintenanceInfo says, by the names of GS NFV-SOL 001
(tosca.datatypes.nfv.NfviMaintenanceInfo): impact_notification_lead_time, is_impact_mitigation_requested,
supported_migration_type, max_undetectable_interruption_time, min_recovery_time_between_impacts,
max_number_of_impacted_instances, min_number_of_preserved_instances. ``own_action`` among the migration types is not
ETSI's: it is Fenix's OWN_ACTION. ``limits`` are Escalator's own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from escalator.config.document import load
from escalator.model.compute import Mobility
from escalator.model.maintenance import BySize, Limits, MaintenanceInfo

LIMITS = Limits()
RECOVERY_S = 60.0  # what Tacker's plugin for Fenix takes where a VNF says nothing
_UNITS = {"d": 86400.0, "h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
MIGRATION_TYPES = {
    "live_migration": Mobility.LIVE,
    "offline_migration": Mobility.COLD,
    "no_migration": Mobility.NONE,
    "own_action": Mobility.OWN,
}


def _seconds(value: Any) -> Any:
    """TOSCA's scalar-unit.time as seconds; numbers are seconds already."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", value)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"give seconds, or a number with one of {', '.join(_UNITS)}, such as '90 s'")
    return float(match[1]) * _UNITS[match[2]]


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    """One number becomes the only entry."""
    return [{"instances": value}] if isinstance(value, int) and not isinstance(value, bool) else value


Seconds = Annotated[float, Field(ge=0, strict=True), BeforeValidator(_seconds, json_schema_input_type=float | str)]
MigrationType = Annotated[
    Literal["live_migration", "offline_migration", "no_migration", "own_action"], BeforeValidator(_lower)
]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]  # of failure sets: what stands before the colon


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MaxImpacted(_Strict):
    """So many members may be impacted at once; holds for groups of at least ``group_size`` members."""

    group_size: int = Field(strict=True, default=1, ge=1)
    instances: int = Field(strict=True, ge=0, alias="max_number_of_impacted_instances")


class MinPreserved(_Strict):
    """So many members stay untouched at any moment; holds for groups of at least ``group_size`` members."""

    group_size: int = Field(strict=True, default=1, ge=1)
    instances: int = Field(strict=True, ge=0, alias="min_number_of_preserved_instances")


def _sizes(kind: Any) -> BeforeValidator:
    """A list by size, or one number for all sizes."""
    return BeforeValidator(_as_list, json_schema_input_type=list[kind] | int)


class InfoEntry(_Strict):
    """ETSI's NfviMaintenanceInfo. Times are seconds, or a number with its unit ("500 ms", "2 min")."""

    impact_notification_lead_time: Seconds = Field(
        default=0.0, description="between the notification of a group's VNF manager and what it is notified of"
    )
    is_impact_mitigation_requested: bool = Field(
        strict=True, default=False, description="it asks for capacity to scale out before it is impacted"
    )
    supported_migration_type: list[MigrationType] = Field(
        min_length=1, default=["live_migration"], description="the most preferred first; own_action as in Fenix"
    )
    max_undetectable_interruption_time: Seconds = Field(
        default=0.0, description="a longer one makes the VNF recover by itself; 0: not said"
    )
    min_recovery_time_between_impacts: Seconds = Field(
        default=RECOVERY_S, description="a member counts as impacted so long behind the end of its move"
    )
    max_number_of_impacted_instances: Annotated[list[MaxImpacted], _sizes(MaxImpacted)] = Field(
        default=[MaxImpacted(instances=1)], description="by size of the group, or one number for all sizes"
    )
    min_number_of_preserved_instances: Annotated[list[MinPreserved], _sizes(MinPreserved)] = Field(
        default=[], description="by size of the group, or one number for all sizes"
    )

    @field_validator("max_number_of_impacted_instances", "min_number_of_preserved_instances")
    @classmethod
    def _sizes_once(cls, value: list[Any]) -> list[Any]:
        sizes = [entry.group_size for entry in value]
        twice = sorted({size for size in sizes if sizes.count(size) > 1})
        if twice:
            raise ValueError(f"two entries are for group_size {twice[0]}")
        return value

    @field_validator("supported_migration_type")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("name each type once")
        return value

    def info(self, group: str) -> MaintenanceInfo:
        """As a noun, for one group."""
        return MaintenanceInfo(
            group=group,
            lead_s=self.impact_notification_lead_time,
            mitigation_requested=self.is_impact_mitigation_requested,
            migration_types=tuple(MIGRATION_TYPES[name] for name in self.supported_migration_type),
            max_undetectable_ms=round(self.max_undetectable_interruption_time * 1000),
            recovery_s=self.min_recovery_time_between_impacts,
            max_impacted=tuple(BySize(e.group_size, e.instances) for e in self.max_number_of_impacted_instances),
            min_preserved=tuple(BySize(e.group_size, e.instances) for e in self.min_number_of_preserved_instances),
        )


class GroupName(_Strict):
    """A server group by the name that its project gave it; several of one name are all meant."""

    name: str = Field(min_length=1)
    project: str = Field(min_length=1, description="the project's id")


class GroupEntry(InfoEntry):
    """What holds for one group: a server group of Nova, or servers that only this file puts together.

    What an entry does not say is as ``default`` says.
    """

    server_group: str | GroupName | None = Field(default=None, description="the group's id, or its name and project")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = None
    members: list[str] = Field(default=[], description="with name: ids of servers")

    @model_validator(mode="after")
    def _one(self) -> GroupEntry:
        own = self.name is not None and bool(self.members)
        if own == (self.server_group is not None) or (self.name is None) == bool(self.members):
            raise ValueError("give 'server_group', or 'name' and 'members'")
        return self

    def over(self, default: InfoEntry) -> InfoEntry:
        """Completed by the file's default."""
        names = set(InfoEntry.model_fields)
        said = {name: getattr(self, name) for name in names & self.model_fields_set}
        return default.model_copy(update=said)


class LimitsEntry(_Strict):
    """How much may happen at once, in the whole site. 0: no limit."""

    migrations: int = Field(strict=True, default=LIMITS.migrations, ge=0, description="live ones at once, in all")
    out_slots: int = Field(
        strict=True, default=LIMITS.out_slots, ge=1,
        description="migrations at once that leave a host (Nova: max_concurrent_live_migrations)",
    )  # fmt: skip
    in_slots: int = Field(strict=True, default=LIMITS.in_slots, ge=1, description="and that come to a host")
    hosts_at_once: int = Field(strict=True, default=LIMITS.hosts_at_once, ge=0, description="being emptied or out")
    reserve_hosts: int = Field(
        strict=True, default=LIMITS.reserve_hosts, ge=0,
        description="hosts' worth of capacity that stays free for failures, per class of interchangeable hosts",
    )  # fmt: skip
    offline_per_set: dict[Kind, Annotated[int, Field(strict=True, ge=1)]] = Field(
        default={}, description="kind of failure set -> how many of its hosts are out at once, such as rack: 1"
    )
    set_mbit_s: dict[Kind, Annotated[float, Field(strict=True, gt=0)]] = Field(
        default={}, description="kind of failure set -> what migrations may use of its trunk, Mbit/s"
    )
    migration_mbit_s: float = Field(
        strict=True, default=LIMITS.migration_mbit_s, gt=0, description="what one migration gets, Mbit/s"
    )
    host_offline_s: float = Field(
        strict=True, default=LIMITS.host_offline_s, ge=0,
        description="expected time of a host's upgrade, from empty to given back; a campaign may say another",
    )  # fmt: skip

    def limits(self) -> Limits:
        """As a noun."""
        data = self.model_dump()
        for name in ("offline_per_set", "set_mbit_s"):
            data[name] = tuple(sorted(data[name].items()))
        return Limits(**data)


class ConstraintsFile(_Strict):
    """The whole of constraints.yaml; where there is none, each of its defaults holds."""

    schema_: Literal["escalator/constraints/v1"] = Field(alias="schema")
    limits: LimitsEntry = LimitsEntry()
    default: InfoEntry = Field(default=InfoEntry(), description="of groups and servers that nothing is said of")
    groups: list[GroupEntry] = []

    @field_validator("groups")
    @classmethod
    def _names(cls, value: list[GroupEntry]) -> list[GroupEntry]:
        names = [entry.name for entry in value if entry.name]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two entries have name '{twice[0]}'")
        return value


NO_FILE = ConstraintsFile(schema_="escalator/constraints/v1")


def load_constraints(path: Path) -> ConstraintsFile:
    """Read constraints.yaml; raises :class:`escalator.errors.DocumentError` or ``NotFoundError``."""
    return load(ConstraintsFile, path)
