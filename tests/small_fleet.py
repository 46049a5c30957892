"""A few hypervisors and servers as values."""

from __future__ import annotations

from typing import Any

from escalator.model.compute import Hypervisor, Server, ServerGroup, Stock
from escalator.model.inventory import Host, Inventory

STOCK = {"VCPU": Stock(16, 0, 4.0), "MEMORY_MB": Stock(65536, 512)}
TAKES = {"VCPU": 2, "MEMORY_MB": 4096}


def host(number: int, **more: Any) -> Hypervisor:
    """``h1`` to ``hN``: two zones, two racks, alternating."""
    known: dict[str, Any] = {
        "zone": f"az{(number - 1) % 2 + 1}", "failure_sets": (f"rack:r{(number - 1) // 2 + 1}",),
        "aggregates": ("all",), "stock": STOCK, "traits": frozenset({"COMPUTE_NODE"}), **more,
    }  # fmt: skip
    return Hypervisor(f"h{number}", "QEMU", "7002000", known.pop("state", "up"), **known)


def server(name: str, at: str, **more: Any) -> Server:
    return Server(name, f"name of {name}", "p1", at, "ACTIVE", **{"resources": TAKES, **more})


def fleet(**more: Any) -> Inventory:
    """Four hosts; h4 empty, h3 with one server, h1 and h2 with two and a group across them."""
    known: dict[str, Any] = {
        "hosts": (Host("h1", "192.0.2.1", ("compute", "network"), reachable=True),),
        "hypervisors": tuple(host(n) for n in range(1, 5)),
        "servers": (
            server("s1", "h1", group="g1"), server("s2", "h2", group="g1"), server("s3", "h1"), server("s4", "h2"),
            server("s5", "h3"),
        ),
        "server_groups": (ServerGroup("g1", "web", "anti-affinity", ("s1", "s2"), "p1"),),
    }  # fmt: skip
    return Inventory("small", "2026-01-01T00:00:00+00:00", instances=(), bundles=(), **{**known, **more})
