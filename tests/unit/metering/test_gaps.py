"""Gaps from samples (DU-1, DU-7): found where something failed, never invented."""

import pytest

from escalator.metering.gaps import UnderWay, account
from escalator.metering.samples import STARVED, Sample, Second


def live(sent, reason="", took=0.01, api="nova"):
    return Sample(sent, took, api, "live", "new", reason)


def test_no_failure_is_no_gap_however_long_the_pause():
    found = account([live(0), live(1), live(50)])
    assert found.gaps == ()
    assert found.series[0].longest_gap == 0
    assert found.series[0].requests == 3


def test_a_gap_runs_from_the_last_success_to_the_end_of_the_next():
    found = account([live(0), live(1, "connection"), live(2, "http-503"), live(3), live(4)])
    (gap,) = found.gaps
    assert (gap.start, gap.end) == (pytest.approx(0.01), pytest.approx(3.01))
    assert gap.reasons == {"connection": 1, "http-503": 1}
    assert found.series[0].by_reason == {"connection": 1, "http-503": 1}
    assert found.series[0].outage == pytest.approx(3.0)


def test_a_request_that_hangs_beside_good_ones_is_a_short_gap():
    found = account([live(0), live(1, "timeout", took=10), live(1.1), live(1.2)])
    (gap,) = found.gaps
    assert gap.seconds == pytest.approx(1.1)


def test_a_slow_success_sent_before_the_failure_proves_nothing_after_it():
    found = account([live(0, took=5), live(1, "http-503"), live(2)])
    assert found.gaps[0].start == 1
    assert found.gaps[0].seconds > 0


def test_a_gap_that_never_ended_is_open():
    (gap,) = account([live(0), live(1, "timeout", took=10)]).gaps
    assert gap.open
    assert gap.end == 11


def test_a_gap_names_the_actions_under_way():
    actions = [UnderWay("a", 0, 0.9), UnderWay("b", 0.5, 2.5), UnderWay("c", 2.5, 9), UnderWay("d", 8, 9)]
    (gap,) = account([live(1), live(2, "http-500"), live(3)], actions=actions).gaps
    assert gap.actions == ("b", "c")


def test_starved_samples_are_neither_failed_nor_good():
    found = account([live(0), live(1, STARVED), live(2)])
    assert found.gaps == ()
    assert found.series[0].starved == 1
    assert found.series[0].failed == 0


def test_a_gap_in_which_the_meter_was_starved_is_uncertain():
    seconds = [Second(2.0, 0.01, 0), Second(12.0, 3.0, 7)]
    samples = [live(0), live(1, "http-503"), live(2), live(8), live(10, "connection"), live(12)]
    found = account(samples, seconds)
    assert [g.uncertain for g in found.gaps] == [False, True]
    assert found.uncertain == ((9.0, 12.0),)
    assert found.missed == 7


def test_the_time_between_two_meters_is_uncertain():
    found = account([live(0), live(1, "connection"), live(30)], starts=[0, 29])
    assert found.uncertain == ((1, 29),)
    assert found.gaps[0].uncertain


def test_each_api_and_kind_has_its_own_series():
    samples = [live(0), live(0.5, "http-503", api="glance"), live(1), live(1, api="glance")]
    found = account(samples)
    assert [(s.api, s.failed) for s in found.series] == [("glance", 1), ("nova", 0)]


def test_latencies_are_those_of_successes():
    samples = [live(i, took=i / 100) for i in range(100)] + [live(200, "timeout", took=10)]
    series = account(samples).series[0]
    assert (series.p50, series.p99, series.max) == (0.5, 0.99, 0.99)


def test_nothing_measured_is_an_empty_account():
    assert account([]).series == ()
