"""The report: what it says, and that hostile names stay text."""

import json
from pathlib import Path

import escalator.report
from escalator.metering.samples import Sample, line, open_samples
from escalator.metering.summary import summarise
from escalator.model.plan import Change, Plan, Policy
from escalator.report.build import build
from escalator.report.html import render

EVIL = "<script>alert(1)</script>"


def a_report(folder, name="campaign"):
    change = Change("nova", "31.0.0", "33.0.0", "2025.1", "2026.1", "major")
    plan = Plan(name, name, ("2025.1", "2026.1"), "b", (change,), (), (), Policy(), True, "", "", "")
    with open_samples(folder, 0.0) as stream:
        for at, reason in [(0, ""), (1, "http-503"), (2, "")]:
            for api in ("nova", f"vnf:{name}"):
                stream.write(line(Sample(float(at), 0.1, api, "live", "new", reason)))
    events = [
        {"action": name, "title": name, "start": 0.5, "end": 1.5, "result": "done", "step": name},
        {"action": "b", "title": "b", "start": 1.0, "end": None, "result": None, "step": "s"},
    ]
    meters = summarise(folder, events)
    test = {"name": name, "when": "after", "component": "", "result": "failed", "took_s": None, "text": name}
    return build(
        plan, events, meters, None, state="EXECUTION_COMPLETED", environment={"host": name}, tests=[test]
    )  # fmt: skip


def test_it_says_what_was_done_and_what_it_cost(tmp_path):
    report = a_report(tmp_path)
    assert report["state"] == "EXECUTION_COMPLETED"
    assert report["duration_s"] == 1.0
    assert report["requests"]["failed"] == 2
    assert report["apis"]["nova"]["longest_gap_ms"] == 2000
    assert report["versions"]["nova"] == {"from": "31.0.0", "to": "33.0.0"}
    assert report["gaps"][0]["actions"] == ["campaign"]
    schema = json.loads((Path(escalator.report.__file__).parent / "report.schema.json").read_text())
    assert set(schema["required"]) <= set(report)
    json.dumps(report)


def test_hostile_names_stay_text_and_nothing_is_loaded(tmp_path):
    html = render(a_report(tmp_path, EVIL))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("<rect") > 3


def test_the_published_schema_names_what_a_report_holds(tmp_path):
    published = json.loads((Path(__file__).parents[3] / "docs/reference/report.schema.json").read_text())
    report = a_report(tmp_path)
    assert set(published["properties"]) == set(report)
    assert set(published["required"]) <= set(report)
    per_api = published["properties"]["apis"]["additionalProperties"]["properties"]
    assert set(per_api) >= set(report["apis"]["nova"])
    per_kind = per_api["kinds"]["additionalProperties"]["properties"]
    assert set(per_kind) >= set(report["apis"]["nova"]["kinds"]["live"])
    per_test = published["properties"]["tests"]["items"]
    assert set(per_test["properties"]) == set(report["tests"][0])
    assert set(per_test["required"]) <= set(report["tests"][0])
