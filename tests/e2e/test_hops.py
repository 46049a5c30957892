"""One campaign file, release by release: each hop commits before the next expands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from escalator_lab.progress import Progress
from operator_at_work import Operator, cloud

pytestmark = [pytest.mark.lab, pytest.mark.full]

CAMPAIGN = """\
schema: escalator/campaign/v1
name: hops
target: {release: "2026.2"}
hops: every
soak_s: 5
policy: {commit: automatic}
"""


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = cloud(tmp_path_factory.mktemp("hops"), "2025.2", "2026.1", "2026.2")
    yield made
    made.lab.down(Progress())


def test_three_hops_of_one_campaign(operator: Operator) -> None:
    before = operator.inventory()
    campaign = operator.folder / "hops.yaml"
    campaign.write_text(CAMPAIGN)
    run = operator.begin("execute", "--campaign", str(campaign))
    assert run.wait(3600) == 0, operator.said()
    hops = []
    for folder in (operator.state / "runs").iterdir():
        report = operator.json("report", "--run", folder.name, "--out", str(operator.folder / folder.name))
        assert report["state"] == "CAMPAIGN_COMMITTED"
        assert report["requests"]["failed"] == 0
        hops.append(report["hop"])
    assert sorted(hops) == [["2025.1", "2025.2"], ["2025.2", "2026.1"], ["2026.1", "2026.2"]]
    after = operator.inventory()
    assert after["servers"] == before["servers"]
    assert {v[3].split("-")[0] for v in after["versions"].values() if v[1]} == {"2026.2"}
    assert "Nothing is left to do" in operator.run("plan", "--campaign", str(campaign))
