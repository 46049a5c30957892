"""What the ledger finds: it would be no witness if it could not accuse."""

from __future__ import annotations

from chaos.ledger import Line, faults


def lines(*effects: str, event: str = "done") -> list[Line]:
    return [Line("h", event, effect) for effect in effects]


def test_the_same_effects_are_right() -> None:
    assert faults(lines("start a", "link a to b"), lines("start a", "link a to b"), kills=3) == []


def test_an_effect_that_is_missing_is_lost() -> None:
    assert "lost" in faults(lines(), lines("start a"), kills=1)[0]


def test_an_effect_that_was_completed_again_is_twice() -> None:
    assert "twice" in faults(lines("unpack b", "unpack b"), lines("unpack b"), kills=1)[0]


def test_an_effect_that_was_taken_back_in_between_is_not_twice_unless_more_often_than_killed() -> None:
    disturbed = lines("start a", "stop a", "start a", "stop a", "start a")
    assert faults(disturbed, lines("start a"), kills=2) == []
    assert len(faults(disturbed, lines("start a"), kills=1)) == 2


def test_what_only_looks_may_be_repeated() -> None:
    assert faults(lines("look x", "look x"), lines("look x"), kills=1) == []


def test_a_second_command_beside_the_first_is_found() -> None:
    assert "side by side" in faults(lines("nova-manage db sync", event="clash"), [], kills=1)[0]


def test_an_order_that_was_begun_again_is_found_though_it_did_nothing() -> None:
    again = lines("keystone-manage db_sync --expand", event="begun")
    assert "begun twice" in faults([*again, *again], again, kills=1)[0]
