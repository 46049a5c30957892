"""The campaign's prepared tests as steps (TE-1, PR-4d)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from escalator.catalogue.components import Catalogue, Component
from escalator.config.campaign import CampaignFile, TestEntry
from escalator.errors import InputError
from escalator.model.inventory import ServiceInstance
from escalator.model.plan import Mode, Phase, Procedure, Step
from escalator.plan.steps import Kit

_PHASES = {"before": Phase.PREFLIGHT, "after-component": Phase.ROLL, "after": Phase.VERIFY}


def insist_on_known(campaign: CampaignFile, catalogue: Catalogue) -> None:
    """Raise InputError where a test names a service or a component that the catalogue lacks."""
    services = {s.name for c in catalogue.ordered() for s in c.services if s.kind == "api"}
    for test in campaign.tests:
        if test.probe is not None and test.probe not in services:
            raise InputError(
                f"test '{test.name}': there is no probe for '{test.probe}'",
                hint=f"services: {', '.join(sorted(services))}",
            )
        if test.component is not None and test.component not in catalogue.components:
            raise InputError(
                f"test '{test.name}': unknown component '{test.component}'",
                hint=f"components: {', '.join(sorted(catalogue.components))}",
            )


def prepared(kit: Kit, campaign: CampaignFile, when: str, component: str = "") -> list[Step]:
    """The steps of the tests that stand here, in the campaign's order; ``component``: the one that was just rolled."""
    return [
        _step(kit, campaign, test, component)
        for test in campaign.tests
        if test.when == when and test.component in (None, component)
    ]


def behind_hosts(
    kit: Kit, campaign: CampaignFile, changed: list[Component], stale: list[ServiceInstance]
) -> list[Procedure]:
    """The tests of components that are rolled on hosts only: there is no control service to stand behind."""

    def in_control(component: Component) -> bool:
        names = {s.name for s in component.services if s.kind != "host"}
        return any(i.component == component.component and i.service in names for i in stale)

    steps = [
        s for c in changed if not in_control(c) for s in prepared(kit, campaign, "after-component", c.component)
    ]  # fmt: skip
    title = "Tests behind the hosts"
    return [Procedure("hosts/tests", title, Phase.ROLL, Mode.SEQUENCE, tuple(steps))] if steps else []


def _step(kit: Kit, campaign: CampaignFile, test: TestEntry, component: str) -> Step:
    phase = _PHASES[test.when]
    kind, args = _kind_and_args(test, campaign.folder)
    name = "/".join(filter(None, (phase.value, "test", component, test.name)))
    action = kit.action(
        name, kind, "", f"test: {test.name}",
        **{"test": test.name, "when": test.when, "component": component, "phase": phase.value, **args},
    )  # fmt: skip
    if kind == "api.probe":  # it has no time limit of its own
        action = replace(action, longest_s=test.timeout_s)
    return Step(name, action.title, phase, component, f"{kit.site}/{test.name}", (action,))


def _kind_and_args(test: TestEntry, folder: str) -> tuple[str, dict[str, Any]]:
    if test.probe is not None:
        return "api.probe", {"service": test.probe}
    if test.command is not None:
        return "test.command", {"argv": list(test.command), "folder": folder, "timeout_s": test.timeout_s}
    assert test.http is not None, "the campaign's own check lets one of three through"  # noqa: S101
    http = test.http
    return "test.http", {
        "url": http.url, "ok": list(http.ok), "contains": http.contains, "timeout_s": test.timeout_s,
    }  # fmt: skip
