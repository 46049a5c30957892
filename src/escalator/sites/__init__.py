"""Adapters to one site: the only way the core reaches a network."""
