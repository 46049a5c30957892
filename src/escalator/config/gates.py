"""Where a campaign waits for people and for the clock: ``approvals``, ``pauses`` and ``windows`` of campaign.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock_text(value: Any) -> Any:
    """Refuse a number: YAML 1.1 reads 22:00 without quotes as 22 times 60."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        text = f"'{int(value) // 60:02}:{int(value) % 60:02}'"
        raise ValueError(f"write the time in quotes: {text} (YAML reads it as a number else)")  # noqa: TRY004
    return value


Opens = Annotated[str, BeforeValidator(_clock_text), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Closes = Annotated[str, BeforeValidator(_clock_text), Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ApprovalEntry(_Strict):
    """A person's word is needed before a phase, a procedure, or the commit."""

    before: str = Field(min_length=1, description="a phase, the id of a procedure, canary, or commit")
    text: str = Field(default="", description="what the person is to look at")


class PauseEntry(_Strict):
    """The run suspends there once; resume goes on."""

    before: str | None = Field(default=None, min_length=1, description="a phase or the id of a procedure")
    after: str | None = Field(
        default=None, min_length=1, description="a phase, the id of a procedure, canary, or wave (each wave of hosts)"
    )
    at: AwareDatetime | None = Field(default=None, description="a moment, with its offset from UTC")
    text: str = ""

    @model_validator(mode="after")
    def _one(self) -> PauseEntry:
        if sum(given is not None for given in (self.before, self.after, self.at)) != 1:
            raise ValueError("give exactly one of 'before', 'after', 'at'")
        return self


class WindowEntry(_Strict):
    """A maintenance window; where ``to`` is not behind ``from`` it ends on the next day."""

    days: list[Day] = Field(default=list(DAYS), min_length=1, description="the days on which it opens")
    from_: Opens = Field(alias="from")
    to: Closes
    timezone: str = Field(default="UTC", description="a name of the IANA time zone database, such as Europe/Berlin")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            raise ValueError("no time zone of this name (IANA names, such as Europe/Berlin)") from None
        return value
