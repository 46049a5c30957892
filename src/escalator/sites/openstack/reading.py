"""Queries: lists of plain dicts, keyed like the nouns of the model."""

from __future__ import annotations

from typing import Any

from escalator.sites.openstack.lists import by_offset, newest


def text(value: Any) -> str:
    """A value of an answer as text; "" for null."""
    return "" if value is None else str(value)


def compute_services(cloud: Any) -> list[dict[str, Any]]:
    """Rows of the compute service list, with when they were last heard of."""
    return [
        {
            "host": s.host,
            "binary": s.binary,
            "status": s.status,
            "state": s.state,
            "zone": text(s.availability_zone),
            "disabled_reason": text(s.disabled_reason),
            "heard_at": text(s.updated_at),
        }
        for s in cloud.compute.services()
    ]


def network_agents(cloud: Any) -> list[dict[str, Any]]:
    """Rows of the network agent list, with when they were last heard of."""
    return [
        {
            "host": a.host,
            "binary": a.binary,
            "kind": text(a.agent_type),
            "alive": bool(a.is_alive),
            "admin_up": bool(a.is_admin_state_up),
            "heard_at": text(a.last_heartbeat_at),
        }
        for a in cloud.network.agents()
    ]


def servers(cloud: Any) -> list[dict[str, Any]]:
    """Virtual machines of all projects. Names are chosen by tenants: hostile input."""
    groups = {member: g["id"] for g in server_groups(cloud) for member in g["members"]}
    return [
        {
            "id": s.id,
            "name": text(s.name),
            "project": text(s.project_id),
            "host": text(s.compute_host),
            "status": text(s.status),
            "task_state": text(s.task_state),
            "flavor": text((s.flavor or {}).get("original_name") or (s.flavor or {}).get("id")),
            "addresses": sorted(p["addr"] for ports in (s.addresses or {}).values() for p in ports),
            "group": groups.get(s.id, ""),
        }
        for s in cloud.compute.servers(details=True, all_projects=True)
    ]


def server_groups(cloud: Any) -> list[dict[str, Any]]:
    """Server groups of all projects, with the members that were not deleted."""
    return [
        {
            "id": g["id"],
            "name": text(g["name"]),
            "policy": text(g.get("policy") or next(iter(g.get("policies") or []), "")),
            "members": sorted(g["members"] or []),
            "project": text(g.get("project_id")),
            "max_per_host": int((g.get("rules") or {}).get("max_server_per_host", 1)),
        }
        for g in by_offset(
            cloud.compute, "/os-server-groups", "server_groups", newest(cloud.compute, "2.64"), all_projects="True"
        )
    ]


def images(cloud: Any) -> list[str]:
    """Names of images."""
    return sorted(text(i.name) or i.id for i in cloud.image.images())


def endpoints(cloud: Any) -> list[dict[str, Any]]:
    """The catalogue's endpoints."""
    names = {s.id: text(s.name) or text(s.type) for s in cloud.identity.services()}
    return [
        {
            "service": names.get(e.service_id, text(e.service_id)),
            "interface": text(e.interface),
            "url": text(e.url),
            "region": text(e.region_id),
        }
        for e in cloud.identity.endpoints()
    ]
