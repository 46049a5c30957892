"""The states of a campaign and its legal moves: SAF SMF's names (saSmf.h), one table.

States are never stored: they are folded from the journal through :data:`MOVES`. An event with no row for the present
state
is an error, never ignored.
"""

from __future__ import annotations

from enum import StrEnum

from escalator.errors import IllegalMoveError


class State(StrEnum):
    """A campaign's state."""

    INITIAL = "INITIAL"
    EXECUTING = "EXECUTING"
    SUSPENDING_EXECUTION = "SUSPENDING_EXECUTION"
    EXECUTION_SUSPENDED = "EXECUTION_SUSPENDED"
    EXECUTION_COMPLETED = "EXECUTION_COMPLETED"
    CAMPAIGN_COMMITTED = "CAMPAIGN_COMMITTED"
    ERROR_DETECTED = "ERROR_DETECTED"
    ERROR_DETECTED_IN_SUSPENDING = "ERROR_DETECTED_IN_SUSPENDING"
    SUSPENDED_BY_ERROR_DETECTED = "SUSPENDED_BY_ERROR_DETECTED"
    EXECUTION_FAILED = "EXECUTION_FAILED"
    ROLLING_BACK = "ROLLING_BACK"
    SUSPENDING_ROLLBACK = "SUSPENDING_ROLLBACK"
    ROLLBACK_SUSPENDED = "ROLLBACK_SUSPENDED"
    ROLLBACK_COMPLETED = "ROLLBACK_COMPLETED"
    ROLLBACK_COMMITTED = "ROLLBACK_COMMITTED"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


class Event(StrEnum):
    """What moves a campaign: the operator's operations, and what happens while it runs."""

    EXECUTE = "execute"
    SUSPEND = "suspend"
    ROLLBACK = "rollback"
    COMMIT = "commit"
    ALL_DONE = "all-done"  # every step of execute is done
    QUIET = "quiet"  # no action is running any more
    ERROR = "error"  # an action failed for good
    FAIL = "fail"  # it can't go on at all
    UNDONE = "undone"  # every step is undone
    UNDO_FAILED = "undo-failed"


S, E = State, Event

#: (state, event) -> state. The diagram in docs/reference/states.md is generated from it.
MOVES: dict[tuple[State, Event], State] = {
    (S.INITIAL, E.EXECUTE): S.EXECUTING,
    (S.EXECUTION_SUSPENDED, E.EXECUTE): S.EXECUTING,
    (S.SUSPENDED_BY_ERROR_DETECTED, E.EXECUTE): S.EXECUTING,
    (S.EXECUTING, E.SUSPEND): S.SUSPENDING_EXECUTION,
    (S.EXECUTING, E.ALL_DONE): S.EXECUTION_COMPLETED,
    (S.EXECUTING, E.ERROR): S.ERROR_DETECTED,
    (S.EXECUTING, E.FAIL): S.EXECUTION_FAILED,
    (S.SUSPENDING_EXECUTION, E.QUIET): S.EXECUTION_SUSPENDED,
    (S.SUSPENDING_EXECUTION, E.ALL_DONE): S.EXECUTION_COMPLETED,
    (S.SUSPENDING_EXECUTION, E.ERROR): S.ERROR_DETECTED_IN_SUSPENDING,
    (S.SUSPENDING_EXECUTION, E.FAIL): S.EXECUTION_FAILED,
    (S.ERROR_DETECTED, E.QUIET): S.SUSPENDED_BY_ERROR_DETECTED,
    (S.ERROR_DETECTED, E.SUSPEND): S.ERROR_DETECTED_IN_SUSPENDING,
    (S.ERROR_DETECTED, E.ERROR): S.ERROR_DETECTED,
    (S.ERROR_DETECTED, E.FAIL): S.EXECUTION_FAILED,
    (S.ERROR_DETECTED_IN_SUSPENDING, E.QUIET): S.SUSPENDED_BY_ERROR_DETECTED,
    (S.ERROR_DETECTED_IN_SUSPENDING, E.ERROR): S.ERROR_DETECTED_IN_SUSPENDING,
    (S.ERROR_DETECTED_IN_SUSPENDING, E.FAIL): S.EXECUTION_FAILED,
    (S.EXECUTION_SUSPENDED, E.ROLLBACK): S.ROLLING_BACK,
    (S.SUSPENDED_BY_ERROR_DETECTED, E.ROLLBACK): S.ROLLING_BACK,
    (S.EXECUTION_COMPLETED, E.ROLLBACK): S.ROLLING_BACK,
    (S.ROLLBACK_SUSPENDED, E.ROLLBACK): S.ROLLING_BACK,
    (S.EXECUTION_COMPLETED, E.COMMIT): S.CAMPAIGN_COMMITTED,
    (S.ROLLING_BACK, E.SUSPEND): S.SUSPENDING_ROLLBACK,
    (S.ROLLING_BACK, E.UNDONE): S.ROLLBACK_COMPLETED,
    (S.ROLLING_BACK, E.UNDO_FAILED): S.ROLLBACK_FAILED,
    (S.SUSPENDING_ROLLBACK, E.QUIET): S.ROLLBACK_SUSPENDED,
    (S.SUSPENDING_ROLLBACK, E.UNDONE): S.ROLLBACK_COMPLETED,
    (S.SUSPENDING_ROLLBACK, E.UNDO_FAILED): S.ROLLBACK_FAILED,
    (S.ROLLBACK_COMPLETED, E.COMMIT): S.ROLLBACK_COMMITTED,
}

#: States in which time counts against the campaign's limit (SMF: executing and rolling back only).
COUNTING = frozenset({S.EXECUTING, S.SUSPENDING_EXECUTION, S.ERROR_DETECTED, S.ERROR_DETECTED_IN_SUSPENDING})
COUNTING_BACK = frozenset({S.ROLLING_BACK, S.SUSPENDING_ROLLBACK})

#: States that end a campaign for good.
FINAL = frozenset({S.CAMPAIGN_COMMITTED, S.ROLLBACK_COMMITTED, S.EXECUTION_FAILED, S.ROLLBACK_FAILED})


def move(state: State, event: Event) -> State:
    """The state after ``event``; raises :class:`IllegalMoveError` where the table has no row."""
    try:
        return MOVES[state, event]
    except KeyError:
        allowed = ", ".join(sorted(e.value for (s, e) in MOVES if s is state)) or "nothing: this state is final"
        raise IllegalMoveError(
            f"'{event}' is not possible while the campaign is {state}", hint=f"possible now: {allowed}"
        ) from None
