"""Version strings that OpenStack really publishes, in the order of semantic versioning 3.0.0 (GR-1)."""

from __future__ import annotations

from functools import cmp_to_key

import pytest

from escalator.model.findings import Severity
from escalator.model.versions import compare, major, newest, parse, size, unreadable

OLD_TO_NEW = [
    "26.1.0", "27.0.0.dev120", "27.0.0.0b1", "27.0.0.0b1.dev44", "27.0.0.0rc1", "27.0.0.0rc2", "27.0.0",
    "27.0.0.post1", "27.0.1.dev7", "27.0.1", "27.1.0", "28.0.0.0rc1", "28.0.0",
]  # fmt: skip


def test_a_release_candidate_is_older_than_its_release_and_newer_than_the_release_before() -> None:
    assert compare("27.0.0.0rc1", "27.0.0") == -1
    assert compare("27.0.0", "27.0.0.0rc1") == 1
    assert compare("27.0.0.0rc1", "26.1.0") == 1


def test_numbers_are_compared_as_numbers() -> None:
    assert compare("9.0.0", "10.0.0") == -1
    assert compare("27.2.0", "27.10.0") == -1


def test_development_pre_release_release_and_post_release_stand_in_this_order() -> None:
    order = [v for v in OLD_TO_NEW if v != "27.0.0.0b1.dev44"]
    mixed = [*order[1::2], *order[::2]]
    assert sorted(mixed, key=cmp_to_key(compare)) == order
    assert compare("27.0.0.0b1.dev44", "27.0.0.0b1") == -1


@pytest.mark.parametrize("one", OLD_TO_NEW)
@pytest.mark.parametrize("other", OLD_TO_NEW)
def test_no_two_versions_are_each_newer_than_the_other(one: str, other: str) -> None:
    assert compare(one, other) == -compare(other, one)


def test_a_local_part_makes_a_version_neither_older_nor_newer() -> None:
    assert compare("27.0.0+ubuntu1", "27.0.0") == compare("27.0.0", "27.0.0+ubuntu1") == 0


def test_short_and_old_spellings_are_the_same_version() -> None:
    assert compare("27.0", "27.0.0") == 0
    assert compare("27.0.0rc1", "27.0.0.0rc1") == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("27.0.0", "29.0.0", "major"),
        ("30.0.0", "30.1.0", "minor"),
        ("30.1.0", "30.1.2", "patch"),
        ("31.0.0", "31.0.0.post3", "patch"),
        ("27.0.0.0rc1", "27.0.0.0rc2", "patch"),
        ("27.0.0.0rc1", "27.0.0", "patch"),
        ("27.0.0.0b2", "27.0.0", "major"),
        ("27.0.0.dev5", "27.0.0", "major"),
        ("27.1.0.dev5", "27.1.0", "minor"),
        ("27.1.1.dev5", "27.1.1", "patch"),
        ("26.1.0", "27.0.0.0rc1", "major"),
        ("27.0.0", "27.0.0", "patch"),
        ("27.0.0", "3:27.0.1-0ubuntu1", "major"),
    ],
)
def test_major_minor_and_patch_are_told_apart(old: str, new: str, expected: str) -> None:
    assert size(old, new) == expected


@pytest.mark.parametrize("text", ["", "master", "3:27.0.0-0ubuntu1", "27.x", "27.0.0.0rc", "27.0.0.0c1", "1!2.0", "²"])
def test_what_is_no_version_is_a_finding_and_older_than_all_that_are(text: str) -> None:
    assert parse(text) is None
    assert major(text) == -1
    assert compare(text, "0.0.1.dev1") == -1
    (finding,) = unreadable("glance", "30.0.0", text)
    assert (finding.severity, finding.rule, finding.subject) == (Severity.WARNING, "version.readable", "glance")
    assert f"'{text}'" in finding.text


def test_the_newest_of_some() -> None:
    assert newest(["27.0.0", "27.0.0.0rc2", "", "26.9.9"]) == "27.0.0"
