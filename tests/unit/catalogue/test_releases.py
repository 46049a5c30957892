"""Hops: what is allowed, and what would work where one is not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from escalator.catalogue.releases import load_releases
from escalator.model.findings import Finding, Severity

RELEASES = load_releases()


@pytest.mark.parametrize(
    ("start", "end", "hops", "chain"),
    [
        ("2025.1", "2026.1", "fewest", ("2025.1", "2026.1")),
        ("2025.1", "2026.1", "every", ("2025.1", "2025.2", "2026.1")),
        ("2025.1", "2026.2", "fewest", ("2025.1", "2026.1", "2026.2")),
        ("2025.1", "2026.2", "every", ("2025.1", "2025.2", "2026.1", "2026.2")),
        ("2025.2", "2026.2", "fewest", ("2025.2", "2026.1", "2026.2")),
        ("2023.1", "2026.1", "fewest", ("2023.1", "2024.1", "2025.1", "2026.1")),
        ("2026.1", "2026.1", "fewest", ("2026.1",)),
    ],
)
def test_the_chain(start: str, end: str, hops: str, chain: tuple[str, ...]) -> None:
    assert RELEASES.chain(start, end, hops) == chain


@pytest.mark.parametrize(
    ("start", "end", "rule", "hint"),
    [
        ("2025.1", "2026.2", "hop.not-allowed", "2025.1 -> 2026.1 -> 2026.2"),
        ("2025.2", "2026.2", "hop.not-allowed", "2025.2 -> 2026.1 -> 2026.2"),
        ("2024.1", "2026.1", "hop.not-allowed", "2024.1 -> 2025.1 -> 2026.1"),
        ("2026.1", "2025.1", "hop.backwards", "roll back before the commit"),
        ("2025.1", "2031.1", "release.unknown", "2026.2"),
    ],
)
def test_a_hop_that_is_not_allowed_names_the_rule_and_the_chain_that_would_work(
    start: str, end: str, rule: str, hint: str
) -> None:
    found = RELEASES.chain(start, end, "direct")
    assert isinstance(found, Finding)
    assert (found.severity, found.rule) == (Severity.REFUSED, rule)
    assert hint in found.hint


def test_no_chain_holds_a_hop_that_is_not_allowed() -> None:
    for i, start in enumerate(RELEASES.known):
        for end in RELEASES.known[i:]:
            chain = RELEASES.chain(start.id, end.id)
            assert not isinstance(chain, Finding)
            assert all(not RELEASES.hop_allowed(a, b) for a, b in pairwise(chain))


def test_a_version_tells_its_release() -> None:
    assert RELEASES.of_component("keystone", "27.0.1") == "2025.1"
    assert RELEASES.of_component("nova", "34.0.0") == "2026.2"
    assert RELEASES.of_component("nova", "34.0.0.0rc1") == "2026.2"
    assert RELEASES.of_component("nova", "main") == ""
