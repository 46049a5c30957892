"""What a component goes through, judged by its versions (GR-1)."""

from __future__ import annotations

from functools import cmp_to_key

from escalator.model.inventory import Bundle, ServiceInstance
from escalator.model.plan import Change
from escalator.model.versions import compare, size


def change_of(name: str, old: ServiceInstance, bundle: Bundle) -> Change:
    """From what an instance runs to what a bundle holds."""
    new = bundle.components[name]
    return Change(name, old.version, new, old.release, bundle.release, size(old.version, new))


def age(bundle: Bundle) -> tuple[object, ...]:
    """What a bundle is newer by: the versions of its components in the order of their names, then its id."""
    versions = [bundle.components[name] for name in sorted(bundle.components)]
    return (*(cmp_to_key(compare)(v) for v in versions), bundle.id)
