"""The planner: campaign, inventory and catalogue in, an immutable plan of the next hop out."""

from __future__ import annotations

from dataclasses import replace

from escalator.catalogue.components import Catalogue, Component
from escalator.catalogue.releases import Releases
from escalator.config.campaign import CampaignFile
from escalator.config.site import SiteFile
from escalator.errors import InputError
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Bundle, Inventory, ServiceInstance
from escalator.model.plan import Mode, Phase, Plan, Policy, Procedure, Step
from escalator.model.versions import unreadable
from escalator.plan import gates, limits, tests
from escalator.plan.backup import backup_step, missing_schemas
from escalator.plan.changes import change_of
from escalator.plan.impact import impacts
from escalator.plan.learned import learned
from escalator.plan.steps import Kit, in_place, one, overlap, roll_api
from escalator.plan.tailor import stop_signals, tailored
from escalator.plan.target import below_floor, hop_bundle, is_older, refusal
from escalator.plan.waves import in_waves
from escalator.serial import digest


def make_plan(
    campaign: CampaignFile, site: SiteFile, inventory: Inventory, catalogue: Catalogue, releases: Releases, *, now: str
) -> Plan:
    """The plan of the next hop towards what the campaign wants; empty where nothing is left to do.

    What forbids it stands in its findings (REFUSED). InputError where the campaign names what the catalogue lacks.
    """
    wanted = _scope(campaign, catalogue)
    tests.insist_on_known(campaign, catalogue)
    gates.insist_on_known(campaign, catalogue, inventory)
    limits.insist_on_known(campaign)
    findings = list(inventory.findings)
    roles = set(campaign.scope.roles)
    reach = {h.name for h in inventory.hosts if set(h.roles) & roles}
    running = [i for i in inventory.instances if i.component in wanted and i.host in reach and i.active and i.version]
    empty = _empty(campaign, site, inventory, catalogue, now)
    if not running:
        findings.append(refusal("site.running", site.name, "no service of the campaign's scope runs"))
        return replace(empty, findings=tuple(findings))
    found = hop_bundle(campaign, inventory, releases, running)
    if isinstance(found, Finding):
        return replace(empty, findings=(*findings, found))
    bundle, chain = found
    stale = [
        i for i in inventory.instances
        if i.component in wanted and i.host in reach and i.active and _behind(i, bundle)
    ]  # fmt: skip
    start = min((i.release for i in stale), key=releases.index, default=bundle.release)
    findings += below_floor(inventory, bundle, releases)
    changes = tuple(
        change_of(name, next(i for i in stale if i.component == name), bundle)
        for name in (c.component for c in catalogue.ordered())
        if any(i.component == name for i in stale)
    )
    findings += [f for c in changes for f in unreadable(c.component, c.from_version, c.to_version)]
    if not changes:
        return replace(empty, hop=(bundle.release, bundle.release), chain=chain, findings=tuple(findings))
    kit = Kit(
        site.name,
        site.installer.root,
        bundle,
        inventory,
        dict(site.load_balancer.backends),
        site.databases.host,
        site.databases.schemas,
    )
    changed = [c for c in catalogue.ordered() if c.component in {change.component for change in changes}]
    findings += [
        Finding(
            Severity.WARNING, "check.left-out", f"{c.component} {bundle.release}",
            f"'{' '.join(check.argv)}' is not run: {check.broken[bundle.release]}", requirement="VA-3",
        )
        for c in changed for check in c.checks if bundle.release in check.broken
    ]  # fmt: skip
    findings += stop_signals(changed, inventory)
    if campaign.backup == "full":
        findings += missing_schemas(site, changed)
    raw = _procedures(kit, campaign, site, changed, stale), _commit(kit, changed)
    timed = [learned(tailored(p, catalogue, inventory), catalogue) for p in raw]
    procedures, commit = (limits.limited(p, campaign, inventory) for p in timed)
    made = replace(
        empty, hop=(start, bundle.release), bundle=bundle.id, changes=changes, chain=chain,
        procedures=procedures, commit=commit, impacts=impacts(procedures, changed, catalogue, inventory),
    )  # fmt: skip
    held, nowhere = gates.gates_of(campaign, made)
    return replace(made, gates=held, findings=(*findings, *nowhere))


