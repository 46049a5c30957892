"""The cloud's own APIs over openstacksdk, which blocks: each call runs in a thread.

Queries are repeated after a lost connection or a 5xx answer; so is what may be said twice. Probes are never repeated: a
failed attempt is what they are there to see.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openstack
from keystoneauth1 import exceptions as auth_errors
from openstack import exceptions as sdk_errors
from openstack.config.loader import OpenStackConfig

from escalator.errors import AuthenticationError, InputError, IntegrityError, SiteError, UnreachableError
from escalator.errors import SiteTimeoutError as TookTooLongError

TRIES = 3
PAUSE_S = 1.0
QUERY_TIMEOUT_S = 120.0
REQUEST_TIMEOUT_S = 60.0
SERVER_FAULT = 500


class OpenStackCloud:
    """The :class:`escalator.sites.protocol.Cloud` of a real one.

    ``entry`` of ``clouds_yaml`` administers; ``tenant`` (another entry, or empty) does what tenants do.
    """

    def __init__(self, clouds_yaml: Path, entry: str, region: str, tenant: str = "", network: str = "") -> None:
        self._file = clouds_yaml
        self._entry = entry
        self._tenant = tenant or entry
        self._region = region
        self._network = network
        self._connections: dict[str, Any] = {}
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="openstack")

    async def call(self, verb: str, **args: Any) -> Any:
        """One query: lists of plain dicts, keyed like the nouns of :mod:`escalator.model.inventory`."""
        query = QUERIES.get(verb)
        if query is None:
            raise InputError(f"'{verb}' is no query of a cloud", hint=f"there are: {', '.join(sorted(QUERIES))}")
        for left in range(TRIES - 1, -1, -1):
            try:
                return await self._thread(lambda: query(self._connection(self._entry), **args), verb, QUERY_TIMEOUT_S)
            except UnreachableError:
                if not left:
                    raise
                await asyncio.sleep(PAUSE_S)
        raise AssertionError

    async def functional_probe(self, service: str, *, timeout_s: float) -> dict[str, Any]:
        """Use a service as a tenant would; returns seconds per act. Raises SiteError where an act fails."""
        probe = PROBES.get(service)
        if probe is None:
            raise InputError(f"there is no probe for '{service}'", hint=f"there are: {', '.join(sorted(PROBES))}")
        entry = self._entry if service == "placement-api" else self._tenant  # only administrators may list providers

        def use() -> dict[str, Any]:
            timings = Timings()
            probe(self, self._connection(entry), timings)
            return dict(timings.seconds)

        seconds: dict[str, Any] = await self._thread(use, f"probe of {service}", timeout_s)
        return seconds

    @property
    def network(self) -> str:
        """Name of the network on which the network probe makes its port."""
        return self._network

    def fresh_connection(self) -> Any:
        """A connection that holds no token yet."""
        return self._connect(self._tenant)

    async def _thread(self, act: Callable[[], Any], what: str, timeout_s: float) -> Any:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                return await loop.run_in_executor(self._threads, lambda: _translated(act, what))
        except TimeoutError:
            raise TookTooLongError(f"cloud {self._entry}: {what}: no answer within {timeout_s:g} s") from None

    def _connection(self, entry: str) -> Any:
        if entry not in self._connections:
            self._connections[entry] = self._connect(entry)
        return self._connections[entry]

    def _connect(self, entry: str) -> Any:
        if not self._file.is_file():
            raise AuthenticationError(f"there is no file {self._file}", hint="see cloud: in site.yaml")
        try:
            config = OpenStackConfig(config_files=[str(self._file)], load_envvars=False).get_one(
                cloud=entry, region_name=self._region, api_timeout=REQUEST_TIMEOUT_S
            )
        except (sdk_errors.SDKException, auth_errors.ClientException) as error:
            raise AuthenticationError(f"{self._file}: entry '{entry}': {error}") from error
        return openstack.connection.Connection(config=config)


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


def _translated(act: Callable[[], Any], what: str) -> Any:
    """``act()``, its failures as kinds of ours."""
    try:
        return act()
    except (auth_errors.Unauthorized, auth_errors.MissingRequiredOptions, sdk_errors.ForbiddenException) as error:
        raise AuthenticationError(f"cloud: {what}: {error}") from error
    except (auth_errors.ConnectFailure, auth_errors.DiscoveryFailure, auth_errors.EndpointNotFound) as error:
        raise UnreachableError(f"cloud: {what}: {error}") from error
    except sdk_errors.HttpException as error:
        if (error.status_code or 0) >= SERVER_FAULT:
            raise UnreachableError(f"cloud: {what}: {error}") from error
        raise SiteError(f"cloud: {what}: {error}") from error
    except auth_errors.HttpServerError as error:
        raise UnreachableError(f"cloud: {what}: {error}") from error
    except (sdk_errors.SDKException, auth_errors.ClientException) as error:
        raise SiteError(f"cloud: {what}: {error}") from error


# --- queries ---------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def compute_services(cloud: Any) -> list[dict[str, Any]]:
    """Rows of the compute service list, with when they were last heard of."""
    return [
        {
            "host": s.host,
            "binary": s.binary,
            "status": s.status,
            "state": s.state,
            "zone": _text(s.availability_zone),
            "disabled_reason": _text(s.disabled_reason),
            "heard_at": _text(s.updated_at),
        }
        for s in cloud.compute.services()
    ]


def network_agents(cloud: Any) -> list[dict[str, Any]]:
    """Rows of the network agent list, with when they were last heard of."""
    return [
        {
            "host": a.host,
            "binary": a.binary,
            "kind": _text(a.agent_type),
            "alive": bool(a.is_alive),
            "admin_up": bool(a.is_admin_state_up),
            "heard_at": _text(a.last_heartbeat_at),
        }
        for a in cloud.network.agents()
    ]


def hypervisors(cloud: Any) -> list[dict[str, Any]]:
    """Hypervisors. Above 2.87 sizes are not told, and each compute is asked by RPC: a minute where one is away."""
    return [
        {
            "host": _text((h.service_details or {}).get("host")) or h.name,
            "kind": _text(h.hypervisor_type),
            "version": _text(h.hypervisor_version),
            "state": _text(h.state),
            "stock": {"VCPU": {"total": int(h.vcpus or 0)}, "MEMORY_MB": {"total": int(h.memory_size or 0)}},
        }
        for h in cloud.compute.hypervisors(details=True, microversion="2.87")
    ]


def servers(cloud: Any) -> list[dict[str, Any]]:
    """Virtual machines of all projects. Names are chosen by tenants: hostile input."""
    groups = {member: g["id"] for g in server_groups(cloud) for member in g["members"]}
    return [
        {
            "id": s.id,
            "name": _text(s.name),
            "project": _text(s.project_id),
            "host": _text(s.compute_host),
            "status": _text(s.status),
            "task_state": _text(s.task_state),
            "flavor": _text((s.flavor or {}).get("original_name") or (s.flavor or {}).get("id")),
            "addresses": sorted(p["addr"] for ports in (s.addresses or {}).values() for p in ports),
            "group": groups.get(s.id, ""),
        }
        for s in cloud.compute.servers(details=True, all_projects=True)
    ]


def server_groups(cloud: Any) -> list[dict[str, Any]]:
    """Server groups of all projects."""
    return [
        {
            "id": g.id,
            "name": _text(g.name),
            "policy": _text(g.policy or next(iter(g.policies or []), "")),
            "members": list(g.member_ids or []),
        }
        for g in cloud.compute.server_groups(all_projects=True)
    ]


def images(cloud: Any) -> list[str]:
    """Names of images."""
    return sorted(_text(i.name) or i.id for i in cloud.image.images())


def endpoints(cloud: Any) -> list[dict[str, Any]]:
    """The catalogue's endpoints."""
    names = {s.id: _text(s.name) or _text(s.type) for s in cloud.identity.services()}
    return [
        {
            "service": names.get(e.service_id, _text(e.service_id)),
            "interface": _text(e.interface),
            "url": _text(e.url),
            "region": _text(e.region_id),
        }
        for e in cloud.identity.endpoints()
    ]


