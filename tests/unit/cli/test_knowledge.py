"""The commands that need no site: answers, errors and exit statuses as an operator meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def escalator(*words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "escalator.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_hops() -> None:
    assert escalator("hops", "2025.1", "2026.2") == (0, "2025.1 -> 2026.1 -> 2026.2\n", "")


def test_a_hop_that_is_not_allowed_exits_with_3_and_says_what_works() -> None:
    status, text, _ = escalator("hops", "2025.2", "2026.2", "--hops", "direct")
    assert status == 3
    assert "REFUSED  hop.not-allowed" in text
    assert "2025.2 -> 2026.1 -> 2026.2" in text


def test_an_error_is_one_line_and_a_hint_never_a_traceback(tmp_path: Path) -> None:
    status, _, text = escalator("scan", str(tmp_path / "none"), "--component", "neutron")
    assert status == 2
    assert "[ESC-100]" in text
    assert "Traceback" not in text
    status, _, text = escalator("schema", "cake")
    assert (status, "hint: documents: site, campaign" in text) == (2, True)


def test_an_error_as_json(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("schema: escalator/campaign/v1\nname: x\ntarget: {release: 2026.1}\n")
    status, text, _ = escalator("validate", "--campaign", str(tmp_path / "c.yaml"), "--json")
    answer = json.loads(text)
    assert status == 2
    assert answer["error"] == "ESC-101"
    assert "c.yaml:3: target.release: write the release in quotes" in answer["problems"][0]


def test_published_schemas_are_json_schema() -> None:
    for name in ("site", "campaign"):
        status, text, _ = escalator("schema", name)
        assert status == 0
        assert json.loads(text)["additionalProperties"] is False


def test_names_from_a_document_cannot_move_the_cursor(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text('schema: escalator/campaign/v1\nname: "a\\e[2Jb"\ntarget: {release: "2026.1"}\n')
    _, out, err = escalator("validate", "--campaign", str(tmp_path / "c.yaml"))
    assert "\x1b" not in out + err
