"""A real PostgreSQL for one test: a throw-away cluster on a unix socket, fsync on, that can be killed with -9."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql

STARTS_WITHIN_S = 60.0


def binaries() -> Path:
    """The folder of the server's programs: Debian keeps them off PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    assert on_path, "no PostgreSQL server: apt-get install postgresql"
    return Path(on_path).parent


class Postgres:
    """One server. It refuses to run as root, so root lends it the account that Debian's package makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._account: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def create(self) -> None:
        command = [binaries() / "initdb", "-D", self.data, "-U", "escalator", "-A", "trust", "-E", "UTF8"]
        subprocess.run(
            [*command, "--locale=C"], check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self._account
        )

    def start(self) -> None:
        """Start, or start again behind a kill, and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "fsync": "on"}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [binaries() / "postgres", "-D", self.data, *options],
                cwd=self.folder, stdout=log, stderr=log, start_new_session=True, **self._account,
            )  # fmt: skip
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut leaves it: the server and all its processes are gone at once."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """A fast stop; a server that was killed needs none."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=STARTS_WITHIN_S)

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self._execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://escalator@/{name}?host={self.folder}"

    def _answers(self) -> bool:
        try:
            self._execute("SELECT 1")
        except sql.exc.OperationalError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        engine = sql.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sql.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def running() -> Iterator[Postgres]:
    """A server for a while; nothing of it stays behind. A socket's path is short, so it stands in /tmp."""
    folder = Path(tempfile.mkdtemp(prefix="escalator-pg-", dir="/tmp"))
    server = Postgres(folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
