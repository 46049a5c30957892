"""Backups: taken from the hosts, encrypted here, kept here, proved by restoring into a scratch database.

A backup is a folder (mode 0700) of encrypted files and ``manifest.json``, written last. The key stands beside the
backups in ``keys/`` (0600); who loses it loses them. Dumps are restored for proof by an account that is made for the
purpose, reaches only the scratch database, and is dropped behind. One process at a time takes or proves a backup of a
state folder; what one that was killed left behind, plain dumps and the scratch database among it, goes then.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage

from escalator.errors import IntegrityError, NotFoundError, StorageError
from escalator.serial import from_data, to_data
from escalator.sites.facts import host_facts
from escalator.sites.protocol import Site

DUMP_S, RESTORE_S = 1800.0, 1800.0
KEPT = 10
SCRATCH = "escalator_scratch"
TURN_S = 0.5  # between two looks at whether another process is done


@dataclass(frozen=True)
class Backup:
    """One backup. ``files``: name -> SHA-256 of the encrypted file; ``units``: host -> unit -> its state then."""

    id: str
    site: str
    taken_at: str
    reason: str
    schemas: dict[str, list[str]]
    paths: dict[str, list[str]]
    tables: dict[str, int]  # schema -> tables in its dump
    files: dict[str, str]
    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, list[str]] = field(default_factory=dict)  # kind -> ids of tenants' objects then
    sizes: dict[str, int] = field(default_factory=dict)  # file -> bytes; older backups do not say


class Backups:
    """The backups of one state folder."""

    def __init__(self, state: Path, site: Site | None) -> None:
        self._folder = state / "backups"
        self._keys = state / "keys"
        self._site = site

    def all(self) -> tuple[Backup, ...]:
        """Complete backups, the newest last."""
        found = []
        for path in sorted(self._folder.glob("[!.]*/manifest.json")):
            try:
                found.append(from_data(Backup, json.loads(path.read_text(encoding="utf-8"))))
            except ValueError as error:
                raise IntegrityError(f"{path} can't be read: {error}") from error
        return tuple(found)

    def get(self, name: str) -> Backup:
        """A backup by its id, or ``latest``."""
        known = self.all()
        if name == "latest" and known:
            return known[-1]
        for backup in known:
            if backup.id == name:
                return backup
        raise NotFoundError(
            f"there is no backup '{name}'", hint=f"there are: {', '.join(b.id for b in known) or 'none'}"
        )

    async def take(
        self, *, schemas: dict[str, list[str]], paths: dict[str, list[str]], reason: str,
        progress: Callable[[str], None] = lambda _: None, spare: str = "",
    ) -> Backup:  # fmt: skip
        """Dump, copy, encrypt; complete or not there. The oldest beyond the newest ten are deleted, ``spare`` not."""
        async with self._alone():
            return await self._take(schemas, paths, reason, progress, spare)

    async def _take(
        self, schemas: dict[str, list[str]], paths: dict[str, list[str]], reason: str, progress: Callable[[str], None],
        spare: str,
    ) -> Backup:  # fmt: skip
        site = self._need()
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ-") + secrets.token_hex(2)
        part = self._folder / f".{name}.part"
        try:
            part.mkdir(mode=0o700)
            database = site.config.databases.host
            tables: dict[str, int] = {}
            for schema in [s for names in schemas.values() for s in names]:
                progress(f"dumping {schema}")
                plain = part / f"{schema}.sql"
                argv = ["mariadb-dump", "--single-transaction", "--routines", "--triggers", "--skip-dump-date", schema]
                await site.shell.stream(database, argv, plain, timeout_s=DUMP_S)
                tables[schema] = len(re.findall(rb"^CREATE TABLE ", plain.read_bytes(), re.MULTILINE))
                if not plain.read_bytes().rstrip().endswith(b"-- Dump completed"):
                    raise IntegrityError(f"the dump of {schema} is not complete")
                self._encrypt(plain)
            for host, folders in paths.items():
                progress(f"copying configuration of {host}")
                plain = part / f"{host}.config.tar.gz"
                argv = ["tar", "-C", "/", "-czf", "-", *(f.lstrip("/") for f in outermost(folders))]
                await site.shell.stream(host, argv, plain, timeout_s=DUMP_S)
                self._encrypt(plain)
            units, versions = {}, {}
            for host in site.config.hosts:
                facts = await host_facts(site.shell, host, site.config.installer.root)
                units[host], versions[host] = facts["units"], facts["bundles"]
            files = {f.name: _sha256(f) for f in sorted(part.iterdir())}
            made = Backup(
                id=name, site=site.name, taken_at=datetime.now(UTC).isoformat(timespec="seconds"), reason=reason,
                schemas=schemas, paths=paths, tables=tables, files=files, units=units, versions=versions,
                objects=await tenant_objects(site), sizes={f.name: f.stat().st_size for f in sorted(part.iterdir())},
            )  # fmt: skip
            _keep(part / "manifest.json", json.dumps(to_data(made), indent=1).encode())
            _settle(part)
            part.rename(self._folder / name)
            _settle(self._folder)
        except OSError as error:
            raise StorageError(f"the backup can't be written to {self._folder}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        for old in self.all()[:-KEPT]:
            if old.id != spare:
                shutil.rmtree(self._folder / old.id)
        return made

    def check_files(self, backup: Backup) -> None:
        """Raise IntegrityError where a file is missing or altered."""
        for name, wanted in backup.files.items():
            path = self._folder / backup.id / name
            if not path.is_file() or _sha256(path) != wanted:
                raise IntegrityError(f"backup {backup.id}: {name} is missing or altered")

    async def verify(self, name: str) -> int:
        """Prove a backup: checksums, decryption, and each dump restored into a scratch database; returns tables."""
        async with self._alone():
            return await self._verify(name)

    async def _verify(self, name: str) -> int:
        site, backup = self._need(), self.get(name)
        self.check_files(backup)
        host, total = site.config.databases.host, 0
        word = secrets.token_hex(16)
        scratch = self._scratch()
        make = (
            f"CREATE DATABASE {scratch}; CREATE USER '{scratch}'@'localhost' IDENTIFIED BY '{word}';"
            f" GRANT ALL ON {scratch}.* TO '{scratch}'@'localhost';"
        )
        drop = _drop(scratch)
        try:
            for schema, tables in backup.tables.items():
                await self._sql(host, drop + make)
                text = self.decrypted(backup, f"{schema}.sql.age").decode("utf-8", errors="surrogateescape")
                await self._load(host, scratch, scratch, word, text)
                count = await self._sql(
                    host,
                    f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='{scratch}'",  # noqa: S608
                )
                if int(count.strip() or -1) != tables:
                    raise IntegrityError(
                        f"backup {name}: {schema} has {count.strip()} tables after restore, not {tables}"
                    )
                total += tables
        finally:
            await self._sql(host, drop)
        for host, folders in backup.paths.items():
            missing = lacking(self.decrypted(backup, f"{host}.config.tar.gz.age"), folders)
            if missing:
                raise IntegrityError(
                    f"backup {name}: nothing of {', '.join(missing)} on {host} is in it",
                    hint="if the component keeps that elsewhere: its backup set in a file of the catalogue says where",
                )
        return total

    async def sweep(self) -> None:
        """Remove what a take or a proof that was killed left behind."""
        async with self._alone():
            await self._sql(self._need().config.databases.host, _drop(self._scratch()))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Wait for our turn in this state folder; nobody is at what a killed process left here then, so it goes."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = (self._folder / ".lock").open("a")
        except OSError as error:
            raise StorageError(f"{self._folder} can't be used: {error.strerror or error}") from error
        with file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    await asyncio.sleep(TURN_S)
                else:
                    break
            for part in self._folder.glob(".*.part"):
                shutil.rmtree(part, ignore_errors=True)
            yield

    def _scratch(self) -> str:
        """The scratch database of this state folder: the same each time, so that what is left of it is found."""
        return f"{SCRATCH}_{hashlib.sha256(str(self._identity().to_public()).encode()).hexdigest()[:6]}"

    async def load(self, backup: Backup, schema: str) -> None:
        """Put a dump in the place of what a schema holds now."""
        host = self._need().config.databases.host
        text = self.decrypted(backup, f"{schema}.sql.age").decode("utf-8", errors="surrogateescape")
        query = "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata"
        words = (await self._sql(host, f"{query} WHERE schema_name='{schema}'")).split()
        like = f"CHARACTER SET {words[0]} COLLATE {words[1]}" if words else ""  # a dump does not say it
        await self._sql(host, f"DROP DATABASE IF EXISTS {schema}; CREATE DATABASE {schema} {like};")
        await self._load(host, schema, "root", "", text)

    def decrypted(self, backup: Backup, file: str) -> bytes:
        """The content of one file."""
        try:
            return bytes(pyrage.decrypt((self._folder / backup.id / file).read_bytes(), [self._identity()]))
        except (OSError, pyrage.DecryptError) as error:
            raise IntegrityError(f"backup {backup.id}: {file} can't be decrypted: {error}") from error

    async def _load(self, host: str, schema: str, user: str, word: str, text: str) -> None:
        argv = ["mariadb", "--binary-mode", f"--user={user}", schema]
        env = {"MYSQL_PWD": word} if word else None
        await self._need().shell.run(host, argv, timeout_s=RESTORE_S, stdin=text, env=env)

    async def _sql(self, host: str, text: str) -> str:
        argv = ["mariadb", "--batch", "--skip-column-names"]
        return (await self._need().shell.run(host, argv, timeout_s=120, stdin=text)).output

    def _encrypt(self, plain: Path) -> None:
        sealed = plain.with_name(f"{plain.name}.age")
        sealed.touch(mode=0o600)
        _keep(sealed, pyrage.encrypt(plain.read_bytes(), [self._identity().to_public()]))
        plain.unlink()

    def _identity(self) -> Any:
        path = self._keys / "backup.key"
        if not path.exists():
            self._keys.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = path.with_name("backup.key.new")  # a key that is cut off would be in the way for ever
            beside.touch(mode=0o600)
            _keep(beside, str(pyrage.x25519.Identity.generate()).encode())
            beside.rename(path)
            _settle(self._keys)
        return pyrage.x25519.Identity.from_str(path.read_text(encoding="ascii").strip())

    def _need(self) -> Site:
        if self._site is None:
            raise NotFoundError("this needs the site", hint="give --site")
        return self._site


def outermost(folders: list[str]) -> list[str]:
    """The folders that stand in no other of them: what is below is copied with it."""
    return [f for f in folders if not any(f != other and f.startswith(f"{other.rstrip('/')}/") for other in folders)]


def lacking(archive: bytes, folders: list[str]) -> list[str]:
    """Folders of which a configuration archive (tar, gzip) holds no file; IntegrityError where it can't be read."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            files = [f"/{member.name}" for member in tar if member.isfile()]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise IntegrityError(f"an archive of configuration can't be read: {error}") from error
    return [f for f in folders if not any(name.startswith(f"{f.rstrip('/')}/") for name in files)]


async def tenant_objects(site: Site) -> dict[str, list[str]]:
    """What tenants have now, by kind."""
    servers = await site.cloud.call("servers")
    return {"server": sorted(s["id"] for s in servers), "image": list(await site.cloud.call("images"))}


def _drop(scratch: str) -> str:
    return f"DROP DATABASE IF EXISTS {scratch}; DROP USER IF EXISTS '{scratch}'@'localhost';"


def _keep(path: Path, data: bytes) -> None:
    """Write a file; it is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """A folder's names are on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
