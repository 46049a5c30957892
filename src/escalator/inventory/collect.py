"""Collect a site's inventory: hosts over SSH, the cloud's own objects over its APIs, the artefacts on our side."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from escalator.catalogue.components import Catalogue
from escalator.config.site import SiteFile
from escalator.errors import AuthenticationError, EscalatorError
from escalator.model.compute import Hypervisor, Server, ServerGroup
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import (
    Bundle,
    ComputeService,
    ConfigTree,
    DatabaseRevision,
    Endpoint,
    Host,
    Inventory,
    NetworkAgent,
    ServiceInstance,
)
from escalator.serial import from_data
from escalator.sites.facts import host_facts, running_bundle
from escalator.sites.protocol import BalancerServer, Site

REVISIONS = "SELECT version_num FROM {schema}.alembic_version"
ROWS = "SELECT COALESCE(SUM(table_rows),0) FROM information_schema.tables WHERE table_schema='{schema}'"


async def collect(site: Site, catalogue: Catalogue) -> Inventory:
    """What is there now. What can't be asked becomes a finding that stops a plan, never a gap in silence."""
    config: SiteFile = site.config
    findings: list[Finding] = []
    configs = {c.component: c.config for c in catalogue.components.values()}
    rows = await asyncio.gather(*(_host(site, name, configs) for name in config.hosts))
    balanced = await _asked(findings, "load-balancer", site.balancer.servers(), ())
    hosts, instances, trees = [], [], []
    for name, facts in rows:
        entry = config.hosts[name]
        if isinstance(facts, EscalatorError):
            findings.append(_sick(f"{site.name}/{name}", f"not reachable: {facts.text}", facts.hint))
            hosts.append(
                Host(name, entry.address, tuple(entry.roles), reachable=False, zone=entry.zone, error=facts.text)
            )
            continue
        hosts.append(
            Host(
                name, entry.address, tuple(entry.roles), reachable=True, os=facts["os"], kernel=facts["kernel"],
                boot_id=facts["boot_id"], disk_free=facts["disk_free"], bundles=tuple(sorted(facts["bundles"])),
                zone=entry.zone,
            )
        )  # fmt: skip
        trees += [ConfigTree(name, c, t["path"], t["sha256"], t["files"]) for c, t in facts["configs"].items()]
        for unit, row in facts["units"].items():
            made = _instance(name, unit, row, facts, catalogue, config, balanced)
            if made is not None:
                instances.append(made)
    cloud: dict[str, Any] = {}
    for verb in ("compute_services", "network_agents", "images", "endpoints"):
        cloud[verb] = await _asked(findings, verb, site.cloud.call(verb), [])
    fleet = await _fleet(site, findings)
    return Inventory(
        site=site.name, collected_at=datetime.now(UTC).isoformat(timespec="seconds"), hosts=tuple(hosts),
        instances=tuple(instances), bundles=_bundles(config.path(config.artefacts.folder), findings),
        configs=tuple(trees), databases=await _databases(site, findings),
        compute_services=_nouns(ComputeService, cloud["compute_services"]),
        network_agents=_nouns(NetworkAgent, cloud["network_agents"]),
        hypervisors=_nouns(Hypervisor, [_placed(row, config) for row in fleet["hypervisors"]]),
        servers=_nouns(Server, fleet["servers"]), server_groups=_nouns(ServerGroup, fleet["server_groups"]),
        images=tuple(cloud["images"]),
        endpoints=_nouns(Endpoint, cloud["endpoints"]), findings=tuple(findings),
    )  # fmt: skip


async def _fleet(site: Site, findings: list[Finding]) -> dict[str, Any]:
    """Hypervisors, servers and server groups; what was odd about them becomes a finding."""
    empty: dict[str, Any] = {"hypervisors": [], "servers": [], "server_groups": [], "problems": []}
    asked = site.cloud.call("fleet", block_migration=site.config.cloud.block_migration == "auto")
    found: dict[str, Any] = await _asked(findings, "fleet", asked, empty)
    for word, subject, text in found["problems"]:
        rule = "site.whole" if word == "refused" else "site.fleet"
        findings.append(Finding(Severity(word), rule, f"{site.name}/{subject}", text, requirement="EN-1"))
    return found