def set_compute_status(cloud: Any, host: str, *, enabled: bool, reason: str = "") -> list[dict[str, Any]]:
    """Let the scheduler use a compute, or not; to say it twice does no harm. Returns the row as it is then."""
    for service in cloud.compute.services(host=host, binary="nova-compute"):
        if enabled:
            cloud.compute.enable_service(service)
        else:
            cloud.compute.disable_service(service, disabled_reason=reason)
    return [row for row in compute_services(cloud) if row["host"] == host and row["binary"] == "nova-compute"]


QUERIES: dict[str, Callable[..., Any]] = {
    query.__name__: query
    for query in (
        compute_services,
        network_agents,
        hypervisors,
        servers,
        server_groups,
        images,
        endpoints,
        set_compute_status,
    )
}


# --- probes ----------------------------------------------------------------------------------------------------------


def _probe_name() -> str:
    return f"escalator-probe-{uuid.uuid4().hex[:8]}"


def _keystone(cloud: OpenStackCloud, _: Any, timings: Timings) -> None:
    connection = cloud.fresh_connection()
    with timings.of("issue token"):
        token = connection.session.get_token()
    with timings.of("validate token"):
        answer = connection.identity.get("/auth/tokens", headers={"X-Subject-Token": token})
        sdk_errors.raise_from_response(answer)


