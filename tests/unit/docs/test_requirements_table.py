"""docs/requirements.md is complete and honest: every id stands there, and a test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
FAMILIES = {
    "SC": 4, "OB": 7, "GR": 5, "DU": 7, "EN": 2, "PR": 5, "VA": 3, "BA": 2, "EX": 7, "TE": 2, "RO": 3, "MO": 5,
    "LO": 1, "AD": 3, "IF": 6, "SY": 4, "DO": 1, "MS": 2, "UC": 5,
}  # fmt: skip
IDS = [f"{family}-{n}" for family, count in FAMILIES.items() for n in range(1, count + 1)]
IDS += [f"PR-4{letter}" for letter in "abcdef"]


def rows() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / "requirements.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"[A-Z]{2}-\d+[a-f]?", cells[0]):
            assert cells[0] not in found, f"{cells[0]} stands twice"
            found[cells[0]] = cells[1:]
    return found


def test_every_requirement_has_a_row() -> None:
    assert sorted(rows()) == sorted(IDS)


def test_a_row_names_an_existing_test_or_says_open() -> None:
    for identifier, (built, shown) in rows().items():
        if shown.startswith("open"):
            continue
        assert built, f"{identifier} has a test and no place"
        for test in re.findall(r"`([^`]+)`", shown):
            path, _, name = test.partition("::")
            assert (ROOT / path).exists(), f"{identifier}: no {path}"
            if name:
                assert f"def {name}" in (ROOT / path).read_text(), f"{identifier}: no {name} in {path}"
        assert "`" in shown, f"{identifier} names no test"


def test_a_place_that_is_named_exists() -> None:
    for identifier, (built, _) in rows().items():
        for place in re.findall(r"`([^`]+)`", built):
            assert (ROOT / place).exists(), f"{identifier}: no {place}"
