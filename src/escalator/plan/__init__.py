"""The planner and how a plan reads. Empty yet: see docs/requirements.md."""
