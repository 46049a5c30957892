"""The state table is SAF SMF's: legal moves only, and no dead end that is not final."""

from __future__ import annotations

from pathlib import Path

import pytest

from escalator.errors import IllegalMoveError
from escalator.model.diagram import states_page
from escalator.model.states import FINAL, MOVES, Event, State, move


def test_execute_starts_only_from_the_three_states_of_smf() -> None:
    starts = {s for (s, e) in MOVES if e is Event.EXECUTE}
    assert starts == {State.INITIAL, State.EXECUTION_SUSPENDED, State.SUSPENDED_BY_ERROR_DETECTED}


def test_commit_only_from_a_completed_state() -> None:
    assert {s for (s, e) in MOVES if e is Event.COMMIT} == {State.EXECUTION_COMPLETED, State.ROLLBACK_COMPLETED}


def test_every_state_is_reachable_and_only_final_ones_have_no_way_out() -> None:
    reached = {State.INITIAL} | set(MOVES.values())
    assert reached == set(State)
    assert {s for s in State if not any(f is s for (f, _) in MOVES)} == FINAL


def test_an_illegal_move_says_what_is_possible() -> None:
    with pytest.raises(IllegalMoveError) as caught:
        move(State.CAMPAIGN_COMMITTED, Event.ROLLBACK)
    assert "CAMPAIGN_COMMITTED" in caught.value.text
    with pytest.raises(IllegalMoveError) as caught:
        move(State.EXECUTION_COMPLETED, Event.SUSPEND)
    assert caught.value.hint == "possible now: commit, rollback"


def test_the_published_page_is_generated_from_the_table() -> None:
    page = Path(__file__).parents[3] / "docs/reference/states.md"
    assert page.read_text(encoding="utf-8") == states_page()
