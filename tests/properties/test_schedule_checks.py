"""The quick checker of host schedules and the slow oracle say the same: nothing overlooked, nothing made up."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from escalator.checks.hosts import check_schedule
from escalator.model.findings import Severity
from schedule_cases import Given, anything, mutant, valid
from schedule_oracle import Verdict

RANDOMS = st.randoms(use_true_random=False)


def quick(case: Given) -> set[Verdict]:
    """What the checker says; without the warnings on NUMA cells and on entries that name nobody, which need no time."""
    found = check_schedule(case.schedule, case.inventory, case.constraints)
    told = {(f.severity, f.rule, f.subject) for f in found}
    unknown = (Severity.WARNING, "capacity.numa"), (Severity.WARNING, "schedule.known")
    return {verdict for verdict in told if verdict[:2] not in unknown}


RULES = {
    "capacity.fits", "capacity.numa", "capacity.reserve", "consent.mobility", "consent.way", "destination.allowed",
    "destination.newer", "destination.usable", "group.affinity", "group.anti-affinity", "group.impacted",
    "group.recovery", "host.closed", "host.empty", "host.stays", "hosts.at-once", "hosts.per-set", "links.host",
    "links.trunk", "move.continuous", "notice.lead", "slots.all", "slots.in", "slots.out",
}  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RANDOMS)
def test_of_any_schedule_both_say_the_same_of_every_subject_by_every_rule(random: Random) -> None:
    case = anything(random)
    assert quick(case) == case.verdicts()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RANDOMS)
def test_a_valid_schedule_is_never_refused_and_no_defect_of_it_is_overlooked(random: Random) -> None:
    case = valid(random)
    assert quick(case) == case.verdicts()
    assert not any(severity is Severity.REFUSED for severity, _, _ in quick(case))
    _, broken = mutant(random, case)
    assert quick(broken) == broken.verdicts()


def test_the_random_schedules_break_and_keep_every_rule() -> None:
    broken, kept = set[str](), set[str]()
    for seed in range(120):
        refused = anything(Random(seed)).refused()
        broken |= refused
        kept |= RULES - refused
    assert broken == kept == RULES


def test_most_seeded_defects_break_a_rule_and_all_of_these_are_found() -> None:
    harmful, caught, rules = Counter[str](), Counter[str](), Counter[str]()
    for seed in range(200):
        random = Random(seed)
        kind, broken = mutant(random, valid(random))
        refused = broken.refused()
        if refused:
            harmful[kind] += 1
            found = {rule for severity, rule, _ in quick(broken) if severity is Severity.REFUSED}
            caught[kind] += found == refused
            rules.update(refused)
    assert caught == harmful
    assert sum(harmful.values()) >= 100, harmful
    assert min(harmful.values()) >= 5, harmful
    assert len(rules) >= 10, rules
