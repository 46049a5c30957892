"""What of an inventory points nowhere."""

from __future__ import annotations

from dataclasses import replace

from escalator.inventory.consistency import made_consistent
from escalator.model.compute import ServerGroup
from escalator.model.findings import Severity
from small_fleet import fleet, server


def test_a_whole_inventory_is_left_as_it_is() -> None:
    assert made_consistent(fleet()) == (fleet(), ())


def test_a_server_on_a_host_that_is_not_there_stops_a_plan() -> None:
    whole = fleet()
    found, findings = made_consistent(replace(whole, servers=(*whole.servers, server("s9", "h9"), server("s8", ""))))
    (finding,) = findings
    assert (finding.severity, finding.rule, finding.subject) == (Severity.REFUSED, "inventory.fits", "h9")
    assert len(found.servers) == 7


def test_members_and_groups_that_are_not_there_count_as_gone() -> None:
    whole = fleet()
    group = ServerGroup("g2", "db", "affinity", ("s3", "gone1", "gone2", "gone3", "gone4"))
    found, findings = made_consistent(
        replace(
            whole, server_groups=(*whole.server_groups, group), servers=(*whole.servers, server("s9", "h1", group="g9"))
        )
    )
    assert found.server_groups[1].members == ("s3",)
    assert found.servers[-1].group == ""
    assert [(f.severity, f.subject) for f in findings] == [(Severity.WARNING, "g2"), (Severity.WARNING, "servers")]
    assert "gone1, gone2, gone3 and 1 more" in findings[0].text
