"""Hypervisors, servers and server groups with all that planning needs of them, each list read once.

``servers`` of :mod:`escalator.sites.openstack.reading` is the short form, for those that look again and again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from escalator.sites.openstack.aggregates import Aggregates
from escalator.sites.openstack.demand import Wishes, demand_of
from escalator.sites.openstack.lists import by_marker, newest, read
from escalator.sites.openstack.mobility import mobility_of
from escalator.sites.openstack.placement import Provider, providers
from escalator.sites.openstack.reading import server_groups, text

HYPERVISORS = "2.87"  # above it the processor's topology is not told, and each compute is asked by RPC
SERVERS = "2.100"  # flavours embedded (2.47), the zone asked for (2.96), image properties (2.98)
PINNED = "pinned_availability_zone"
BARE_METAL = "ironic"

Problem = tuple[str, str, str]  # severity of a finding, subject, text: what the rows can't say for themselves


@dataclass(frozen=True)
class Seen:
    """What the rows of servers are made from."""

    aggregates: Aggregates
    providers: dict[str, Provider]  # by hypervisor_hostname
    images: dict[str, dict[str, Any]]  # id -> properties
    vnics: dict[str, tuple[str, ...]]  # server -> kinds of its ports that are not normal
    groups: dict[str, str]  # server -> its group
    block_migration: bool


def fleet(cloud: Any, *, block_migration: bool = True) -> dict[str, Any]:
    """``hypervisors``, ``servers``, ``server_groups``: rows keyed like the nouns; ``problems``: :data:`Problem` rows.

    Bare metal (Ironic) is left out: nothing of it moves.
    """
    groups = server_groups(cloud)
    every = list(by_marker(cloud.compute, "/os-hypervisors/detail", "hypervisors", newest(cloud.compute, HYPERVISORS)))
    nodes = [row for row in every if row["hypervisor_type"] != BARE_METAL]
    bare = {row["service"]["host"] for row in every} - {row["service"]["host"] for row in nodes}
    seen = Seen(
        Aggregates(tuple(read(cloud.compute, "/os-aggregates")["aggregates"])),
        providers(cloud.placement, (row["hypervisor_hostname"] for row in nodes)),
        _images(cloud.image),
        _vnics(cloud.network),
        {member: row["id"] for row in groups for member in row["members"]},
        block_migration,
    )
    machines = by_marker(cloud.compute, "/servers/detail", "servers", newest(cloud.compute, SERVERS), all_tenants=1)
    servers = [_server(row, seen) for row in machines if row.get("OS-EXT-SRV-ATTR:host") not in bare]
    left_over = _left_over(nodes, servers, seen)  # before the hypervisors are told: it adds to what is reserved
    return {
        "hypervisors": _hypervisors(cloud, nodes, seen),
        "servers": servers,
        "server_groups": groups,
        "problems": [*_unknown(nodes, seen), *_unseen(servers), *_kept_apart(seen), *left_over],
    }


def _hypervisors(cloud: Any, nodes: list[dict[str, Any]], seen: Seen) -> list[dict[str, Any]]:
    services = read(cloud.compute, "/os-services", binary="nova-compute")["services"]
    zones = {row["host"]: text(row["zone"]) for row in services}
    aggregates = seen.aggregates.by_host()
    rows = []
    for node in nodes:
        host, provider = node["service"]["host"], seen.providers.get(node["hypervisor_hostname"], Provider())
        rows.append({
            "host": host, "kind": text(node["hypervisor_type"]), "version": text(node["hypervisor_version"]),
            "state": text(node["state"]), "status": text(node["status"]), "zone": zones.get(host, ""),
            "aggregates": aggregates.get(host, []), "traits": sorted(provider.traits), "stock": provider.stock,
            "cells": _cells(node, provider),
        })  # fmt: skip
    return rows


def _cells(node: dict[str, Any], provider: Provider) -> list[dict[str, int]]:
    """Processors and memory, spread evenly: Nova tells how many cells there are, not what is in each."""
    topology = (node.get("cpu_info") or {}).get("topology") or {}
    count = int(topology.get("cells") or 0)
    amounts = {
        name: int(row["total"] - row["reserved"]) // count
        for name, row in provider.stock.items()
        if count and name in {"VCPU", "PCPU", "MEMORY_MB"}
    }
    return [dict(amounts) for _ in range(count)] if amounts else []


def _server(row: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """One server. What it takes by Placement stands over what its flavour says: that is what was allocated to it."""
    flavor, host = row.get("flavor") or {}, text(row.get("OS-EXT-SRV-ATTR:host"))
    image = row.get("image") or {}
    properties = {**seen.images.get(image.get("id", ""), {}), **image.get("properties", {})}
    wishes = Wishes(flavor, properties, volume_backed=not image)
    demand = demand_of(wishes)
    provider = seen.providers.get(text(row.get("OS-EXT-SRV-ATTR:hypervisor_hostname")))
    taken = dict(provider.taken.get(row["id"], {})) if provider else {}
    mobility, hindrance = mobility_of(
        row, wishes, seen.vnics.get(row["id"], ()), block_migration=seen.block_migration,
        local_disk="DISK_GB" in taken if taken else wishes.local_disk_gb > 0,
    )  # fmt: skip
    return {
        "id": row["id"], "name": text(row.get("name")), "project": text(row.get("tenant_id")), "host": host,
        "status": text(row.get("status")), "task_state": text(row.get("OS-EXT-STS:task_state")),
        "flavor": text(flavor.get("original_name")), "group": seen.groups.get(row["id"], ""),
        "addresses": sorted(p["addr"] for ports in (row.get("addresses") or {}).values() for p in ports),
        "zone": text(row[PINNED] if PINNED in row else row.get("OS-EXT-AZ:availability_zone")),
        "resources": taken or demand.resources, "traits": sorted(demand.required),
        "forbidden": sorted(demand.forbidden | seen.aggregates.isolating(demand.required)),
        "aggregates": list(seen.aggregates.binding(wishes.specs, host)), "numa_nodes": demand.numa_nodes,
        "mobility": mobility.value, "hindrance": hindrance,
    }  # fmt: skip


def _images(image: Any) -> dict[str, dict[str, Any]]:
    """Properties of all images, hidden ones too: traits that Nova does not embed in a server."""
    found = {}
    for hidden in ("false", "true"):
        for row in by_marker(image, "/images", "images", limit=1000, os_hidden=hidden):
            found[row["id"]] = {k: v for k, v in row.items() if k.startswith(("hw_", "os_", "trait:"))}
    return found


def _vnics(network: Any) -> dict[str, tuple[str, ...]]:
    """Server -> kinds of its ports, but for the normal ones; Neutron has no filter by kind, so all are listed."""
    found: dict[str, tuple[str, ...]] = {}
    fields = ["id", "device_id", "device_owner", "binding:vnic_type"]
    for row in by_marker(network, "/ports", "ports", limit=1000, fields=fields):
        kind = row.get("binding:vnic_type") or "normal"
        if kind != "normal" and str(row.get("device_owner")).startswith("compute:"):
            found[row["device_id"]] = (*found.get(row["device_id"], ()), kind)
    return found


def _unknown(nodes: list[dict[str, Any]], seen: Seen) -> list[Problem]:
    return [
        ("warning", node["service"]["host"], "Placement knows no such hypervisor: nothing can be planned onto it")
        for node in nodes
        if node["hypervisor_hostname"] not in seen.providers
    ]


def _unseen(servers: list[dict[str, Any]]) -> list[Problem]:
    hidden = [row["id"] for row in servers if row["status"] == "UNKNOWN"]
    text = f"{len(hidden)} lie in a cell that does not answer ({', '.join(hidden[:3])})"
    return [("refused", "servers", text)] if hidden else []


def _kept_apart(seen: Seen) -> list[Problem]:
    text = "it is kept for some projects; a plan does not look at that, Nova's scheduler may"
    return [("info", f"aggregate {name}", text) for name in seen.aggregates.of_tenants()]


def _left_over(nodes: list[dict[str, Any]], servers: list[dict[str, Any]], seen: Seen) -> list[Problem]:
    """What is allocated on a hypervisor to others than the servers on it; it is reserved from here on."""
    there: dict[str, set[str]] = defaultdict(set)
    for row in servers:
        there[row["host"]].add(row["id"])
    found: list[Problem] = []
    for node in nodes:
        host, provider = node["service"]["host"], seen.providers.get(node["hypervisor_hostname"])
        others = provider.reserve_others(there[host]) if provider else []
        if others:
            few = ", ".join(others[:3])
            text = f"Placement gives to {len(others)} that are no servers on it ({few}): counted as reserved"
            found.append(("info", host, text))
    return found
