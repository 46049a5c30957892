"""A small site as values: one controller, two computes, five components at 2025.1."""

from __future__ import annotations

from dataclasses import replace

from escalator.catalogue.components import load_catalogue
from escalator.catalogue.releases import load_releases
from escalator.config.campaign import CampaignFile
from escalator.config.site import SiteFile
from escalator.model.inventory import Bundle, ComputeService, Host, Inventory, ServiceInstance
from escalator.model.plan import Plan
from escalator.plan.planner import make_plan

COMPONENTS = ("keystone", "placement", "glance", "nova", "neutron")
PORTS = {"keystone": 5000, "placement": 8778, "glance": 9292, "nova": 8774, "neutron": 9696}


def bundle(release: str) -> Bundle:
    majors = next(r.majors for r in load_releases().known if r.id == release)
    versions = {c: f"{majors[c]}.0.0" for c in COMPONENTS}
    return Bundle(f"{release}-aaaa", release, versions, "0" * 64, 1000, path=f"/artefacts/{release}/bundle.tar.zst")


SITE = SiteFile.model_validate(
    {
        "schema": "escalator/site/v1",
        "name": "small",
        "cloud": {"clouds_yaml": "clouds.yaml", "entry": "admin"},
        "ssh": {"key": "key", "known_hosts": "known_hosts"},
        "hosts": {
            "controller": {"address": "10.0.0.11", "roles": ["controller", "database", "load_balancer"]},
            "compute1": {"address": "10.0.0.21", "roles": ["compute"]},
            "compute2": {"address": "10.0.0.22", "roles": ["compute"]},
        },
        "load_balancer": {"kind": "haproxy", "hosts": ["controller"], "backends": {f"{c}-api": c for c in COMPONENTS}},
        "databases": {"kind": "mariadb", "host": "controller", "schemas": {c: [c] for c in COMPONENTS}},
        "installer": {"kind": "venv"},
        "artefacts": {"folder": "/artefacts"},
    }
)


def inventory(
    release: str = "2025.1", computes: str = "", bundles: tuple[str, ...] = ("2025.1", "2026.1")
) -> Inventory:
    """The site when it runs ``release``, its computes ``computes``."""
    here, there = bundle(release), bundle(computes or release)
    rows = []
    for component in COMPONENTS:
        for slot, offset in (("a", 10000), ("b", 20000)):
            rows.append(
                ServiceInstance(
                    "controller", f"{component}-api-{slot}", f"{component}-api", slot, component, True, True, here.id,
                    here.id, release, here.components[component], "ready", f"127.0.0.1:{PORTS[component] + offset}",
                )
            )  # fmt: skip
    for component, service in (
        ("nova", "nova-conductor"), ("nova", "nova-scheduler"), ("neutron", "neutron-rpc-server"),
        ("neutron", "neutron-periodic-workers"),
    ):  # fmt: skip
        version = here.components[component]
        rows.append(
            ServiceInstance(
                "controller", f"{service}-a", service, "a", component, True, True, here.id, here.id, release, version
            )
        )
        rows.append(ServiceInstance("controller", f"{service}-b", service, "b", component, False, False, here.id))
    for host in ("compute1", "compute2"):
        for component, service in (("nova", "nova-compute"), ("neutron", "neutron-l2-agent")):
            version = there.components[component]
            rows.append(
                ServiceInstance(
                    host, service, service, "", component, True, True, there.id, there.id, there.release, version
                )
            )
    hosts = tuple(
        Host(name, entry.address, tuple(entry.roles), reachable=True, bundles=(here.id,))
        for name, entry in SITE.hosts.items()
    )
    services = tuple(ComputeService(h, "nova-compute", "enabled", "up") for h in ("compute1", "compute2"))
    return Inventory(
        "small",
        "2026-01-01T00:00:00+00:00",
        hosts,
        tuple(rows),
        tuple(bundle(r) for r in bundles),
        compute_services=services,
    )


def campaign(release: str = "2026.1", **more: object) -> CampaignFile:
    given = {"schema": "escalator/campaign/v1", "name": "test", "target": {"release": release}, **more}
    return CampaignFile.model_validate(given)


def plan(wanted: CampaignFile | None = None, found: Inventory | None = None) -> Plan:
    return make_plan(
        wanted or campaign(),
        SITE,
        found or inventory(),
        load_catalogue(),
        load_releases(),
        now="2026-01-01T00:00:00+00:00",
    )


def without(found: Inventory, unit: str) -> Inventory:
    return replace(found, instances=tuple(i for i in found.instances if i.unit != unit))
