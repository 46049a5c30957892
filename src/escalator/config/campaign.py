"""campaign.yaml: what is wanted. It selects by template (role, zone, component), never by name (PR-4a)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from escalator.config.document import load


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


class PolicyEntry(_Strict):
    """What follows a failure, and who commits."""

    on_failure: Literal["suspend", "rollback"] = "suspend"
    retries: int = Field(strict=True, default=1, ge=0, le=10)
    commit: Literal["manual", "automatic"] = "manual"


class TestEntry(_Strict):
    """A prepared test: a command run on the operator's side, or the built-in functional probe of a service."""

    __test__ = False
    name: str
    when: Literal["before", "after-component", "after"] = "after"
    probe: str | None = None
    command: list[str] | None = None
    timeout_s: float = Field(strict=True, default=60, gt=0)


class Parallel(_Strict):
    """How many objects at once."""

    stage: int = Field(strict=True, default=2, ge=1)
    computes: int = Field(strict=True, default=1, ge=1)


class CampaignFile(_Strict):
    """The whole of campaign.yaml."""

    schema_: Literal["escalator/campaign/v1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    target: Target
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


def load_campaign(path: Path) -> CampaignFile:
    """Read campaign.yaml; raises :class:`escalator.errors.DocumentError` or ``NotFoundError``."""
    return load(CampaignFile, path)
