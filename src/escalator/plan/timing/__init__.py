"""Migrations with fixed destinations get their starts: exact where small, near to it where large."""

from escalator.plan.timing.timing import Timing, time_transfers

__all__ = ["Timing", "time_transfers"]
