"""Releases, and which hops between them are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from escalator.model.findings import Finding, Severity
from escalator.model.versions import major


class Release(BaseModel):
    """One release of OpenStack."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    name: str
    slurp: bool
    majors: dict[str, Annotated[int, Field(ge=1)]]
    compute_floor: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    releases: list[Release]


@dataclass(frozen=True)
class Releases:
    """All known releases, oldest first."""

    known: tuple[Release, ...]

    def index(self, release: str) -> int:
        """Where a release stands in the order; -1 where it is not known."""
        return next((n for n, r in enumerate(self.known) if r.id == release), -1)

    def of_component(self, component: str, version: str) -> str:
        """The release of a component's version, pre-releases included ("" where its major is not known)."""
        number = major(version)
        return next((r.id for r in self.known if r.majors.get(component) == number), "")

    def hop_allowed(self, start: str, end: str) -> str:
        """Why one hop is not allowed, or "".

        Rule: to the next release, or from a SLURP release to the next SLURP release (TC resolution 2022-02-10).
        """
        i, j = self.index(start), self.index(end)
        if j == i + 1:
            return ""
        if not self.known[i].slurp:
            return f"{start} is no SLURP release: it can be left to the next release only"
        following = next((r.id for r in self.known[i + 1 :] if r.slurp), "")
        if end == following:
            return ""
        if not self.known[j].slurp:
            return f"{end} is no SLURP release: it can be reached from the release before it only"
        return f"a hop may not skip a SLURP release ({start} -> {end} skips {following})"

    def chain(self, start: str, end: str, hops: str = "fewest") -> tuple[str, ...] | Finding:
        """The releases from ``start`` to ``end``, both included, or why there is no way.

        ``fewest`` takes SLURP hops where they are allowed, ``every`` takes each release in turn, ``direct`` one hop or
        none: then the finding names the rule, and the chain that would work.
        """
        unknown = [r for r in (start, end) if self.index(r) < 0]
        if unknown:
            names = ", ".join(r.id for r in self.known)
            return _refusal("release.unknown", unknown[0], f"release '{unknown[0]}' is not in the catalogue", names)
        i, j = self.index(start), self.index(end)
        if j < i:
            text = f"{end} is older than {start}: no component supports going back to an older schema"
            return _refusal("hop.backwards", end, text, "roll back before the commit, or restore a backup after it")
        if hops == "every":
            return tuple(r.id for r in self.known[i : j + 1])
        if hops == "direct":
            why = self.hop_allowed(start, end) if i != j else ""
            if why:
                return _refusal("hop.not-allowed", end, why, "what works: " + " -> ".join(self._fewest(i, j)))
            return (start, end) if i != j else (start,)
        return self._fewest(i, j)

    def _fewest(self, i: int, j: int) -> tuple[str, ...]:
        way = [self.known[i].id]
        while i < j:
            i = max(n for n in range(i + 1, j + 1) if not self.hop_allowed(self.known[i].id, self.known[n].id))
            way.append(self.known[i].id)
        return tuple(way)


def _refusal(rule: str, subject: str, text: str, hint: str) -> Finding:
    return Finding(Severity.REFUSED, rule, subject, text, requirement="GR-4", hint=hint)


@cache
def load_releases() -> Releases:
    """The releases of the catalogue."""
    text = resources.files("escalator.catalogue").joinpath("releases.yaml").read_text(encoding="utf-8")
    return Releases(tuple(_File.model_validate(yaml.safe_load(text)).releases))
