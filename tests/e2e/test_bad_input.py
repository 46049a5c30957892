"""Bad input against a real cloud: a clear error, its exit status, and nothing changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from escalator_lab.progress import Progress
from operator_at_work import Operator, cloud, fill, small_disk

pytestmark = pytest.mark.lab

WRONG_INPUT, REFUSED, SITE_FAILED, OUR_STATE = 2, 3, 4, 5
NOBODY = "10.82.0.99"
CAMPAIGN = """\
schema: escalator/campaign/v1
name: bad
target: {release: "2026.1"}
"""


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Whatever was given to it, the cloud is at the end what it was at the beginning."""
    made = cloud(tmp_path_factory.mktemp("bad"))
    try:
        before = made.inventory()
        yield made
        assert made.inventory() == before
    finally:
        made.lab.down(Progress())


def campaign(folder: Path, old: str = "", new: str = "") -> str:
    path = folder / "campaign.yaml"
    path.write_text(CAMPAIGN.replace(old, new) if old else CAMPAIGN)
    return str(path)


def elsewhere(operator: Operator, folder: Path, change: Callable[[dict[str, Any]], object]) -> Operator:
    """The same operator with a site.yaml that was changed, and a state folder of its own."""
    site = yaml.safe_load(operator.site.read_text())
    for part, key in (("cloud", "clouds_yaml"), ("ssh", "key"), ("ssh", "known_hosts")):
        site[part][key] = str(operator.site.parent / site[part][key])
    change(site)
    made = Operator(operator.lab, folder)
    made.site = folder / "site.yaml"
    made.site.write_text(yaml.safe_dump(site))
    return made


def refused(operator: Operator, wanted: str, status: int, *texts: str) -> None:
    """``plan`` and ``execute`` end so and say so; no run was begun."""
    for verb in ("plan", "execute"):
        said = operator.refusal(verb, "--campaign", wanted, status=status)
        assert [text for text in texts if text not in said] == [], said
    assert not (operator.state / "runs").exists()


@pytest.mark.parametrize(
    ("change", "status", "texts"),
    [
        (("name: bad\n", ""), WRONG_INPUT, ["campaign.yaml:1: name: is missing", "ESC-101"]),
        (('"2026.1"', "[2026.1]"), WRONG_INPUT, ["campaign.yaml:3: target.release: ", "string"]),
        (("2026.1", "2031.1"), REFUSED, ["release '2031.1' is not in the catalogue", "2026.2"]),
        (("2026.1", "2024.1"), REFUSED, ["2024.1 is older than 2025.1", "restore a backup"]),
        (("2026.1", "2025.2"), REFUSED, ["no bundle of 2025.2 was collected"]),
        (('release: "2026.1"', 'components: {cake: "1.0"}'), WRONG_INPUT, ["unknown component 'cake'", "glance"]),
        (('"2026.1"}\n', '"2026.2"}\nhops: direct\n'), REFUSED, ["hop.not-allowed", "2025.1 -> 2026.1 -> 2026.2"]),
    ],
)
def test_a_campaign_that_can_not_be(
    operator: Operator, tmp_path: Path, change: tuple[str, str], status: int, texts: list[str]
) -> None:
    collected = collection(operator, tmp_path / "artefacts")
    here = elsewhere(operator, tmp_path, lambda site: site["artefacts"].update(folder=str(collected)))
    refused(here, campaign(tmp_path, *change), status, *texts)


def collection(operator: Operator, folder: Path) -> Path:
    """Bundles of 2025.1 and 2026.1 only; the cache that labs share may hold more."""
    folder.mkdir()
    for bundle in operator.lab.layout.releases.glob("202[56].1-*"):
        (folder / bundle.name).symlink_to(bundle)
    return folder


def test_a_host_that_does_not_answer(operator: Operator, tmp_path: Path) -> None:
    here = elsewhere(operator, tmp_path, lambda site: site["hosts"]["compute2"].update(address=NOBODY))
    refused(here, campaign(tmp_path), REFUSED, "site.whole", "compute2", "not reachable")


def test_a_key_that_the_hosts_do_not_know(operator: Operator, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    here = elsewhere(operator, tmp_path, lambda site: site["ssh"].update(key=str(tmp_path / "other")))
    refused(here, campaign(tmp_path), SITE_FAILED, "ESC-302", "may not log in with", "ssh: in site.yaml")


def test_a_wrong_password_of_the_cloud(operator: Operator, tmp_path: Path) -> None:
    clouds = yaml.safe_load((operator.site.parent / "clouds.yaml").read_text())
    clouds["clouds"]["lab-admin"]["auth"]["password"] = "wrong-planted"
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    here = elsewhere(operator, tmp_path, lambda site: site["cloud"].update(clouds_yaml=str(tmp_path / "clouds.yaml")))
    refused(here, campaign(tmp_path), SITE_FAILED, "ESC-302", "clouds.yaml")
    assert "wrong-planted" not in here.refusal("plan", "--campaign", campaign(tmp_path), status=SITE_FAILED)


def test_a_state_folder_without_room(operator: Operator, tmp_path: Path) -> None:
    here = elsewhere(operator, tmp_path, lambda _: None)
    with small_disk(here.state, "8m"):
        said = here.refusal("execute", "--campaign", campaign(tmp_path), status=OUR_STATE)
        assert "MiB free, needs 200" in said
        assert "nothing was changed" in said
        fill(here.state / "filler")
        said = here.refusal("execute", "--campaign", campaign(tmp_path), status=OUR_STATE)
        assert "can't be written: No space left on device" in said
        assert not (here.state / "runs").exists()
