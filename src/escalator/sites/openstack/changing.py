"""What changes the cloud on the operator's behalf."""

from __future__ import annotations

from typing import Any

from escalator.sites.openstack.reading import compute_services


def set_compute_status(cloud: Any, host: str, *, enabled: bool, reason: str = "") -> list[dict[str, Any]]:
    """Let the scheduler use a compute, or not; to say it twice does no harm. Returns the row as it is then."""
    for service in cloud.compute.services(host=host, binary="nova-compute"):
        if enabled:
            cloud.compute.enable_service(service)
        else:
            cloud.compute.disable_service(service, disabled_reason=reason)
    return [row for row in compute_services(cloud) if row["host"] == host and row["binary"] == "nova-compute"]
