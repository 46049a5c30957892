"""What a component goes through, judged by its versions (GR-1)."""

from __future__ import annotations

from functools import cmp_to_key

from escalator.model.findings import Finding, Severity
from escalator.model.inventory import Bundle, ServiceInstance
from escalator.model.plan import Change
from escalator.model.versions import compare, size, unreadable


def change_of(name: str, old: ServiceInstance, bundle: Bundle) -> Change:
    """From what an instance runs to what a bundle holds."""
    new = bundle.components[name]
    return Change(name, old.version, new, old.release, bundle.release, size(old.version, new))


def direction(change: Change) -> tuple[Finding, ...]:
    """Warnings where a version can't be read, or where it is older than the one that runs."""
    odd = unreadable(change.component, change.from_version, change.to_version)
    if odd or compare(change.to_version, change.from_version) >= 0:
        return odd
    text = f"{change.to_version} is older than {change.from_version}: what was mended since comes back"
    return (Finding(Severity.WARNING, "version.older", change.component, text, requirement="GR-1"),)


def age(bundle: Bundle) -> tuple[object, ...]:
    """What a bundle is newer by: the versions of its components in the order of their names, then its id."""
    versions = [bundle.components[name] for name in sorted(bundle.components)]
    return (*(cmp_to_key(compare)(v) for v in versions), bundle.id)
