"""The cloud's own APIs: connection and calls, queries, what changes the cloud, probes."""

from escalator.sites.openstack.calls import OpenStackCloud

__all__ = ["OpenStackCloud"]
