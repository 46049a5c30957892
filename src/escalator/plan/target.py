"""What the next hop runs from: the bundle that is wanted, or why there is none."""

from __future__ import annotations

from escalator.catalogue.releases import Releases
from escalator.config.campaign import CampaignFile
from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Bundle, Inventory, ServiceInstance
from escalator.model.versions import compare, unreadable
from escalator.plan.changes import age


def hop_bundle(
    campaign: CampaignFile, inventory: Inventory, releases: Releases, running: list[ServiceInstance]
) -> tuple[Bundle, tuple[str, ...]] | Finding:
    """The bundle of the next hop and the releases of the whole way, or why there is none."""
    oldest = min((i.release for i in running), key=releases.index)
    if campaign.wanted.release is None:
        patch = _patch(campaign.wanted.components, inventory, running, oldest)
        return patch if isinstance(patch, Finding) else (patch, (oldest,))
    chain = releases.chain(oldest, campaign.wanted.release, campaign.hops)
    if isinstance(chain, Finding):
        return chain
    following = chain[1] if len(chain) > 1 else chain[0]
    there = [b for b in inventory.bundles if b.release == following]
    if not there and len(chain) == 1:
        here = next(i for i in running if i.release == oldest)
        return Bundle(here.running, oldest, {i.component: i.version for i in running}, "", 0), chain
    if not there:
        have = ", ".join(b.id for b in inventory.bundles) or "none"
        return refusal("artefacts.there", following, f"no bundle of {following} was collected", f"there are: {have}")
    ids = {i.running for i in running}
    if len(chain) == 1:
        there = [b for b in there if b.id in ids] or there
    return _best(there, ids), chain


def _patch(
    wanted: dict[str, str], inventory: Inventory, running: list[ServiceInstance], release: str
) -> Bundle | Finding:
    """A bundle of the release that runs, with single components at the versions that are wanted (GR-3)."""
    for component, version in wanted.items():
        if unreadable(component, version):
            text = f"{component} {version}: '{version}' can't be read as a version"
            return refusal("version.readable", component, text, "a version reads like 31.1.0")
    for i in running:
        if is_older(wanted[i.component], i.version):
            text = f"{i.component} {wanted[i.component]} is older than the {i.version} that runs"
            hint = "roll back before the commit, or restore a backup after it"
            return refusal("hop.backwards", f"{inventory.site}/{i.host}/{i.unit}", text, hint)
    same = [b for b in inventory.bundles if b.release == release]
    fitting = [b for b in same if all(b.components.get(c) == v for c, v in wanted.items())]
    if not fitting:
        wish = ", ".join(f"{c} {v}" for c, v in wanted.items())
        have = {f"{c} {b.components[c]}" for b in same for c in wanted if c in b.components}
        hint = f"collect one; there are: {', '.join(sorted(have)) or 'none'}"
        return refusal("artefacts.there", wish, f"no collected bundle of {release} holds {wish}", hint)
    return _best(fitting, {i.running for i in running})


def _best(bundles: list[Bundle], ids: set[str]) -> Bundle:
    """One that runs already, so that what was begun ends as it began; else the newest versions, by component name."""
    return max(bundles, key=lambda b: (b.id in ids, age(b)))


def is_older(version: str, than: str) -> bool:
    """Whether a version comes before another (GR-1)."""
    return compare(version, than) < 0


def below_floor(inventory: Inventory, bundle: Bundle, releases: Releases) -> list[Finding]:
    """A control plane refuses computes that are older than its floor."""
    floor = next((r.compute_floor for r in releases.known if r.id == bundle.release), "")
    low = releases.index(floor)
    return [
        refusal(
            "compute.floor", f"{inventory.site}/{i.host}/{i.unit}",
            f"runs {i.release}, but the control plane of {bundle.release} needs computes of {floor} or newer",
            f"upgrade the computes to {floor} first (a campaign with target {floor})",
        )
        for i in inventory.instances
        if i.service == "nova-compute" and i.active and releases.index(i.release) < low
    ]  # fmt: skip


def refusal(rule: str, subject: str, text: str, hint: str = "") -> Finding:
    """A finding that stops the plan."""
    return Finding(Severity.REFUSED, rule, subject, text, requirement="GR-4", hint=hint)
