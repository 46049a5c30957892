"""host.empty, host.stays."""

from __future__ import annotations

from dataclasses import replace

from checked_fleet import Fleet, host, move, server, visit
from escalator.model.compute import Mobility
from escalator.model.maintenance import MaintenanceInfo

FLEET = Fleet((host("a"), host("b", version="8.0"), host("c", version="8.0")))
CONSENT = replace(FLEET, default=MaintenanceInfo("", migration_types=(Mobility.LIVE, Mobility.COLD)))


def test_a_host_is_empty_when_it_goes_offline() -> None:
    assert FLEET.check(move("s", "a>b", 0, 10), visit("a", 0, 10, 20)) == []
    assert FLEET.check(move("s", "a>b", 0, 10), visit("a", 0, 9.999, 20)) == ["refused host.empty a"]


def test_a_server_that_is_forgotten_is_named() -> None:
    assert FLEET.check(visit("a", 0, 10, 20)) == ["refused host.empty a"]
    assert FLEET.text(visit("a", 0, 10, 20)) == "offline from 10 s to 20 s, and not empty until 20 s: 1 server(s), s"


def test_one_that_came_meanwhile_counts_too() -> None:
    found = FLEET.check(move("s", "a>b", 0, 10), visit("b", 10, 10, 20))
    assert found == ["refused host.empty b"]


def test_each_host_that_is_not_empty_is_named_once_with_its_servers() -> None:
    fleet = Fleet(servers=(server("s", "a"), server("t", "a"), server("u", "b")))
    assert fleet.check(visit("a", 0, 10, 20), visit("b", 0, 10, 20)) == ["refused host.empty a", "refused host.empty b"]
    assert "2 server(s), s, t" in fleet.findings(visit("a", 0, 10, 20))[0].text


def test_a_server_that_is_listed_goes_down_with_its_host() -> None:
    assert CONSENT.check(visit("a", 0, 10, 20), stays=(("s", "a"),)) == []


def test_one_that_is_listed_is_there_all_the_time() -> None:
    stays = (("s", "a"),)
    assert CONSENT.check(move("s", "a>b", 20, 30), visit("a", 0, 10, 20), stays=stays) == []
    gone = CONSENT.check(move("s", "a>b", 19.99, 19.999), visit("a", 0, 10, 20), stays=stays)
    assert gone == ["refused host.stays s", "refused group.recovery s"]
    assert CONSENT.check(visit("b", 0, 10, 20), stays=(("s", "b"),)) == ["refused host.stays s"]