def _empty(campaign: CampaignFile, site: SiteFile, inventory: Inventory, catalogue: Catalogue, now: str) -> Plan:
    policy = campaign.policy
    return Plan(
        campaign=campaign.name, site=site.name, hop=("", ""), bundle="", changes=(), procedures=(), commit=(),
        policy=Policy(policy.on_failure, policy.retries, policy.commit, campaign.budgets.max_duration,
                      policy.set_aside.hosts, policy.set_aside.percent,
                      campaign.budgets.max_rollback or campaign.budgets.max_duration, policy.at_deadline),
        smooth=campaign.smooth, inventory_digest=digest(inventory), catalogue_digest=catalogue.digest, created_at=now,
        budgets={"failed_requests": campaign.budgets.failed_requests, "longest_gap_s": campaign.budgets.longest_gap_s},
        soak_s=campaign.soak_s, windows=gates.windows_of(campaign), folder=campaign.folder,
    )  # fmt: skip


def _scope(campaign: CampaignFile, catalogue: Catalogue) -> set[str]:
    names = frozenset(catalogue.components)
    listed = names if campaign.scope.components == "all" else set(campaign.scope.components)
    given = set(campaign.wanted.components or listed)
    unknown = sorted(given - names)
    if unknown:
        raise InputError(f"unknown component '{unknown[0]}'", hint=f"components: {', '.join(sorted(names))}")
    return given


def _behind(instance: ServiceInstance, bundle: Bundle) -> bool:
    """Whether it runs less than the bundle holds, or nobody can tell what; what is ahead stays as it is."""
    return not instance.version or is_older(instance.version, bundle.components[instance.component])


def _procedures(
    kit: Kit, campaign: CampaignFile, site: SiteFile, changed: list[Component], stale: list[ServiceInstance]
) -> tuple[Procedure, ...]:
    hosts = [h for h in kit.inventory.hosts if any(i.host == h.name for i in stale)]
    bundle = kit.bundle
    preflight = [
        one(kit, Phase.PREFLIGHT, "bundle", "", "bundle.verify", "", f"bundle {bundle.id} is whole", bundle=bundle.id,
            path=bundle.path, sha256=bundle.sha256, components=bundle.components),
        one(kit, Phase.PREFLIGHT, "site", "", "check.site", "", "the cloud is well"),
        *tests.prepared(kit, campaign, "before"),
    ]  # fmt: skip
    stage = [
        one(kit, Phase.STAGE, h.name, "", "bundle.stage", h.name, f"unpack {bundle.id} on {h.name}", bundle=bundle.id,
            path=bundle.path, sha256=bundle.sha256, root=kit.root, present=bundle.id in h.bundles)
        for h in hosts
    ]  # fmt: skip
    found = [_sequence("preflight", "Preflight", Phase.PREFLIGHT, preflight)]
    if campaign.backup == "full":
        saved = backup_step(kit, campaign, site, changed, hosts)
        found.append(_sequence("backup", "Backup", Phase.BACKUP, [saved]))
    found.append(Procedure("stage", "Stage", Phase.STAGE, Mode.PARALLEL, tuple(stage), limit=campaign.parallel.stage))
    controller = kit.database_host
    checks = [
        one(kit, Phase.PREFLIGHT, f"check/{c.component}/{n}", c.component, "check.command", controller,
            f"{' '.join(check.argv)} of the target", bin=kit.bin, argv=list(check.argv), ok=list(check.ok))
        for c in changed for n, check in enumerate(c.checks) if kit.bundle.release not in check.broken
    ]  # fmt: skip
    found.append(_sequence("checks", "Target's own checks", Phase.PREFLIGHT, checks))
    children = [_component(kit, campaign, c, stale, controller) for c in changed]
    found.append(
        Procedure("control", "Control plane", Phase.ROLL, Mode.SEQUENCE, tuple(c for c in children if c.children))
    )
    found += _hosts(kit, campaign, changed, stale)
    found += _unpin(kit, changed, stale)
    verify = [
        one(kit, Phase.VERIFY, s.name, c.component, "api.probe", "", f"use {s.name} as a tenant would", service=s.name)
        for c in changed for s in c.services if s.kind == "api"
    ]  # fmt: skip
    again = one(kit, Phase.VERIFY, "site", "", "check.site", "", "the cloud is well")
    after = tests.prepared(kit, campaign, "after")
    found.append(_sequence("verify", "Verify", Phase.VERIFY, [*verify, again, *after]))
    if campaign.soak_s:
        soak = one(
            kit, Phase.SOAK, "soak", "", "soak", "", f"watch for {campaign.soak_s:g} s", duration_s=campaign.soak_s
        )
        found.append(_sequence("soak", "Soak", Phase.SOAK, [soak]))
    return tuple(p for p in found if p.children)


def _sequence(name: str, title: str, phase: Phase, steps: list[Step]) -> Procedure:
    return Procedure(name, title, phase, Mode.SEQUENCE, tuple(steps))


