"""Bad input: each fault names file, line, key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from escalator.config.campaign import CampaignFile, load_campaign
from escalator.config.document import parse
from escalator.config.site import SiteFile, load_site
from escalator.errors import DocumentError, NotFoundError

CAMPAIGN = """\
schema: escalator/campaign/v1
name: c
target: {release: "2026.1"}
"""

SITE = """\
schema: escalator/site/v1
name: lab
cloud: {clouds_yaml: clouds.yaml, entry: admin}
ssh: {key: id, known_hosts: known_hosts}
hosts:
  controller: {address: 10.0.0.1, roles: [controller]}
load_balancer: {kind: haproxy, hosts: [controller], backends: {keystone-api: keystone}}
databases: {kind: mariadb, host: controller, schemas: {keystone: [keystone]}}
installer: {kind: venv}
artefacts: {folder: releases}
"""


def problems(kind: type, text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        parse(kind, text, "f.yaml")
    return "\n".join(caught.value.problems)


def test_a_good_campaign_has_defaults() -> None:
    campaign = parse(CampaignFile, CAMPAIGN, "f.yaml")
    assert campaign.target.release == "2026.1"
    assert campaign.policy.commit == "manual"
    assert campaign.budgets.failed_requests == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CAMPAIGN + "colour: red\n", "f.yaml:4: colour: unknown key"),
        (CAMPAIGN.replace("name: c\n", ""), "f.yaml:1: name: is missing"),
        (CAMPAIGN + "smooth: perhaps\n", "f.yaml:4: smooth: Input should be a valid boolean"),
        (CAMPAIGN.replace('"2026.1"', "2026.1"), "f.yaml:3: target.release: write the release in quotes"),
        (
            CAMPAIGN + "policy:\n  on_failure: panic\n",
            "f.yaml:5: policy.on_failure: Input should be 'suspend' or 'rollback'",
        ),
        (CAMPAIGN + "soak_s: -1\n", "f.yaml:4: soak_s: Input should be greater than or equal to 0"),
        (CAMPAIGN + "name: d\n", "f.yaml:4: name: stands here a second time"),
        (CAMPAIGN.replace('{release: "2026.1"}', "{}"), "f.yaml:3: target: give 'release', or 'components'"),
        (CAMPAIGN + "tests:\n  - {name: t}\n", "f.yaml:5: tests.0: give exactly one of 'probe', 'command', 'http'"),
        (
            CAMPAIGN + "tests:\n  - name: t\n    probe: nova-api\n    command: [a]\n",
            "f.yaml:5: tests.0: give exactly one of 'probe', 'command', 'http'",
        ),
        (
            CAMPAIGN + "tests:\n  - {name: t, probe: nova-api, component: nova}\n",
            "f.yaml:5: tests.0: 'component' goes with 'when: after-component' only",
        ),
        (
            CAMPAIGN + "tests:\n  - {name: t, probe: nova-api}\n  - {name: t, command: [a]}\n",
            "f.yaml:4: tests: two entries have name 't'",
        ),
        (CAMPAIGN + "tests:\n  - {name: t, command: []}\n", "f.yaml:5: tests.0.command: List should have at least 1"),
        (
            CAMPAIGN + "tests:\n  - name: t\n    http: {url: ftp://x}\n",
            "f.yaml:6: tests.0.http.url: String should match pattern",
        ),
        (
            CAMPAIGN + "tests:\n  - name: t\n    http: {url: http://x, ok: [299, 200]}\n",
            "f.yaml:6: tests.0.http.ok: give [lowest, highest]",
        ),
        (CAMPAIGN + "approvals:\n  - {text: x}\n", "f.yaml:5: approvals.0.before: is missing"),
        (
            CAMPAIGN + "approvals:\n  - {before: roll}\n  - {before: roll}\n",
            "f.yaml:4: approvals: two entries have before 'roll'",
        ),
        (
            CAMPAIGN + "pauses:\n  - {before: roll, after: roll}\n",
            "f.yaml:5: pauses.0: give exactly one of 'before', 'after', 'at'",
        ),
        (
            CAMPAIGN + "pauses:\n  - {at: 2026-11-25T22:00:00}\n",
            "f.yaml:5: pauses.0.at: Input should have timezone info",
        ),
        (
            CAMPAIGN + "windows:\n  - from: 22:00\n    to: '04:00'\n",
            "f.yaml:5: windows.0.from: write the time in quotes: '22:00'",
        ),
        (
            CAMPAIGN + "windows:\n  - {from: '25:00', to: '04:00'}\n",
            "f.yaml:5: windows.0.from: String should match pattern",
        ),
        (
            CAMPAIGN + "windows:\n  - {from: '22:00', to: '04:00', timezone: Mars/Base}\n",
            "f.yaml:5: windows.0.timezone: no time zone of this name",
        ),
        (
            CAMPAIGN + "windows:\n  - {from: '22:00', to: '04:00', days: [noday]}\n",
            "f.yaml:5: windows.0.days.0: Input should be 'mon', 'tue'",
        ),
        (
            CAMPAIGN.replace('"2026.1"', '"2026.1", components: {nova: "31.1.0"}'),
            "f.yaml:3: target: give 'release' or 'components', not both",
        ),
        (
            "schema: escalator/campaign/v1\nname: c\n",
            "f.yaml:1: (the document): give 'target', 'hosts', or both",
        ),
        (CAMPAIGN + "hosts: {}\n", "f.yaml:4: hosts.target: is missing"),
        (CAMPAIGN + "hosts:\n  target: {}\n", "f.yaml:5: hosts.target: give 'packages', or 'reboot: always'"),
        (CAMPAIGN + "hosts:\n  names: [h1]\n  target: {reboot: always}\n", "f.yaml:5: hosts.names: unknown key"),
        (
            CAMPAIGN + "hosts:\n  target:\n    packages: {'a; reboot': newest}\n",
            "f.yaml:6: hosts.target.packages.a; reboot.[key]: String should match pattern",
        ),
        (
            CAMPAIGN + "hosts:\n  target:\n    packages: {qemu: $(x)}\n",
            "f.yaml:6: hosts.target.packages.qemu: String should match pattern",
        ),
        (
            CAMPAIGN + "hosts:\n  target: {reboot: always}\n  select: {failure_sets: [r1]}\n",
            "f.yaml:6: hosts.select.failure_sets.0: String should match pattern",
        ),
        (
            CAMPAIGN + "hosts:\n  target: {reboot: always}\n  canary: {count: 0}\n",
            "f.yaml:6: hosts.canary.count: Input should be greater than or equal to 1",
        ),
        (
            CAMPAIGN + "hosts:\n  target: {reboot: always}\n  per_failure_set: {rack: 0}\n",
            "f.yaml:6: hosts.per_failure_set.rack: Input should be greater than or equal to 1",
        ),
        ("- a\n", "f.yaml:1: expected 'key: value' lines"),
        ("a: [\n", "f.yaml:2:"),
    ],
)
def test_a_bad_campaign_says_where_and_what(text: str, expected: str) -> None:
    assert expected in problems(CampaignFile, text)


def test_all_problems_are_named_at_once() -> None:
    text = problems(CampaignFile, CAMPAIGN + "smooth: 3\nsoak_s: no\n")
    assert "f.yaml:4" in text
    assert "f.yaml:5" in text


def test_a_site_may_not_name_a_host_it_does_not_have() -> None:
    text = problems(SiteFile, SITE.replace("host: controller", "host: db1"))
    assert "unknown host db1; hosts are: controller" in text


def test_a_schema_name_cannot_carry_sql() -> None:
    text = problems(SiteFile, SITE.replace("[keystone]}}", '["k; drop"]}}'))
    assert "databases.schemas.keystone.0" in text


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    site = load_site(tmp_path / "site.yaml")
    assert site.path(site.ssh.key) == tmp_path / "id"
    assert site.path(Path("/x")) == Path("/x")
    assert site.with_role("controller") == ("controller",)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        load_campaign(tmp_path / "none.yaml")


def test_the_example_campaign_is_good() -> None:
    root = Path(__file__).parents[3]
    assert load_campaign(root / "examples" / "campaign.yaml").name == "vim-to-2026.1"


def test_the_gated_example_is_good_and_knows_its_folder() -> None:
    root = Path(__file__).parents[3]
    campaign = load_campaign(root / "examples" / "campaign-gated.yaml")
    assert {t.when for t in campaign.tests} == {"before", "after-component", "after"}
    assert [a.before for a in campaign.approvals] == ["roll", "commit"]
    assert campaign.windows[0].from_ == "22:00"
    assert campaign.folder == str(root / "examples")


def test_a_runs_copy_of_a_campaign_keeps_the_folder_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    assert load_campaign(tmp_path / "campaign.yaml").folder == str(tmp_path)
    assert load_campaign(tmp_path / "campaign.yaml", "/where/it/was").folder == "/where/it/was"


def test_the_example_of_hosts_is_good() -> None:
    root = Path(__file__).parents[3]
    campaign = load_campaign(root / "examples" / "campaign-hosts.yaml")
    assert campaign.target is None
    assert campaign.hosts is not None
    assert campaign.hosts.canary is not None
