"""slots.out, slots.in, slots.all."""

from __future__ import annotations

from dataclasses import replace

from checked_fleet import LOOSE, Fleet, move, server

HERE = Fleet(servers=(server("s", "a"), server("t", "a"), server("u", "b")))


def test_so_many_leave_a_host_at_a_time() -> None:
    given = replace(HERE, limits=replace(LOOSE, out_slots=1))
    one = move("s", "a>b", 0, 10)
    assert given.check(one, move("t", "a>c", 10, 20)) == []
    assert given.check(one, move("t", "a>c", 9.999, 20)) == ["refused slots.out a"]
    assert given.text(one, move("t", "a>c", 9.999, 20)) == "at 9.999 s 2 servers leave it, 1 may at a time"


def test_so_many_come_to_a_host_at_a_time() -> None:
    given = replace(HERE, limits=replace(LOOSE, in_slots=1))
    one = move("s", "a>c", 0, 10)
    assert given.check(one, move("u", "b>c", 10, 20)) == []
    assert given.check(one, move("u", "b>c", 9.999, 20)) == ["refused slots.in c"]


def test_slots_are_at_least_one() -> None:
    given = replace(HERE, limits=replace(LOOSE, out_slots=0, in_slots=0))
    assert given.check(move("s", "a>b", 0, 10)) == []
    assert given.check(move("s", "a>b", 0, 10), move("t", "a>b", 0, 10)) == [
        "refused slots.out a",
        "refused slots.in b",
    ]


def test_so_many_are_under_way_in_all() -> None:
    given = replace(HERE, limits=replace(LOOSE, migrations=1))
    one = move("s", "a>b", 0, 10)
    assert given.check(one, move("u", "b>c", 10, 20)) == []
    assert [f.subject for f in given.findings(one, move("u", "b>c", 9.999, 20))] == ["lab"]
    assert given.check(one, move("u", "b>c", 9.999, 20)) == ["refused slots.all lab"]
    assert replace(HERE, limits=LOOSE).check(one, move("u", "b>c", 0, 20)) == []