def _placement(_: OpenStackCloud, connection: Any, timings: Timings) -> None:
    with timings.of("list resource providers"):
        list(connection.placement.resource_providers())


def _glance(_: OpenStackCloud, connection: Any, timings: Timings) -> None:
    data = uuid.uuid4().bytes * 64
    with timings.of("create image"):
        image = connection.image.create_image(
            name=_probe_name(), data=data, disk_format="raw", container_format="bare", wait=True, timeout=60
        )
    try:
        with timings.of("read image"):
            back = connection.image.download_image(image).content
        if back != data:
            raise IntegrityError("the image service gave back other bytes than were stored")
    finally:
        with timings.of("delete image"):
            connection.image.delete_image(image.id, ignore_missing=False)


def _nova(_: OpenStackCloud, connection: Any, timings: Timings) -> None:
    name = _probe_name()
    with timings.of("list servers"):
        list(connection.compute.servers(details=True))
    with timings.of("create keypair"):
        connection.compute.create_keypair(name=name, public_key=PUBLIC_KEY)
    try:
        with timings.of("read keypair"):
            connection.compute.get_keypair(name)
    finally:
        with timings.of("delete keypair"):
            connection.compute.delete_keypair(name, ignore_missing=False)


def _neutron(cloud: OpenStackCloud, connection: Any, timings: Timings) -> None:
    with timings.of("find network"):
        networks = list(connection.network.networks())
    network = next((n for n in networks if cloud.network in (n.name, n.id)), None)
    if network is None:
        raise SiteError(f"there is no network '{cloud.network}' for the probe", hint="see probes.network in site.yaml")
    with timings.of("create port"):
        port = connection.network.create_port(network_id=network.id, name=_probe_name())
    try:
        with timings.of("read port"):
            connection.network.get_port(port.id)
    finally:
        with timings.of("delete port"):
            connection.network.delete_port(port.id, ignore_missing=False)


#: Nobody holds its private half; since Nova 2.92 a key pair can't be made without a public key.
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f escalator-probe"

PROBES: dict[str, Callable[[OpenStackCloud, Any, Timings], None]] = {
    "keystone-api": _keystone,
    "placement-api": _placement,
    "glance-api": _glance,
    "nova-api": _nova,
    "neutron-api": _neutron,
}
