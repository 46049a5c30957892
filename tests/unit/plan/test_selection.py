"""A campaign's template against an inventory: never by name, the emptiest first, the sick left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from escalator.config.campaign import CampaignFile
from escalator.config.hosts import HostsEntry
from escalator.errors import InputError
from escalator.model.findings import Severity
from escalator.model.maintenance import Limits
from escalator.plan.selection import limits_of, select
from small_fleet import fleet, host


def entry(**more: Any) -> HostsEntry:
    return HostsEntry.model_validate({"target": {"packages": {"qemu-system-x86": "newest"}}, **more})


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({}, ("h4", "h3", "h1", "h2")),
        ({"select": {"zones": ["az1"]}}, ("h3", "h1")),
        ({"select": {"failure_sets": ["rack:r1"]}}, ("h1", "h2")),
        ({"select": {"failure_sets": ["rack:r1"], "zones": ["az2"]}}, ("h2",)),
        ({"select": {"failure_sets": ["rack:r1", "rack:r2"], "count": 3}}, ("h4", "h3", "h1")),
        ({"select": {"aggregates": ["all"]}, "exclude": ["h4", "h1"]}, ("h3", "h2")),
        ({"select": {"roles": ["network"]}}, ("h1",)),
    ],
)
def test_the_template_says_which(given: Any, hosts: tuple[str, ...]) -> None:
    found = select(entry(**given), fleet())
    assert (found.hosts, found.findings) == (hosts, ())


def test_the_canary_are_the_emptiest() -> None:
    found = select(entry(canary={"count": 2}), fleet())
    assert (found.canary, found.others) == (("h4", "h3"), ("h1", "h2"))


def test_a_host_that_is_down_is_left_out_and_named() -> None:
    whole = fleet()
    found = select(entry(), replace(whole, hypervisors=(*whole.hypervisors, host(5, state="down"))))
    assert found.hosts == ("h4", "h3", "h1", "h2")
    assert [(f.severity, f.subject, f.text) for f in found.findings] == [
        (Severity.WARNING, "h5", "is down: it is left out")
    ]


def test_a_word_that_fits_nothing_is_named() -> None:
    found = select(entry(select={"zones": ["az1", "az9"]}, exclude=["h7"]), fleet())
    assert [(f.subject, f.text) for f in found.findings] == [
        ("az9", "no hypervisor has this zone"), ("h7", "no hypervisor has this host to exclude"),
    ]  # fmt: skip


def test_no_host_at_all_is_a_refusal() -> None:
    found = select(entry(select={"aggregates": ["none"]}), fleet())
    assert [(f.severity, f.text) for f in found.findings][-1] == (
        Severity.REFUSED, "none of the 4 hypervisors fits",
    )  # fmt: skip
    found = select(entry(exclude=["h1", "h2", "h3", "h4"]), fleet())
    assert "4 of 4 fit, all excluded or down" in found.findings[-1].text


def test_a_campaign_tightens_the_sites_limits_and_never_loosens_them() -> None:
    limits = Limits(hosts_at_once=4, offline_per_set=(("power", 3), ("rack", 2)), host_offline_s=1200)
    given = entry(at_once=8, per_failure_set={"rack": 1, "power": 5, "chassis": 1})
    assert limits_of(given, limits) == Limits(
        hosts_at_once=4, offline_per_set=(("chassis", 1), ("power", 3), ("rack", 1)), host_offline_s=1200
    )
    faster = HostsEntry.model_validate({"target": {"reboot": "always", "offline_s": 300.0}, "at_once": 2})
    assert limits_of(faster, Limits()) == Limits(hosts_at_once=2, host_offline_s=300.0)


def test_a_campaign_may_upgrade_hosts_alone_and_has_no_other_target_then() -> None:
    data = {"schema": "escalator/campaign/v1", "name": "c", "hosts": {"target": {"reboot": "always"}}}
    campaign = CampaignFile.model_validate(data)
    with pytest.raises(InputError, match="nothing of the control plane is wanted"):
        _ = campaign.wanted
