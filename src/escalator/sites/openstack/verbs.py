"""The verbs of a cloud by name: what may be asked, and what may be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from escalator.sites.openstack.changing import set_compute_status
from escalator.sites.openstack.fleet import fleet
from escalator.sites.openstack.reading import (
    compute_services,
    endpoints,
    images,
    network_agents,
    server_groups,
    servers,
)

QUERIES: dict[str, Callable[..., Any]] = {
    query.__name__: query
    for query in (
        compute_services,
        network_agents,
        fleet,
        servers,
        server_groups,
        images,
        endpoints,
        set_compute_status,
    )
}

#: Seconds that a query may take where that is not :data:`escalator.sites.openstack.calls.QUERY_TIMEOUT_S`.
LONGEST_S = {"fleet": 1800.0}  # three calls per hypervisor
