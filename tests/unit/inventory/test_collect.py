"""What becomes of the cloud's answers in an inventory; hosts that can't be reached are findings, not gaps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from escalator.catalogue.components import load_catalogue
from escalator.config.site import SiteFile
from escalator.errors import UnreachableError
from escalator.inventory.collect import collect
from escalator.model.findings import Severity
from escalator.model.inventory import Inventory
from escalator.sites.openstack import OpenStackCloud, lists
from escalator.sites.protocol import Site
from recorded_cloud import RecordedCloud, played, recorded

CONFIG = {
    "schema": "escalator/site/v1",
    "name": "lab",
    "cloud": {"clouds_yaml": "clouds.yaml", "entry": "admin", "block_migration": "never"},
    "ssh": {"key": "key", "known_hosts": "known_hosts"},
    "hosts": {
        "controller": {"address": "192.0.2.10", "roles": ["controller"]},
        "cmp1": {"address": "192.0.2.1", "roles": ["compute"], "rack": "r1", "failure_sets": ["power:a"],
                 "link_mbit_s": 10000.0},
    },
    "load_balancer": {"kind": "haproxy", "hosts": ["controller"], "backends": {}},
    "databases": {"kind": "mariadb", "host": "controller", "schemas": {}},
    "installer": {"kind": "venv"},
    "artefacts": {"folder": "artefacts"},
}  # fmt: skip


class Away:
    """A part of the site that does not answer."""

    async def run(self, host: str, argv: list[str], **_: Any) -> Any:
        raise UnreachableError(f"{host} does not answer")

    async def servers(self) -> Any:
        raise UnreachableError("no balancer")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    folder = tmp_path_factory.mktemp("site")
    away: Any = Away()
    with pytest.MonkeyPatch.context() as patch, played(RecordedCloud(recorded("fleet")), folder) as clouds:
        patch.setattr(lists, "PAUSE_S", 0.0)
        cloud = OpenStackCloud(clouds, "admin", "RegionOne")
        site = Site("lab", away, away, away, cloud, away, SiteFile.model_validate(CONFIG))
        return asyncio.run(collect(site, load_catalogue()))


def test_a_hypervisor_shares_the_fates_that_the_sites_file_names(found: Inventory) -> None:
    by_host = {h.host: h for h in found.hypervisors}
    assert by_host["cmp1"].failure_sets == ("power:a", "rack:r1")
    assert by_host["cmp1"].link_mbit_s == 10000.0
    assert by_host["cmp2"].failure_sets == ()


def test_what_the_file_says_of_disks_reaches_the_cloud(found: Inventory) -> None:
    assert {s.name: s.mobility.value for s in found.servers if s.name.startswith("web")} == {
        "web1": "cold", "web2": "live",
    }  # fmt: skip


def test_part_of_the_cloud_unseen_stops_a_plan_and_what_is_odd_does_not(found: Inventory) -> None:
    weights = {(f.rule, f.subject): f.severity for f in found.findings}
    assert weights["site.whole", "lab/servers"] is Severity.REFUSED
    assert weights["site.whole", "lab/cmp1"] is Severity.REFUSED  # over SSH
    assert weights["site.fleet", "lab/cmp3"] is Severity.WARNING
    assert weights["site.fleet", "lab/aggregate acme-only"] is Severity.INFO
