"""Append-only events, chained by hash; states are folded from them, never stored."""
