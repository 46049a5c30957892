"""Placement: what each hypervisor has, which traits, and which server takes what of it.

Three calls per resource provider (inventories, traits, allocations), none per server: Placement lists no more at once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from openstack import exceptions as sdk_errors

from escalator.sites.openstack.lists import read

VERSION = "1.29"  # nested providers
AT_ONCE = 8


@dataclass
class Provider:
    """A tree of resource providers: a hypervisor and what is nested in it (cards, GPUs), taken together.

    ``taken``: consumer (a server's id, or that of its migration) -> amount by resource class.
    """

    stock: dict[str, dict[str, float]] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    taken: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def reserve_others(self, servers: set[str]) -> list[str]:
        """Count as reserved what others than ``servers``, those on it, take; returns who.

        Migrations under way, servers on their way here, what deleted ones left behind.
        """
        others = sorted(set(self.taken) - servers)
        for name, amount in (item for other in others for item in self.taken[other].items()):
            if name in self.stock:
                self.stock[name]["reserved"] += math.ceil(amount / self.stock[name]["ratio"])
        return others


def providers(placement: Any, names: Iterable[str]) -> dict[str, Provider]:
    """By the name of their root, which is the hypervisor's; one that vanishes meanwhile is left out."""
    wanted = set(names)
    rows = read(placement, "/resource_providers", VERSION)["resource_providers"]
    roots = {r["uuid"]: r["name"] for r in rows if r["uuid"] == r["root_provider_uuid"] and r["name"] in wanted}
    trees: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["root_provider_uuid"] in roots:
            trees[roots[row["root_provider_uuid"]]].append(row["uuid"])
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="placement") as pool:
        found = pool.map(lambda uuids: _tree(placement, uuids), trees.values())
        return {name: tree for name, tree in zip(trees, found, strict=True) if tree is not None}


def _tree(placement: Any, uuids: list[str]) -> Provider | None:
    tree = Provider()
    try:
        for uuid in uuids:
            at = f"/resource_providers/{uuid}"
            for name, row in read(placement, f"{at}/inventories", VERSION)["inventories"].items():
                tree.stock[name] = _added(tree.stock.get(name), row)
            tree.traits |= set(read(placement, f"{at}/traits", VERSION)["traits"])
            for consumer, row in read(placement, f"{at}/allocations", VERSION)["allocations"].items():
                tree.taken[consumer].update(row["resources"])
    except sdk_errors.NotFoundException:
        return None
    return tree


def _added(before: dict[str, float] | None, row: dict[str, Any]) -> dict[str, float]:
    """The sum of two inventories of one class; where their ratios differ, of what can be allocated of them."""
    now = {"total": int(row["total"]), "reserved": int(row["reserved"]), "ratio": float(row["allocation_ratio"])}
    if before is None:
        return now
    if before["ratio"] == now["ratio"]:
        return {**now, "total": before["total"] + now["total"], "reserved": before["reserved"] + now["reserved"]}
    capacity = sum(int((part["total"] - part["reserved"]) * part["ratio"]) for part in (before, now))
    return {"total": capacity, "reserved": 0, "ratio": 1.0}
