"""Host aggregates: which hosts a server's flavour binds it to, and which it must keep away from.

``aggregate_instance_extra_specs:KEY`` and keys without a scope are looked up in the aggregates' metadata, as Nova's
AggregateInstanceExtraSpecsFilter does; ``trait:NAME=required`` on an aggregate keeps servers off that do not ask for
the trait (isolated aggregates). Whether a site's scheduler has these filters no API tells: they are taken to hold.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SCOPE = "aggregate_instance_extra_specs:"
TENANT = "filter_tenant_id"


@dataclass(frozen=True)
class Aggregates:
    """The rows of Nova's list of host aggregates."""

    rows: tuple[dict[str, Any], ...]

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(key for row in self.rows for key in row["metadata"])

    @cached_property
    def _traits(self) -> frozenset[str]:
        """Of isolated aggregates."""
        return frozenset(
            key.removeprefix("trait:")
            for row in self.rows for key, value in row["metadata"].items()
            if key.startswith("trait:") and value == "required"
        )  # fmt: skip

    def by_host(self) -> dict[str, list[str]]:
        """Host -> names of its aggregates."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.rows:
            for host in row["hosts"]:
                found[host].append(row["name"])
        return {host: sorted(names) for host, names in found.items()}

    def binding(self, specs: dict[str, str], host: str) -> tuple[str, ...]:
        """Names of the aggregates whose hosts alone a flavour allows; () where it has no say in it.

        Where no single one fits it all (its wishes are spread over several, or can't be read), those of ``host`` that
        fit part of it: that is where the server runs already.
        """
        wishes = {k.removeprefix(SCOPE): v for k, v in specs.items() if k.startswith(SCOPE)}
        wishes |= {k: v for k, v in specs.items() if ":" not in k and k in self._keys}
        if not wishes:
            return ()
        fitting = [row for row in self.rows if all(_fits(row, k, v) for k, v in wishes.items())]
        partly = [row for row in self.rows if host in row["hosts"] and set(wishes) & set(row["metadata"])]
        return tuple(sorted(row["name"] for row in fitting or partly))

    def isolating(self, required: frozenset[str]) -> frozenset[str]:
        """Traits of isolated aggregates that a server does not ask for: it must not go to hosts with them."""
        return self._traits - required

    def of_tenants(self) -> list[str]:
        """Names of the aggregates that are kept for some projects."""
        return sorted(row["name"] for row in self.rows if any(k.startswith(TENANT) for k in row["metadata"]))


def _fits(row: dict[str, Any], key: str, wish: str) -> bool:
    """Plain values, ``s== x``, ``<or> x <or> y`` and ``<in> x``; other comparisons fit nothing."""
    have = {value.strip() for value in str(row["metadata"].get(key, "")).split(",")} - {""}
    operator, _, rest = wish.strip().partition(" ")
    if operator == "<or>":
        return bool(have & {part.strip() for part in wish.split("<or>")})
    if operator == "<in>":
        return any(rest.strip() in value for value in have)
    return (rest.strip() if operator == "s==" else wish.strip()) in have
