"""Escalator's own failures, each with a stable code that logs, the journal and exit statuses carry.

What is wrong with a plan or a cloud is a *value* (:class:`escalator.model.findings.Finding`), not an exception.

    EscalatorError                  ESC-000  exit 1
    +-- InputError                  ESC-100  exit 2   a file or an option of the user is wrong
    |   +-- DocumentError           ESC-101           a YAML/JSON document does not fit its schema
    |   +-- NotFoundError           ESC-102           a run, a backup, a component that does not exist
    +-- RefusedError                ESC-200  exit 3   the request is understood and not allowed
    |   +-- IllegalMoveError        ESC-201           no such move in the state table
    |   +-- PlanRefusedError        ESC-202           the plan breaks a rule
    |   +-- LockedError             ESC-203           another Escalator drives this run
    +-- SiteError                   ESC-300  exit 4   the site did not do what was asked
    |   +-- UnreachableError        ESC-301           no connection, or it broke
    |   +-- AuthenticationError     ESC-302           the site refused our credentials
    |   +-- CommandError            ESC-303           a remote command ended badly
    |   +-- SiteTimeoutError        ESC-304           no answer within the longest time
    |   +-- IntegrityError          ESC-305           a checksum, a signature or a version does not match
    |   +-- BusyError               ESC-306           what may not run beside it still runs on the host
    |   +-- LostError               ESC-307           a command on a host ended and left no result (the host rebooted)
    +-- StateError                  ESC-400  exit 5   our own state folder
        +-- StorageError            ESC-401           full disk, read-only file system, damaged file
        +-- JournalError            ESC-402           a torn, altered or illegal record
        +-- FencedError             ESC-403           another Escalator has taken over: our orders are void
"""

from __future__ import annotations

from typing import Any


class EscalatorError(Exception):
    """Base of all failures of ours. ``hint`` says what the operator can do."""

    code = "ESC-000"
    exit_status = 1

    def __init__(self, text: str, *, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class InputError(EscalatorError):
    """A file or an option of the user is wrong."""

    code = "ESC-100"
    exit_status = 2


class DocumentError(InputError):
    """A document does not fit its schema; each of ``problems`` reads ``file:line: key: what is allowed``."""

    code = "ESC-101"

    def __init__(self, text: str, *, problems: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(text, hint=hint)
        self.problems = problems


class NotFoundError(InputError):
    """Something named by the user does not exist."""

    code = "ESC-102"


class RefusedError(EscalatorError):
    """The request is understood and not allowed."""

    code = "ESC-200"
    exit_status = 3


class IllegalMoveError(RefusedError):
    """The state table has no such move."""

    code = "ESC-201"


class PlanRefusedError(RefusedError):
    """The plan breaks a rule; ``findings`` (:class:`escalator.model.findings.Finding`) hold which."""

    code = "ESC-202"

    def __init__(self, text: str, *, findings: tuple[Any, ...] = (), hint: str = "") -> None:
        super().__init__(text, hint=hint)
        self.findings = findings


class LockedError(RefusedError):
    """Another Escalator drives this run."""

    code = "ESC-203"


class SiteError(EscalatorError):
    """The site did not do what was asked."""

    code = "ESC-300"
    exit_status = 4


class UnreachableError(SiteError):
    """No connection, or it broke."""

    code = "ESC-301"


class AuthenticationError(SiteError):
    """The site refused our credentials or showed the wrong host key."""

    code = "ESC-302"


class CommandError(SiteError):
    """A remote command ended badly; ``status`` is its exit status, ``output`` its last lines."""

    code = "ESC-303"

    def __init__(self, text: str, *, status: int | None = None, output: str = "", hint: str = "") -> None:
        super().__init__(text, hint=hint)
        self.status = status
        self.output = output


class SiteTimeoutError(SiteError):
    """No answer within the longest time."""

    code = "ESC-304"


class IntegrityError(SiteError):
    """A checksum, a signature or a version does not match."""

    code = "ESC-305"


class BusyError(SiteError):
    """What may not run beside the wanted command still runs on the host; nothing was started."""

    code = "ESC-306"


class LostError(SiteError):
    """A command on a host ended without leaving a result, as the host went down; how far it came is unknown."""

    code = "ESC-307"


class StateError(EscalatorError):
    """Our own state folder is not as it must be."""

    code = "ESC-400"
    exit_status = 5


class StorageError(StateError):
    """A full disk, a read-only file system, a damaged file."""

    code = "ESC-401"


class JournalError(StateError):
    """A torn, altered or illegal journal record."""

    code = "ESC-402"


class FencedError(StateError):
    """Another Escalator has taken over (the journal, or a host, has seen a newer epoch): no order of ours counts."""

    code = "ESC-403"
