"""Queries: lists of plain dicts, keyed like the nouns of the model."""

from __future__ import annotations

from typing import Any


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def compute_services(cloud: Any) -> list[dict[str, Any]]:
    """Rows of the compute service list, with when they were last heard of."""
    return [
        {
            "host": s.host,
            "binary": s.binary,
            "status": s.status,
            "state": s.state,
            "zone": _text(s.availability_zone),
            "disabled_reason": _text(s.disabled_reason),
            "heard_at": _text(s.updated_at),
        }
        for s in cloud.compute.services()
    ]


def network_agents(cloud: Any) -> list[dict[str, Any]]:
    """Rows of the network agent list, with when they were last heard of."""
    return [
        {
            "host": a.host,
            "binary": a.binary,
            "kind": _text(a.agent_type),
            "alive": bool(a.is_alive),
            "admin_up": bool(a.is_admin_state_up),
            "heard_at": _text(a.last_heartbeat_at),
        }
        for a in cloud.network.agents()
    ]


def hypervisors(cloud: Any) -> list[dict[str, Any]]:
    """Hypervisors. Above 2.87 sizes are not told, and each compute is asked by RPC: a minute where one is away."""
    return [
        {
            "host": _text((h.service_details or {}).get("host")) or h.name,
            "kind": _text(h.hypervisor_type),
            "version": _text(h.hypervisor_version),
            "state": _text(h.state),
            "stock": {"VCPU": {"total": int(h.vcpus or 0)}, "MEMORY_MB": {"total": int(h.memory_size or 0)}},
        }
        for h in cloud.compute.hypervisors(details=True, microversion="2.87")
    ]


def servers(cloud: Any) -> list[dict[str, Any]]:
    """Virtual machines of all projects. Names are chosen by tenants: hostile input."""
    groups = {member: g["id"] for g in server_groups(cloud) for member in g["members"]}
    return [
        {
            "id": s.id,
            "name": _text(s.name),
            "project": _text(s.project_id),
            "host": _text(s.compute_host),
            "status": _text(s.status),
            "task_state": _text(s.task_state),
            "flavor": _text((s.flavor or {}).get("original_name") or (s.flavor or {}).get("id")),
            "addresses": sorted(p["addr"] for ports in (s.addresses or {}).values() for p in ports),
            "group": groups.get(s.id, ""),
        }
        for s in cloud.compute.servers(details=True, all_projects=True)
    ]


def server_groups(cloud: Any) -> list[dict[str, Any]]:
    """Server groups of all projects."""
    return [
        {
            "id": g.id,
            "name": _text(g.name),
            "policy": _text(g.policy or next(iter(g.policies or []), "")),
            "members": list(g.member_ids or []),
        }
        for g in cloud.compute.server_groups(all_projects=True)
    ]


def images(cloud: Any) -> list[str]:
    """Names of images."""
    return sorted(_text(i.name) or i.id for i in cloud.image.images())


def endpoints(cloud: Any) -> list[dict[str, Any]]:
    """The catalogue's endpoints."""
    names = {s.id: _text(s.name) or _text(s.type) for s in cloud.identity.services()}
    return [
        {
            "service": names.get(e.service_id, _text(e.service_id)),
            "interface": _text(e.interface),
            "url": _text(e.url),
            "region": _text(e.region_id),
        }
        for e in cloud.identity.endpoints()
    ]
