"""What can go wrong in the lab, with stable codes and advice.

LabError
├── NotPossibleHere   the machine lacks something (root, disk, overlayfs, namespaces)
├── NotReachable      a package index or mirror does not answer
├── CommandFailed     a command that the lab ran ended with an error
├── TookTooLong       something did not become ready in its time
├── Refused           what was asked for would touch what is not the lab's, or contradicts its state
└── UnknownRelease    no lock file names this release
"""

from __future__ import annotations


class LabError(Exception):
    """An error with a stable `code`, a text, and advice on what to do next (may be empty)."""

    code = "LAB-0"

    def __init__(self, text: str, advice: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.advice = advice


class NotPossibleHere(LabError):  # noqa: N818 - the name says what is the matter, as all of this family
    """The machine lacks something that the lab needs."""

    code = "LAB-1"


class NotReachable(LabError):  # noqa: N818
    """A package index or a mirror does not answer."""

    code = "LAB-2"


class CommandFailed(LabError):  # noqa: N818
    """A command that the lab ran ended with an error."""

    code = "LAB-3"


class TookTooLong(LabError):  # noqa: N818
    """Something did not become ready in its time."""

    code = "LAB-4"


class Refused(LabError):  # noqa: N818
    """What was asked for contradicts the lab's state, or would touch what is not the lab's."""

    code = "LAB-5"


class UnknownRelease(LabError):  # noqa: N818
    """No lock file of the package names this release."""

    code = "LAB-6"
