"""campaign.yaml: what is wanted. It selects by template (role, zone, component), never by name (PR-4a)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from escalator.config.document import load
from escalator.config.gates import ApprovalEntry, PauseEntry, WindowEntry
from escalator.config.hosts import HostsEntry
from escalator.errors import InputError


def _release_text(value: Any) -> Any:
    """Refuse a number: 2026.1 without quotes is one in YAML, and 2026.10 would lose its zero."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        raise ValueError(f"write the release in quotes: '{value}' (YAML reads it as a number else)")  # noqa: TRY004
    return value


Release = Annotated[str, BeforeValidator(_release_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Strict):
    """What should run at the end: a release, or single components at a version (a bug-fix patch)."""

    release: Release | None = None
    components: dict[str, str] = {}

    @model_validator(mode="after")
    def _one(self) -> Target:
        if not self.release and not self.components:
            raise ValueError("give 'release', or 'components' with a version each")
        if self.release and self.components:
            raise ValueError("give 'release' or 'components', not both: a release says each component's version")
        return self


class Scope(_Strict):
    """Which part of the site: components and roles of hosts; ``all`` or a list."""

    components: Literal["all"] | list[str] = "all"
    roles: list[Literal["controller", "compute", "network", "storage"]] = ["controller", "compute"]
    zones: list[str] = []


class Budgets(_Strict):
    """What the campaign may cost; the guard suspends before it is overdrawn."""

    failed_requests: int = Field(strict=True, default=0, ge=0)
    longest_gap_s: float = Field(strict=True, default=1.0, ge=0)
    max_duration: float = Field(strict=True, default=7200, gt=0, description="seconds of executing, per hop (DU-5)")
    max_rollback: float | None = Field(
        strict=True,
        default=None,
        gt=0,
        description="seconds of rolling back (DU-6); by default as many as of executing",
    )


class SetAside(_Strict):
    """How many hosts that fail are taken back and left out before a failure is the campaign's: both bounds hold."""

    hosts: int = Field(strict=True, default=0, ge=0)
    percent: float = Field(strict=True, default=100, ge=0, le=100, description="of all hosts of the plan")


class PolicyEntry(_Strict):
    """What follows a failure, and who commits."""

    on_failure: Literal["suspend", "rollback"] = "suspend"
    at_deadline: Literal["suspend", "rollback"] = Field(
        default="suspend", description="what follows when max_duration is over; a roll-back suspends at max_rollback"
    )
    retries: int = Field(strict=True, default=1, ge=0, le=10)
    commit: Literal["manual", "automatic"] = "manual"
    set_aside: SetAside = SetAside()


class HttpEntry(_Strict):
    """What a prepared test asks of a URL, from the operator's side."""

    url: str = Field(pattern=r"^https?://[^\s/]+")
    ok: tuple[int, int] = Field(default=(200, 299), description="lowest and highest status that pass")
    contains: str = Field(default="", description="a text that the answer must hold")

    @field_validator("ok")
    @classmethod
    def _range(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 100 <= value[0] <= value[1] <= 599:  # noqa: PLR2004 - HTTP's statuses
            raise ValueError("give [lowest, highest] of HTTP's statuses, such as [200, 299]")
        return value


class TestEntry(_Strict):
    """A prepared test (TE-1): the probe of a service, a command run on the operator's side, or an HTTP request."""

    __test__ = False
    name: str = Field(min_length=1, max_length=80)
    when: Literal["before", "after-component", "after"] = "after"
    component: str | None = Field(default=None, description="with after-component: behind this one only")
    probe: str | None = Field(default=None, description="a service that is used as a tenant would, such as nova-api")
    command: list[str] | None = Field(default=None, min_length=1)
    http: HttpEntry | None = None
    timeout_s: float = Field(strict=True, default=60, gt=0)

    @model_validator(mode="after")
    def _one(self) -> TestEntry:
        if sum(given is not None for given in (self.probe, self.command, self.http)) != 1:
            raise ValueError("give exactly one of 'probe', 'command', 'http'")
        if self.component is not None and self.when != "after-component":
            raise ValueError("'component' goes with 'when: after-component' only")
        return self


AtOnce = Annotated[int, Field(strict=True, ge=1)]


class Parallel(_Strict):
    """How many objects at once; where several limits fit an object all of them hold."""

    stage: AtOnce = Field(default=2, description="hosts that version files are unpacked on")
    computes: AtOnce = Field(default=1, description="compute hosts")
    per_site: AtOnce | None = Field(default=None, description="steps of the whole site")
    per_zone: AtOnce | None = Field(default=None, description="hosts of one availability zone that are being changed")
    per_kind: dict[str, AtOnce] = Field(
        default={}, description="kind of action -> steps that hold one, such as {bundle.stage: 2}"
    )


class CampaignFile(_Strict):
    """The whole of campaign.yaml."""

    schema_: Literal["escalator/campaign/v1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    target: Target | None = Field(default=None, description="of the control plane and the services of its hosts")
    hosts: HostsEntry | None = Field(default=None, description="which compute hosts are upgraded, and to what")
    hops: Literal["fewest", "every", "direct"] = Field(
        default="fewest",
        description="fewest: SLURP hops where allowed; every: each release in turn; direct: one or none",
    )
    scope: Scope = Scope()
    smooth: bool = Field(default=True, strict=True)
    soak_s: float = Field(strict=True, default=30, ge=0)
    budgets: Budgets = Budgets()
    policy: PolicyEntry = PolicyEntry()
    parallel: Parallel = Parallel()
    backup: Literal["full", "none"] = "full"
    accept_risks: dict[str, str] = Field(default={}, description="name of a risk -> why it is accepted")
    tests: list[TestEntry] = []
    approvals: list[ApprovalEntry] = []
    pauses: list[PauseEntry] = []
    windows: list[WindowEntry] = Field(default=[], description="none: steps begin at any time")
    _folder: str = PrivateAttr(default="")

    @field_validator("tests")
    @classmethod
    def _names(cls, value: list[TestEntry]) -> list[TestEntry]:
        return _once(value, "name", [t.name for t in value])

    @field_validator("approvals")
    @classmethod
    def _gates(cls, value: list[ApprovalEntry]) -> list[ApprovalEntry]:
        return _once(value, "before", [a.before for a in value])

    @model_validator(mode="after")
    def _something(self) -> CampaignFile:
        if self.target is None and self.hosts is None:
            raise ValueError("give 'target', 'hosts', or both")
        return self

    @property
    def wanted(self) -> Target:
        """The control plane's target; InputError where the campaign has none."""
        if self.target is None:
            raise InputError(f"campaign {self.name} has no 'target': nothing of the control plane is wanted")
        return self.target

    @property
    def folder(self) -> str:
        """Where the file stands: the working folder of its commands; "" where it came from no file."""
        return self._folder


T = TypeVar("T")


def _once(entries: list[T], key: str, names: list[str]) -> list[T]:
    """Refuse two entries of one name: the plan tells them apart by it."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two entries have {key} '{twice[0]}'")
    return entries


def load_campaign(path: Path, folder: str = "") -> CampaignFile:
    """Read campaign.yaml; raises :class:`escalator.errors.DocumentError` or ``NotFoundError``.

    ``folder`` is where the file stood first, where ``path`` is a run's copy of it.
    """
    campaign = load(CampaignFile, path)
    campaign._folder = folder or str(path.resolve().parent)  # noqa: SLF001 - where the file stands is not in the file
    return campaign
