"""times.yaml: what operators may write there, and what learning leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from escalator.catalogue.components import load_catalogue
from escalator.catalogue.times import NAME, Learned, LearnedTime, load_times, save_times
from escalator.errors import DocumentError, StorageError

ENTRY = LearnedTime(act="unit.start", of="nova-api", expected_s=7.2, longest_s=90, runs=7, measured=14)


def learned(*entries: LearnedTime) -> Learned:
    return Learned({e.key: e for e in entries})


def test_what_is_written_is_read_again_and_is_the_same_text_each_time(tmp_path: Path) -> None:
    more = LearnedTime(act="bundle.stage", unit="MB", expected_s=1, expected_per_unit_s=0.02, longest_s=100, runs=1)
    save_times(tmp_path, learned(ENTRY, more))
    text = (tmp_path / NAME).read_text()
    assert load_times(tmp_path) == learned(ENTRY, more)
    save_times(tmp_path, learned(more, ENTRY))
    assert (tmp_path / NAME).read_text() == text
    assert (
        "- {act: unit.start, of: nova-api, verb: do, expected_s: 7.2, longest_s: 90.0, runs: 7, measured: 14}" in text
    )
    assert text.startswith("# How long acts took on this site")


def test_nothing_learned_is_a_good_file_too(tmp_path: Path) -> None:
    save_times(tmp_path, Learned())
    assert load_times(tmp_path) == Learned()


def test_an_entry_that_an_operator_fixed_is_not_learned_over() -> None:
    mine = ENTRY.model_copy(update={"expected_s": 30.0, "fixed": True})
    newer = ENTRY.model_copy(update={"expected_s": 8.0})
    assert learned(mine).with_newer([newer]).entries[ENTRY.key].expected_s == 30
    assert learned(ENTRY).with_newer([newer]).entries[ENTRY.key].expected_s == 8


def test_what_was_not_measured_again_stays() -> None:
    other = LearnedTime(act="soak.long", expected_s=1, longest_s=2)
    assert set(learned(ENTRY).with_newer([other]).entries) == {ENTRY.key, other.key}


def test_the_closest_entry_counts_and_none_of_another_unit_or_verb() -> None:
    known = learned(ENTRY, ENTRY.model_copy(update={"of": "", "expected_s": 5.0}))
    assert known.time_of("unit.start", "nova-api", "do", "") == ENTRY
    pooled = known.time_of("unit.start", "glance-api", "do", "")
    assert pooled is not None
    assert pooled.expected_s == 5
    assert known.time_of("unit.start", "nova-api", "undo", "") is None
    assert known.time_of("unit.start", "nova-api", "do", "GiB") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: escalator/times/v1\ntimes:\n- {act: x, expected_s: 1, longest_s: 0}\n", ":3: times.0.longest_s"),
        ("schema: escalator/times/v1\ntimes:\n- {act: x, expected_s: 1}\n", ":3: times.0.longest_s: is missing"),
        (
            "schema: escalator/times/v1\ntimes:\n- {act: x, expected: 1, longest_s: 2}\n",
            "times.0.expected: unknown key",
        ),
        (
            "schema: escalator/times/v1\ntimes:\n" + "- {act: x, of: y, expected_s: 1, longest_s: 2}\n" * 2,
            "two entries are about x y do",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(DocumentError) as caught:
        load_catalogue(tmp_path)
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_times_stand_beside_components_and_are_part_of_the_digest(tmp_path: Path) -> None:
    before = load_catalogue(tmp_path).digest
    save_times(tmp_path, learned(ENTRY))
    found = load_catalogue(tmp_path)
    assert found.learned == learned(ENTRY)
    assert set(found.components) == set(load_catalogue().components)
    assert found.digest != before


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't be written"):
        save_times(tmp_path / "file", learned(ENTRY))
