"""The cloud's own APIs over openstacksdk, which blocks: each call runs in a thread.

Queries are repeated after a lost connection or a 5xx answer; so is what may be said twice. Probes are never repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openstack
from keystoneauth1 import exceptions as auth_errors
from openstack import exceptions as sdk_errors
from openstack.config.loader import OpenStackConfig

from escalator.errors import AuthenticationError, InputError, UnreachableError
from escalator.errors import SiteTimeoutError as TookTooLongError
from escalator.sites.openstack.faults import translated
from escalator.sites.openstack.probes import PROBES, Use
from escalator.sites.openstack.verbs import LONGEST_S, QUERIES

TRIES = 3
PAUSE_S = 1.0
QUERY_TIMEOUT_S = 120.0
REQUEST_TIMEOUT_S = 60.0


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
        """One query: plain data, its rows keyed like the nouns of :mod:`escalator.model`."""
        query = QUERIES.get(verb)
        if query is None:
            raise InputError(f"'{verb}' is no query of a cloud", hint=f"there are: {', '.join(sorted(QUERIES))}")
        longest_s = LONGEST_S.get(verb, QUERY_TIMEOUT_S)
        for left in range(TRIES - 1, -1, -1):
            try:
                return await self._thread(lambda: query(self._connection(self._entry), **args), verb, longest_s)
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

        def act() -> dict[str, Any]:
            use = Use(self._connection(entry), lambda: self._connect(self._tenant), self._network)
            probe(use)
            return dict(use.timings.seconds)

        seconds: dict[str, Any] = await self._thread(act, f"probe of {service}", timeout_s)
        return seconds

    async def _thread(self, act: Callable[[], Any], what: str, timeout_s: float) -> Any:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                return await loop.run_in_executor(self._threads, lambda: translated(act, what))
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