def _component(
    kit: Kit, campaign: CampaignFile, component: Component, stale: list[ServiceInstance], controller: str
) -> Procedure:
    """Expand, then roll the control services in the catalogue's order, then the tests that stand behind it."""
    name = component.component
    steps = []
    control = [i for i in stale if i.component == name]
    services = [s for s in component.services if s.kind != "host"]
    if component.expand and any(i.service == s.name for s in services for i in control):
        why = "; ".join(f"after {c}: {w}" for c, w in component.after.items())
        steps.append(
            one(kit, Phase.EXPAND, name, name, "schema.expand", controller, f"expand {name}'s schema", why,
                bin=kit.bin, argv=[list(a) for a in component.expand], bundle=kit.bundle.id,
                hold=kit.held_schema(component))
        )  # fmt: skip
    for service in services:
        mine = [i for i in control if i.service == service.name]
        if service.kind == "api":
            steps += [roll_api(kit, component, service, i, phase=Phase.ROLL, switch=True) for i in mine]
        else:
            steps += [overlap(kit, component, service, i, _idle(kit, i), phase=Phase.ROLL) for i in mine]
    if steps:
        steps += tests.prepared(kit, campaign, "after-component", name)
    return _sequence(f"control/{name}", f"{name} {kit.bundle.components[name]}", Phase.ROLL, steps)


def _idle(kit: Kit, running: ServiceInstance) -> ServiceInstance:
    """The other slot of a worker; InputError where there is none."""
    for other in kit.inventory.instances:
        if other.host == running.host and other.service == running.service and other.unit != running.unit:
            return other
    raise InputError(f"{running.unit} on {running.host} has no second slot", hint="it can't be changed without a pause")


def _hosts(kit: Kit, campaign: CampaignFile, changed: list[Component], stale: list[ServiceInstance]) -> list[Procedure]:
    by_host: dict[str, list[Step]] = {}
    for component in changed:
        for service in component.services:
            if service.kind == "host":
                for i in stale:
                    if i.service == service.name:
                        by_host.setdefault(i.host, []).append(in_place(kit, component, service, i))
    children = tuple(replace(_sequence(f"hosts/{h}", h, Phase.ROLL, steps), apart=True) for h, steps in by_host.items())
    names = gates.wanted_names(campaign)
    if campaign.parallel.per_zone is not None:
        children = limits.spread(children, limits.zones_of(kit.inventory))
    found = in_waves(
        children, campaign.parallel.computes, canary=gates.CANARY in names, waves=gates.WAVE in names
    )  # fmt: skip
    return [*found, *tests.behind_hosts(kit, campaign, changed, stale)]


def _unpin(kit: Kit, changed: list[Component], stale: list[ServiceInstance]) -> list[Procedure]:
    """Services that chose their RPC versions among older peers start once more when the last of those is gone.

    Not within one release: RPC versions do not change there (OpenStack's policy for stable branches).
    """
    steps: list[Step] = []
    hosts = {h.name for h in kit.inventory.hosts if "compute" in h.roles}
    older = {i.component for i in stale if i.host in hosts and i.release != kit.bundle.release}
    for component in changed:
        if component.component not in older:
            continue
        for name in component.unpin:
            service = next(s for s in component.services if s.name == name)
            for i in [i for i in kit.inventory.instances if i.service == name]:
                if service.kind == "api":
                    steps.append(roll_api(kit, component, service, i, phase=Phase.UNPIN, switch=False))
                elif i.active:
                    steps.append(overlap(kit, component, service, _idle(kit, i), i, phase=Phase.UNPIN))
    return [_sequence("unpin", "Unpin RPC versions", Phase.UNPIN, steps)] if steps else []


def _commit(kit: Kit, changed: list[Component]) -> tuple[Procedure, ...]:
    host = kit.database_host
    migrate = [
        one(kit, Phase.MIGRATE, f"{c.component}/{n}", c.component, "data.migrate", host, f"migrate {c.component} data",
            bin=kit.bin, argv=list(m.argv), again=list(m.again), done=list(m.done), bundle=kit.bundle.id)
        for c in changed for n, m in enumerate(c.migrate)
    ]  # fmt: skip
    contract = [
        one(kit, Phase.CONTRACT, c.component, c.component, "schema.contract", host, f"contract {c.component}'s schema",
            bin=kit.bin, argv=[list(a) for a in c.contract], bundle=kit.bundle.id)
        for c in changed if c.contract
    ]  # fmt: skip
    found = [
        _sequence("migrate", "Data migrations", Phase.MIGRATE, migrate),
        _sequence("contract", "Contract schemas", Phase.CONTRACT, contract),
    ]
    return tuple(p for p in found if p.children)
