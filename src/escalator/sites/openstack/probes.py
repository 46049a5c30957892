"""Probes: a service used as a tenant would. They are never repeated: a failed attempt is what they are there to see."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from keystoneauth1 import exceptions as auth_errors
from openstack import exceptions as sdk_errors

from escalator.errors import IntegrityError, SiteError


class Timings:
    """Seconds per act of a probe."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def of(self, act: str) -> Iterator[None]:
        """Time the body."""
        began = time.monotonic()
        try:
            yield
        except (sdk_errors.SDKException, auth_errors.ClientException) as error:
            error.args = (f"{act}: {error}", *error.args[1:])
            raise
        self.seconds[act] = round(time.monotonic() - began, 4)


@dataclass(frozen=True)
class Use:
    """What a probe works with: a connection, how to get one that holds no token yet, the network for its port."""

    connection: Any
    fresh: Callable[[], Any]
    network: str
    timings: Timings = field(default_factory=Timings)


def _probe_name() -> str:
    return f"escalator-probe-{uuid.uuid4().hex[:8]}"


def _keystone(use: Use) -> None:
    connection = use.fresh()
    with use.timings.of("issue token"):
        token = connection.session.get_token()
    with use.timings.of("validate token"):
        answer = connection.identity.get("/auth/tokens", headers={"X-Subject-Token": token})
        sdk_errors.raise_from_response(answer)


def _placement(use: Use) -> None:
    with use.timings.of("list resource providers"):
        list(use.connection.placement.resource_providers())


def _glance(use: Use) -> None:
    data = uuid.uuid4().bytes * 64
    with use.timings.of("create image"):
        image = use.connection.image.create_image(
            name=_probe_name(), data=data, disk_format="raw", container_format="bare", wait=True, timeout=60
        )
    try:
        with use.timings.of("read image"):
            back = use.connection.image.download_image(image).content
        if back != data:
            raise IntegrityError("the image service gave back other bytes than were stored")
    finally:
        with use.timings.of("delete image"):
            use.connection.image.delete_image(image.id, ignore_missing=False)


def _nova(use: Use) -> None:
    name = _probe_name()
    with use.timings.of("list servers"):
        list(use.connection.compute.servers(details=True))
    with use.timings.of("create keypair"):
        use.connection.compute.create_keypair(name=name, public_key=PUBLIC_KEY)
    try:
        with use.timings.of("read keypair"):
            use.connection.compute.get_keypair(name)
    finally:
        with use.timings.of("delete keypair"):
            use.connection.compute.delete_keypair(name, ignore_missing=False)


def _neutron(use: Use) -> None:
    with use.timings.of("find network"):
        networks = list(use.connection.network.networks())
    network = next((n for n in networks if use.network in (n.name, n.id)), None)
    if network is None:
        raise SiteError(f"there is no network '{use.network}' for the probe", hint="see probes.network in site.yaml")
    with use.timings.of("create port"):
        port = use.connection.network.create_port(network_id=network.id, name=_probe_name())
    try:
        with use.timings.of("read port"):
            use.connection.network.get_port(port.id)
    finally:
        with use.timings.of("delete port"):
            use.connection.network.delete_port(port.id, ignore_missing=False)


#: Nobody holds its private half; since Nova 2.92 a key pair can't be made without a public key.
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f escalator-probe"

PROBES: dict[str, Callable[[Use], None]] = {
    "keystone-api": _keystone,
    "placement-api": _placement,
    "glance-api": _glance,
    "nova-api": _nova,
    "neutron-api": _neutron,
}
