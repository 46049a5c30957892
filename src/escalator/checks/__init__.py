"""One file per rule, sharing no code with the planner. Empty yet: see docs/requirements.md."""
