"""What is wrong with, or worth knowing about, a plan or a cloud: values, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    INFO = "info"
    WARNING = "warning"
    REFUSED = "refused"  # the plan must not run


@dataclass(frozen=True)
class Finding:
    """One observation of one rule about one subject.

    ``rule`` is the stable name of the rule (``hop.not-allowed``), ``subject`` the resource id it speaks of,
    ``requirement`` the id from docs/requirements.md that the rule serves, ``hint`` what the operator can do.
    """

    severity: Severity
    rule: str
    subject: str
    text: str
    requirement: str = ""
    hint: str = ""


def refused(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those that stop a plan."""
    return tuple(f for f in findings if f.severity is Severity.REFUSED)
