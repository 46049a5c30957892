"""Versions by OpenStack's own rule: Linux/Python compatible semantic versioning 3.0.0, as pbr implements it (GR-1).

Order, from old to new: ``27.0.0.dev5`` (on the way to 27.0.0), ``27.0.0.0a1``, ``27.0.0.0b2``, ``27.0.0.0rc1``,
``27.0.0``; ``27.0.0.post1`` is on the way to 27.0.1, so it is newer than 27.0.0 and older than 27.0.1. Only ``<`` of
pbr is used: its other comparisons contradict it where a version has a local part (``27.0.0+ubuntu1``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key

from pbr.version import SemanticVersion

from escalator.model.findings import Finding, Severity

MAJOR, MINOR, PATCH = "major", "minor", "patch"
_FROZEN = "candidate"  # of a release candidate only bugs are mended


def parse(text: str) -> SemanticVersion | None:
    """The version, or None where it is none by this rule (a distribution's epoch or revision, a commit)."""
    try:
        version = SemanticVersion.from_pip_string(text)
        _ = version < version  # noqa: PLR0124 - the letter of a pre-release is judged at the first comparison only
    except (ValueError, LookupError, TypeError):
        return None
    return version


def major(text: str) -> int:
    """The major number; -1 where the version can't be read."""
    version = parse(text)
    return -1 if version is None else int(version.version_tuple()[0])


def compare(one: str, other: str) -> int:
    """-1, 0 or 1 as ``one`` is older than, as old as, or newer than ``other``.

    A version that can't be read is older than all that can, and as old as any other such.
    """
    a, b = parse(one), parse(other)
    if a is None or b is None:
        return (a is not None) - (b is not None)
    return -1 if a < b else int(b < a)


def newest(texts: Iterable[str]) -> str:
    """The newest of some versions."""
    return max(texts, key=cmp_to_key(compare))


def size(old: str, new: str) -> str:
    """How large the way between two versions is: ``major``, ``minor`` or ``patch``.

    The first number that differs decides. Where none does, both are on the way to the same release: between release
    candidates and the release only bugs are mended (patch), before that it may still become all that the release is
    (27.0.0: major, 27.1.0: minor). What can't be read counts as major: nothing is known of it.
    """
    a, b = parse(old), parse(new)
    if a is None or b is None:
        return MAJOR
    x, y = a.version_tuple(), b.version_tuple()
    if x[:3] != y[:3]:
        return _by_numbers(x[:3], y[:3])
    levels = {x[3], y[3]}
    if len(levels) == 1 or all(level == "final" or level.startswith(_FROZEN) for level in levels):
        return PATCH
    return PATCH if x[2] else MINOR if x[1] else MAJOR


def _by_numbers(one: tuple[int, ...], other: tuple[int, ...]) -> str:
    if one[0] != other[0]:
        return MAJOR
    return MINOR if one[1] != other[1] else PATCH


def unreadable(subject: str, *texts: str) -> tuple[Finding, ...]:
    """A warning for each text that is no version by this rule."""
    return tuple(
        Finding(
            Severity.WARNING, "version.readable", subject,
            f"'{text}' is no version by semantic versioning 3.0.0: the change is treated as a major one",
            requirement="GR-1", hint="the bundle's manifest names the versions",
        )
        for text in texts if parse(text) is None
    )  # fmt: skip
