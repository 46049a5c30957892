"""Tokens: issued through Keystone, renewed at half of their life."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from escalator.errors import InputError, NotFoundError
from escalator.metering.recorder import Clock
from escalator.metering.web import Failed, Web

TYPES = {"identity": "keystone", "placement": "placement", "image": "glance", "compute": "nova", "network": "neutron"}


def cloud_entry(path: Path, name: str) -> dict[str, Any]:
    """An entry of a clouds.yaml; raises :class:`InputError`."""
    try:
        clouds = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("clouds", {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read as clouds.yaml: {error}") from error
    if name not in clouds:
        raise NotFoundError(f"{path}: no cloud '{name}'; there are: {', '.join(sorted(clouds)) or 'none'}")
    entry: dict[str, Any] = clouds[name]
    if not entry.get("auth", {}).get("auth_url"):
        raise InputError(f"{path}: cloud '{name}' has no auth.auth_url")
    return entry


class Identity:
    """One user in one project, and its present token."""

    def __init__(self, web: Web, entry: dict[str, Any], region: str, clock: Clock, keystone: str = "") -> None:
        auth = entry["auth"]
        self.keystone = root_of(keystone or auth["auth_url"])
        self._web = web
        self._region = region or entry.get("region_name", "")
        self._clock = clock
        self._body = _request(auth)
        self._renew_at = 0.0
        self._expires = 0.0
        self._token = ""
        self.project = ""
        self.catalogue: dict[str, str] = {}

    @property
    def token(self) -> str:
        """A valid token, or "" while there is none (a request with a stale one would fail through our own fault)."""
        return self._token if self._clock.now() < self._expires - 1 else ""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a request with this token."""
        return {"X-Auth-Token": self._token}

    async def issue(self, *, fresh: bool = True) -> None:
        """Ask for a token, keep it where the present one is half spent; raises :class:`Failed`."""
        url = f"{self.keystone}/v3/auth/tokens"
        answer = await self._web.request("POST", url, fresh=fresh, body=self._body)
        token = answer.headers.get("x-subject-token", "")
        if not token:
            raise Failed("no-token")
        now = self._clock.now()
        if now < self._renew_at:
            return
        try:
            data = answer.json()["token"]
            expires = datetime.fromisoformat(data["expires_at"]).timestamp()
        except (ValueError, KeyError, TypeError):
            raise Failed("no-token") from None
        self._token, self._expires, self._renew_at = token, expires, now + (expires - now) / 2
        self.project = data.get("project", {}).get("id", "")
        self.catalogue = {TYPES[s["type"]]: self._url(s) for s in data.get("catalog", []) if s.get("type") in TYPES}

    def distrust(self) -> None:
        """Ask for a new token soon: the present one was refused."""
        self._renew_at = 0.0

    async def keep(self) -> None:
        """Keep a valid token, until cancelled."""
        while True:
            if self._clock.now() >= self._renew_at:
                try:
                    await self.issue()
                except Failed:
                    await asyncio.sleep(0.5)
                    continue
            await asyncio.sleep(1.0)

    def _url(self, service: dict[str, Any]) -> str:
        urls = [
            e["url"]
            for e in service.get("endpoints", [])
            if e.get("interface") == "public" and (not self._region or e.get("region_id") == self._region)
        ]
        return root_of(urls[0]) if urls else ""


def root_of(url: str) -> str:
    """A base URL without its version and without a slash at the end."""
    url = url.rstrip("/")
    parts = url.split("/")
    for index, part in enumerate(parts[3:], start=3):
        if part[:1] == "v" and part[1:2].isdigit():
            return "/".join(parts[:index])
    return url


def _request(auth: dict[str, Any]) -> dict[str, Any]:
    """The body of a token request for clouds.yaml's ``auth``: a password or an application credential."""
    if "application_credential_id" in auth:
        credential = {"id": auth["application_credential_id"], "secret": auth["application_credential_secret"]}
        return {"auth": {"identity": {"methods": ["application_credential"], "application_credential": credential}}}
    user: dict[str, Any] = {"password": auth.get("password", "")}
    if "user_id" in auth:
        user["id"] = auth["user_id"]
    else:
        user |= {"name": auth.get("username", ""), "domain": _domain(auth, "user_domain")}
    identity = {"methods": ["password"], "password": {"user": user}}
    if "project_id" in auth:
        return {"auth": {"identity": identity, "scope": {"project": {"id": auth["project_id"]}}}}
    project = {"name": auth.get("project_name", ""), "domain": _domain(auth, "project_domain")}
    return {"auth": {"identity": identity, "scope": {"project": project}}}


def _domain(auth: dict[str, Any], prefix: str) -> dict[str, str]:
    if f"{prefix}_name" in auth:
        return {"name": auth[f"{prefix}_name"]}
    return {"id": auth.get(f"{prefix}_id", "default")}
