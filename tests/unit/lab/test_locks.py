"""The lab's locks, and a bug-fix patch laid over one."""

from __future__ import annotations

import pytest

from escalator_lab.bundles import lock, patched
from escalator_lab.errors import UnknownRelease

HASHES = ["0" * 64, "f" * 64]


def test_a_patch_differs_from_its_release_in_one_package_only() -> None:
    base = lock("2025.1")
    new = patched(base, "placement", "13.0.1", HASHES)
    assert new.release == base.release
    assert new.id != base.id
    assert new.packages == {**base.packages, "openstack-placement": "13.0.1"}
    assert new.components == {**base.components, "placement": "13.0.1"}
    assert [line.strip(" \\") for line in new.text.splitlines() if line not in base.text.splitlines()] == [
        "openstack-placement==13.0.1", *(f"--hash=sha256:{h}" for h in HASHES),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("component", "version", "digest", "said"),
    [
        ("cinder", "26.0.0", "0" * 64, "no component 'cinder'"),
        ("nova", "newest", "0" * 64, "'newest' is no version"),
        ("nova", "31.1.0\nevil==1.0", "0" * 64, "is no version"),
        ("nova", "31.1.0", "sha256:abc", "'sha256:abc' is no SHA-256"),
    ],
)
def test_what_can_be_no_patch_is_refused(component: str, version: str, digest: str, said: str) -> None:
    with pytest.raises(UnknownRelease, match=said):
        patched(lock("2025.1"), component, version, [digest])


def test_a_release_without_a_lock_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownRelease) as caught:
        lock("2019.1")
    assert "2025.1" in caught.value.advice
