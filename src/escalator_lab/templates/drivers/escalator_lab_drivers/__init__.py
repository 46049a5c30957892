"""Drivers of a cloud without a data plane: guests and ports exist for OpenStack, and survive restarts of services."""
