"""`escalator inventory` and `plan --inventory` as an operator meets them, without a site."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from escalator.cli.main import app
from escalator.errors import DocumentError, InputError, NotFoundError, RefusedError
from escalator.inventory.file import load_inventory, write_inventory
from escalator.model.findings import Finding, Severity
from escalator.model.schedule import Bound, Move, Schedule, Visit
from escalator.service import study as module
from small_fleet import fleet

CAMPAIGN = """\
schema: escalator/campaign/v1
name: racks
hosts:
  target: {packages: {qemu-system-x86: newest}, offline_s: 100.0}
  select: {failure_sets: ["rack:r1"]}
"""
SCHEDULE = Schedule(
    (Move("s1", "h1", "h4", 0.0, 30.0),),
    (Visit("h1", 0.0, 30.0, 130.0, 0), Visit("h2", 130.0, 160.0, 260.0, 1)),
    (Bound("B1", "waves", 2, "capacity of class az1"),),
    (Finding(Severity.INFO, "hosts.odd", "h1", "as it is"),),
    (("s4", "h2"),),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "scheduler", lambda: lambda *_: SCHEDULE)
    write_inventory(tmp_path / "i.json", fleet())
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    return tmp_path


def escalator(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words, catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_a_plan_needs_an_inventory_and_a_campaign_and_no_site(place: Path) -> None:
    status, text = escalator("plan", "--inventory", "i.json", "--json")
    answer = json.loads(text)
    assert status == 0
    assert (answer["campaign"], answer["site"], answer["hosts"]) == ("racks", "small", ["h1", "h2"])
    assert (answer["makespan_s"], answer["moves"]) == (260.0, 1)
    (stage,) = answer["stages"]
    assert (stage["name"], stage["waves"], stage["makespan_s"]) == ("hosts", 2, 260.0)
    assert stage["moves"] == [
        {"server": "s1", "source": "h1", "destination": "h4", "start_s": 0.0, "end_s": 30.0, "how": "live"}
    ]
    assert stage["bounds"][0]["binds"] == "capacity of class az1"
    assert answer["findings"][0]["rule"] == "hosts.odd"
    assert escalator("plan", "--inventory", "i.json", "--out", "p.json")[0] == 0
    assert json.loads((place / "p.json").read_text()) == answer


def test_a_plan_for_people(place: Path) -> None:
    del place
    status, text = escalator("plan", "--inventory", "i.json")
    assert status == 0
    assert text.splitlines() == [
        "Campaign racks on site small: 2 hosts, 1 moves",
        "",
        "hosts: 2 hosts in 0:04:20, 2 waves",
        "  no schedule has waves below 2 (B1: capacity of class az1)",
        "  HOST                        CLOSED       OUT      BACK  MOVES  WAVE",
        "  h1                         0:00:00   0:00:30   0:02:10      1  0",
        "  h2                         0:02:10   0:02:40   0:04:20      0  1",
        "  1 servers go down with their host: s4",
        "",
        "in all 0:04:20",
        "info     hosts.odd  h1: as it is",
    ]


def test_a_plan_that_is_refused_exits_with_3(place: Path) -> None:
    (place / "campaign.yaml").write_text(CAMPAIGN.replace("rack:r1", "rack:r9"))
    status, text = escalator("plan", "--inventory", "i.json")
    assert status == RefusedError.exit_status
    assert "REFUSED  hosts.selected  small: none of the 4 hypervisors fits" in text
    assert "no hypervisor has this failure set" in text


def test_constraints_without_an_inventory_are_not_ignored(place: Path) -> None:
    del place
    with pytest.raises(InputError, match="--constraints goes with --inventory"):
        escalator("plan", "--constraints", "c.yaml")


def test_a_site_does_not_upgrade_hosts_yet_and_says_so(place: Path) -> None:
    site = Path(__file__).parents[2] / "unit" / "cli" / "site.yaml"
    (place / "site.yaml").write_text(site.read_text())
    with pytest.raises(RefusedError, match="hosts of a site are not upgraded yet"):
        escalator("plan")


def test_an_inventory_that_is_none_says_where(place: Path) -> None:
    (place / "i.json").write_text('{"schema": "escalator/inventory/v1",\n"inventory": {"site": 3}}')
    with pytest.raises(DocumentError) as caught:
        escalator("plan", "--inventory", "i.json")
    assert "i.json:2: inventory.site: Input should be a valid string (given: 3)" in caught.value.problems


@pytest.mark.skipif(find_spec("escalator.inventory.generate") is None, reason="this build makes no inventories up")
def test_a_made_up_inventory_is_a_good_one_and_the_same_for_the_same_seed(place: Path) -> None:
    words = ["--hosts", "60", "--servers", "400", "--seed", "7", "--classes", "2", "--load", "0.6"]
    status, text = escalator("inventory", "generate", "a.json", *words, "--json")
    assert status == 0
    assert (json.loads(text)["hypervisors"], json.loads(text)["servers"]) == (60, 400)
    escalator("inventory", "generate", "b.json", *words)
    assert (place / "a.json").read_bytes() == (place / "b.json").read_bytes()
    assert load_inventory(place / "a.json").constraints is not None


@pytest.mark.skipif(find_spec("escalator.inventory.generate") is not None, reason="this build can")
def test_a_build_that_makes_no_inventories_up_says_so(place: Path) -> None:
    del place
    with pytest.raises(NotFoundError, match=r"no escalator\.inventory\.generate"):
        escalator("inventory", "generate", "a.json", "--hosts", "6", "--servers", "4")
