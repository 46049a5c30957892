"""move.once."""

from __future__ import annotations

from checked_fleet import Fleet, move, server


def test_each_server_that_moves_more_than_once_is_a_warning_with_its_count_and_way() -> None:
    given = Fleet(servers=(server("s", "a"), server("t", "a")))
    steps = move("s", "a>b", 0, 10), move("s", "b>c", 20, 30), move("s", "c>a", 40, 50), move("t", "a>b", 0, 10)
    assert given.check(*steps) == ["warning move.once s"]
    assert given.text(*steps) == "moves 3 times: a, b, c, a"
    assert given.check(*steps[-1:]) == []