def _placed(row: dict[str, Any], config: SiteFile) -> dict[str, Any]:
    """With what site.yaml says of a hypervisor's host: which fate it shares, what its network bears."""
    entry = config.hosts.get(row["host"])
    return row if entry is None else {**row, "failure_sets": entry.shared_fates, "link_mbit_s": entry.link_mbit_s}


def _nouns(kind: Any, rows: list[dict[str, Any]]) -> Any:
    """Rows as nouns, without what only waiting needs."""
    return tuple(from_data(kind, {k: v for k, v in row.items() if k != "heard_at"}) for row in rows)


async def _host(site: Site, name: str, configs: dict[str, str]) -> tuple[str, Any]:
    try:
        return name, await host_facts(site.shell, name, site.config.installer.root, configs=configs)
    except EscalatorError as error:
        return name, error


async def _asked(findings: list[Finding], what: str, question: Any, empty: Any) -> Any:
    try:
        return await question
    except AuthenticationError as error:
        hint = error.hint or "see the entry of clouds.yaml that site.yaml names under cloud:"
        raise AuthenticationError(error.text, hint=hint) from error
    except EscalatorError as error:
        findings.append(_sick(what, error.text, error.hint))
        return empty


def _sick(subject: str, text: str, hint: str = "") -> Finding:
    return Finding(Severity.REFUSED, "site.whole", subject, text, requirement="PR-1", hint=hint)


def _instance(  # noqa: PLR0917
    host: str, unit: str, row: dict[str, Any], facts: dict[str, Any], catalogue: Catalogue, config: SiteFile,
    balanced: tuple[BalancerServer, ...],
) -> ServiceInstance | None:  # fmt: skip
    known = catalogue.of_unit(unit)
    if known is None:
        return None
    component, service, slot = known
    running = running_bundle(row, facts["bundles"]) if row["active"] else ""
    manifest = facts["bundles"].get(running, {})
    backend = config.load_balancer.backends.get(service.name, "")
    server = next((s for s in balanced if s.backend == backend and s.server == slot), None) if backend else None
    return ServiceInstance(
        host=host, unit=unit, service=service.name, slot=slot, component=component.component, active=row["active"],
        enabled=row["enabled"], installed=row["installed"], running=running, release=manifest.get("release", ""),
        version=manifest.get("components", {}).get(component.component, ""),
        balancer_state="" if server is None else (server.state if server.up else "down"),
        address="" if server is None else server.address, stop_signal=row.get("stop_signal", ""),
    )  # fmt: skip


def _bundles(folder: Path, findings: list[Finding]) -> tuple[Bundle, ...]:
    found = []
    for path in sorted(folder.glob("[!.]*/manifest.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            archive = str(path.parent / "bundle.tar.zst")
            found.append(
                Bundle(data["id"], data["release"], data["components"], data["sha256"], data["size"], path=archive)
            )
        except (OSError, ValueError, KeyError) as error:
            text = f"can't be read: {error!r}"
            findings.append(Finding(Severity.WARNING, "artefacts.readable", str(path), text, requirement="PR-2"))
    return tuple(found)


async def _databases(site: Site, findings: list[Finding]) -> tuple[DatabaseRevision, ...]:
    entry = site.config.databases
    found = []
    for component, schemas in entry.schemas.items():
        for schema in schemas:
            try:
                versions = await _sql(site, entry.host, REVISIONS.format(schema=schema))
                rows = await _sql(site, entry.host, ROWS.format(schema=schema))
                found.append(
                    DatabaseRevision(component, schema, tuple(sorted(versions.split())), int(rows.strip() or 0))
                )
            except (EscalatorError, ValueError) as error:
                findings.append(_sick(f"database {schema}", str(error)))
    return tuple(found)


async def _sql(site: Site, host: str, text: str) -> str:
    argv = ["mariadb", "--batch", "--skip-column-names"]
    return (await site.shell.run(host, argv, timeout_s=30, stdin=text, fenced=False)).output
