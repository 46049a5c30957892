"""The health lines and the forecast, from a journal and the meter's totals alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from escalator.execution.forecast import eta_s, pace
from escalator.execution.health import NOTHING, HealthLine, Level, Touches, health, table
from escalator.execution.status import status_of
from escalator.journal.events import Kind, Record
from escalator.journal.fold import View, fold
from escalator.model.plan import Change, Mode, Phase, Plan, Procedure, UndoClass
from escalator.serial import to_data
from world import plan

QUIET = {"at": 0.0, "requests": 100, "failed": 0, "apis": {}}


def metered() -> Plan:
    return replace(plan(), changes=(Change("keystone", "27.0.0", "29.0.0", "2025.1", "2026.1", "major"),))


class Told:
    """A journal being written, on a clock that is moved by hand."""

    def __init__(self, made: Plan) -> None:
        self.made, self.now = made, 1000.0
        self.records: list[Record] = []
        self.moved("execute")

    def moved(self, event: str, why: str = "") -> Told:
        return self._add(Kind.MOVED, "", event=event, why=why)

    def begun(self, action: str, verb: str = "do") -> Told:
        return self._add(Kind.INTENT, action, verb=verb)

    def ended(self, action: str, took: float = 1.0, result: str = "ok", verb: str = "do") -> Told:
        self.now += took
        return self._add(Kind.OUTCOME, action, verb=verb, result=result, text="")

    def did(self, action: str, took: float = 1.0) -> Told:
        return self.begun(action).ended(action, took)

    def later(self, seconds: float) -> Told:
        self.now += seconds
        return self

    def _add(self, kind: Kind, subject: str, **data: Any) -> Told:
        self.records.append(Record(kind, subject, data, at=self.now, seq=len(self.records) + 1))
        return self

    @property
    def view(self) -> View:
        return fold(self.records)

    def lines(self, **totals: Any) -> tuple[HealthLine, ...]:
        return health(self.made, self.view, {**QUIET, "at": self.now, **totals}, self.now)

    def eta(self) -> float:
        return eta_s(self.made, self.view, self.now)


def only(lines: tuple[HealthLine, ...]) -> HealthLine:
    (line,) = lines
    return line


def test_a_run_that_goes_well_has_one_line_that_says_so() -> None:
    told = Told(plan()).did("s0.0").begun("s0.1").later(0.5)
    assert told.lines() == (NOTHING,)
    assert table(told.lines())[1].split() == ["-", "Info", "none", "nothing", "unusual"]


@pytest.mark.parametrize(("after", "expected"), [(5.9, None), (6.1, Level.WARNING), (10.1, Level.ERROR)])
def test_an_action_is_slow_then_beyond_its_longest_time(after: float, expected: Level | None) -> None:
    line = only(Told(plan()).begun("s0.0").later(after).lines())  # 1 s expected, 10 s at most
    assert line.level is (expected or Level.INFO)
    assert ("turn s0.0" in line.message) == bool(expected)
    assert line.since_s == (pytest.approx(after, abs=0.1) if expected else None)


def test_a_slow_undo_is_said_as_well() -> None:
    told = Told(plan()).did("s0.0").moved("suspend").moved("quiet").moved("rollback")
    told.begun("s0.0", "undo").later(8)
    assert any("undo of 'turn s0.0' takes longer" in x.message for x in told.lines())


def test_retries_are_said_and_weigh_less_once_it_is_done() -> None:
    told = Told(plan()).begun("s0.0").ended("s0.0", 1, "failed").begun("s0.0").later(1)
    assert (only(told.lines()).level, "tried 2 times" in only(told.lines()).message) == (Level.WARNING, True)
    told.ended("s0.0")
    assert only(told.lines()).level is Level.INFO


@pytest.mark.parametrize(("failed", "level"), [(2, Level.WARNING), (3, Level.ERROR)])
def test_failed_requests_weigh_by_the_budget(failed: int, level: Level) -> None:
    told = Told(replace(plan(), budgets={"failed_requests": 2.0})).later(20)
    api = {"requests": 90, "failed": failed, "last_failure": told.now - 7}
    line = only(told.lines(failed=failed, apis={"nova": api, "glance": {"requests": 10, "failed": 0}}))
    assert (line.level, line.impact, line.since_s) == (level, Touches.USERS, 7.0)
    assert line.message == f"{failed} of 100 requests failed, 2 are allowed (nova {failed})"


def test_where_an_outage_is_accepted_failed_requests_are_no_error() -> None:
    line = only(Told(replace(plan(), smooth=False)).lines(failed=99))
    assert (line.level, "an outage is accepted" in line.message) == (Level.WARNING, True)


def test_a_silent_meter_and_one_that_never_wrote_are_errors_while_the_run_goes_on() -> None:
    told = Told(metered()).did("s0.0").later(20)
    assert "the meter is silent" in only(told.lines(at=told.now - 16)).message
    unread = only(told.lines(at=0.0))
    assert (unread.level, unread.impact, "can't be read" in unread.message) == (Level.ERROR, Touches.UNKNOWN, True)
    assert told.lines(at=told.now - 14) == (NOTHING,)


def test_a_meter_of_an_earlier_stretch_is_not_missed_at_once() -> None:
    told = Told(metered()).did("s0.0").moved("suspend", "lunch").moved("quiet").later(3600)
    last = told.now - 3600
    assert "meter" not in "".join(x.message for x in told.lines(at=last))
    told.moved("execute").later(3)
    assert told.lines(at=last) == (NOTHING,)
    told.later(20)
    assert "the meter is silent" in only(told.lines(at=last)).message


def test_a_suspended_run_says_why_for_how_long_and_which_command_is_next() -> None:
    told = Told(plan()).did("s0.0").did("s0.1").moved("suspend", "lunch").moved("quiet").later(125)
    line = only(told.lines())
    assert (line.since_s, line.level, line.impact) == (125, Level.WARNING, Touches.STALLED)
    for text in ("lunch", "'escalator resume'", "'escalator rollback' (about 0m02s)"):
        assert text in line.message
    assert told.moved("execute").lines() == (NOTHING,)


def test_a_request_to_suspend_is_said_until_it_is_met() -> None:
    told = Told(plan())._add(Kind.ASKED, "", what="suspend", why="lunch")
    assert "suspends behind what is under way: lunch" in only(told.lines()).message


def test_an_error_comes_first_and_names_the_failed_action() -> None:
    told = Told(plan()).begun("s0.0").ended("s0.0", 1, "failed").begun("s0.0").ended("s0.0", 1, "failed")
    told.moved("error", "s0.0: it does not turn").moved("quiet").later(60)
    first, *others = told.lines()
    assert (first.level, first.since_s) == (Level.ERROR, 60)
    assert "s0.0: it does not turn; next: mend it" in first.message
    assert [x.impact for x in others] == [Touches.SPEED]


@pytest.mark.parametrize(
    ("moves", "command"),
    [
        (["all-done"], "'escalator commit', or 'escalator rollback'"),
        (["suspend", "quiet", "rollback", "suspend", "quiet"], "'escalator rollback'"),
        (["suspend", "quiet", "rollback", "undo-failed"], "'escalator restore'"),
        (["fail"], "'escalator restore'"),
    ],
)
def test_wherever_a_run_stands_still_the_next_command_is_named(moves: list[str], command: str) -> None:
    told = Told(plan())
    for event in moves:
        told.moved(event)
    assert command in told.lines()[0].message


def test_what_was_set_aside_is_on_the_list_and_takes_no_more_time() -> None:
    made = plan(steps=2, actions=3)
    host = Procedure("hosts/h1", "h1", Phase.ROLL, Mode.SEQUENCE, made.procedures[0].children, apart=True)
    made = replace(made, procedures=(replace(made.procedures[0], children=(host,)),))
    told = Told(made)
    assert told.eta() == pytest.approx(6)
    told._add(Kind.ASIDE, "hosts/h1", why="it does not answer")
    line = only(told.lines())
    assert (line.level, told.eta()) == (Level.WARNING, 0)
    assert line.message == "h1 was set aside, the next plan has it again: it does not answer"


def test_no_roll_back_is_offered_where_something_done_has_no_undo() -> None:
    made = plan(steps=1, actions=2)
    (step,) = made.procedures[0].children
    lost = replace(step, actions=(replace(step.actions[0], undo=UndoClass.RESTORE), *step.actions[1:]))
    made = replace(made, procedures=(replace(made.procedures[0], children=(lost,)),))
    told = Told(made).did("s0.0").moved("error", "broken").moved("quiet")
    assert only(told.lines()).message.endswith("'escalator resume'")
    assert status_of("r", made, told.view, QUIET, told.now).rollback_s == 0


def test_a_restore_runs_without_a_meter_and_none_is_missed() -> None:
    told = Told(replace(metered(), changes=())).did("s0.0").later(60)
    assert told.lines(at=0.0) == (NOTHING,)


def test_a_roll_back_says_how_long_it_is_expected_to_take() -> None:
    told = Told(plan()).did("s0.0").did("s0.1").did("s0.2").moved("suspend").moved("quiet").moved("rollback")
    assert "about 0m03s" in only(told.lines()).message
    told.begun("s0.2", "undo").ended("s0.2", 1, "ok", "undo")
    assert "about 0m02s" in only(told.lines()).message


def test_a_text_of_many_lines_stays_one_line() -> None:
    told = Told(plan()).moved("error", "one\ntwo\n  three").moved("quiet")
    assert "one two three" in table(told.lines())[1]


def test_the_json_holds_the_lines() -> None:
    told = Told(plan()).did("s0.0").moved("suspend", "lunch").moved("quiet").later(9)
    data = to_data(status_of("r", told.made, told.view, {**QUIET, "at": told.now}, told.now))
    assert data["health"][0]["level"] == "Warning"
    assert data["health"][0]["since_s"] == 9
    assert data["rollback_s"] == 1


def test_the_forecast_is_the_plans_as_long_as_actions_take_what_was_expected() -> None:
    told = Told(plan())
    assert told.eta() == pytest.approx(9)
    assert told.did("s0.0").did("s0.1").eta() == pytest.approx(7)


def test_the_forecast_grows_with_actions_that_are_slower_than_expected() -> None:
    quick, slow = (Told(plan()).did("s0.0", t).did("s0.1", t).did("s0.2", t) for t in (1.0, 20.0))
    assert pace(slow.made, slow.view, slow.now) > 2 * pace(quick.made, quick.view, quick.now)
    assert slow.eta() > 2 * quick.eta()


def test_the_forecast_does_not_run_out_while_an_action_is_beyond_its_time() -> None:
    told = Told(plan(steps=1, actions=1)).begun("s0.0")
    etas = [told.later(60).eta() for _ in range(3)]
    assert etas == sorted(etas)
    assert etas[0] > 10


def test_what_runs_side_by_side_is_not_added_up() -> None:
    assert Told(plan(steps=4, actions=1, mode=Mode.PARALLEL)).eta() == pytest.approx(2)  # two at once


def test_a_run_that_stands_still_has_no_forecast_and_a_roll_back_its_own() -> None:
    told = Told(plan()).did("s0.0").did("s0.1").moved("suspend").moved("quiet")
    assert told.eta() == 0
    assert told.moved("rollback").eta() == pytest.approx(2)
