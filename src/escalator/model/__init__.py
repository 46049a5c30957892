"""Frozen nouns: findings, inventory, plan, the state table."""
