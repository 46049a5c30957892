"""Work inside the hosts' own Debian: scripts in a chroot of the image, what they change kept in an overlay layer."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

from escalator_lab.errors import CommandFailed
from escalator_lab.layout import Layout

COMPILER = ("build-essential", "python3-dev", "python3-venv")
LONGEST_S = 1800.0
PASSED_ON = re.compile(r"^(UV_|PIP_|HTTPS?_PROXY$|NO_PROXY$|https?_proxy$|no_proxy$|SSL_CERT_FILE$)")
GET_COMPILER = f"""
if [ ! -x /usr/bin/cc ] || [ ! -e /usr/include/python3.11/Python.h ]; then
  apt-get update -q
  apt-get install -y -q --no-install-recommends {" ".join(COMPILER)}
fi
"""


def run_in(
    layout: Layout, folder: Path, script: str, log: Path, *, binds: dict[str, Path], lower: tuple[Path, ...] = (),
) -> None:  # fmt: skip
    """Run a shell script in a chroot: the image, ``lower`` layers over it, what changes in ``folder/upper``.

    ``binds``: path inside -> path of this machine. CommandFailed with the end of the log where the script fails.
    """
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    layers = ":".join(str(path) for path in (*lower, layout.image))
    mounts = "\n".join(f"mkdir -p $root{inside}; mount --bind {path} $root{inside}" for inside, path in binds.items())
    prepare = textwrap.dedent(
        f"""
        set -eu
        root={folder}/root
        mount -t overlay overlay -o lowerdir={layers},upperdir={folder}/upper,workdir={folder}/work $root
        mount --rbind /dev $root/dev
        mount -t proc proc $root/proc
        cp -L /etc/resolv.conf $root/etc/resolv.conf
        mkdir -p $root/etc/ssl/certs
        cp -L /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/ca-certificates.crt
        """
    )
    enter = 'exec chroot $root sh -euc "$1"'
    environment = {k: v for k, v in os.environ.items() if PASSED_ON.match(k)}
    environment |= {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "DEBIAN_FRONTEND": "noninteractive",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    }
    with log.open("ab") as output:
        done = subprocess.run(
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-c",
                f"{prepare}{mounts}\n{enter}", "sh", script,
            ],
            env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, timeout=LONGEST_S,
            check=False,
        )  # fmt: skip
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise CommandFailed(f"a script in the hosts' image ended with {done.returncode}:\n{tail}", f"the log: {log}")
