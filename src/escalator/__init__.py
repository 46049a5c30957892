"""Escalator: smooth upgrades of OpenStack and its hosts, measured and reversible."""

__version__ = "0.1.0"
