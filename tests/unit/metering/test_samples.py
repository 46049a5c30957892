"""Samples survive a meter that dies at any byte."""

import json

from escalator.metering.samples import FILE, Sample, Second, line, open_samples, read
from escalator.metering.summary import failed_requests, summarise, totals

ONE = Sample(100.0, 0.5, "nova", "live", "new", "")


def test_records_come_back(tmp_path):
    with open_samples(tmp_path, 99.0) as stream:
        stream.write(line(ONE) + line(Second(101.0, 0.004, 0)))
    found = read(tmp_path)
    assert found.samples == [ONE]
    assert found.seconds == [Second(101.0, 0.004, 0)]
    assert found.starts == [99.0]


def test_cut_at_every_byte_it_can_be_read_and_continued(tmp_path):
    text = line(ONE) * 3
    for cut in range(len(text)):
        (tmp_path / FILE).write_text(text[:cut])
        with open_samples(tmp_path, 200.0) as stream:
            stream.write(line(ONE))
        samples = read(tmp_path).samples
        assert len(samples) in (cut // len(line(ONE)) + 1, cut // len(line(ONE)) + 2)
        assert set(samples) == {ONE}


def test_damaged_lines_are_passed_over(tmp_path):
    (tmp_path / FILE).write_bytes(b'\xff\xfe\n["s",1]\n{}\n5\n["s","x",1,"a","b","c",""]\n' + line(ONE).encode())
    assert read(tmp_path).samples == [ONE]


def test_totals_are_zero_before_the_first_second(tmp_path):
    assert failed_requests(tmp_path) == 0
    (tmp_path / "totals.json").write_text('{"at": 1,')
    assert totals(tmp_path)["requests"] == 0


def test_the_summary_of_nothing_is_whole(tmp_path):
    summary = summarise(tmp_path)
    assert summary["requests"]["total"] == 0
    json.dumps(summary)


def test_the_summary_keeps_cycles_and_vnfs_apart(tmp_path):
    with open_samples(tmp_path, 0.0) as stream:
        for at, api, kind, reason in [
            (0, "nova", "server", ""),
            (10, "nova", "server", "error-state"),
            (20, "nova", "server", ""),
            (20, "nova", "live", ""),
            (21, "vnf:a", "udp", ""),
            (22, "vnf:a", "udp", "timeout"),
            (23, "vnf:a", "udp", ""),
        ]:
            stream.write(line(Sample(float(at), 0.1, api, kind, "", reason)))
    summary = summarise(tmp_path, [{"action": "x", "start": 9, "end": 11}, {"action": "y", "start": 9, "end": None}])
    assert summary["apis"]["nova"]["longest_gap_ms"] == 0
    assert summary["apis"]["nova"]["longest_cycle_gap_ms"] == 20000
    assert summary["vnfs"]["a"]["longest_gap_ms"] == 2000
    assert [g["actions"] for g in summary["gaps"]] == [["x"], []]
    assert set(summary["apis"]["nova"]["strip"]) <= set("+!.?")
    assert "!" in summary["apis"]["nova"]["strip"]
