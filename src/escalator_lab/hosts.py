"""The lab's machines: their own files, starting, stopping, and reaching them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from escalator_lab.commands import run
from escalator_lab.errors import CommandFailed, LabError, TookTooLong
from escalator_lab.layout import Layout
from escalator_lab.shape import Host, Network, Shape

LONGEST_BOOT_S = 90.0
LONGEST_STOP_S = 60.0


def keys(layout: Layout, network: Network, shape: Shape) -> None:
    """The operator's key, each host's key, and the operator's known_hosts."""
    layout.operator.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = layout.operator / "id_ed25519"
    _key(own, "operator")
    known = []
    for host in shape.hosts:
        key = layout.host(host.name) / "upper/etc/ssh/ssh_host_ed25519_key"
        key.parent.mkdir(parents=True, exist_ok=True)
        _key(key, host.name)
        known.append(f"{network.address(host)} {' '.join(Path(f'{key}.pub').read_text().split()[:2])}\n")
        ssh = layout.host(host.name) / "upper/root/.ssh"
        ssh.mkdir(parents=True, exist_ok=True, mode=0o700)
        ssh.parent.chmod(0o700)
        shutil.copy(f"{own}.pub", ssh / "authorized_keys")
    (layout.operator / "known_hosts").write_text("".join(known))
    if shape.guests:
        _between_computes(layout, network, shape, own)


def _between_computes(layout: Layout, network: Network, shape: Shape, own: Path) -> None:
    """A key by which computes log in to each other: Nova moves stopped servers so."""
    shared = layout.operator / "computes_ed25519"
    _key(shared, "computes")
    known = ""
    for host in shape.computes:
        public = Path(f"{layout.host(host.name) / 'upper/etc/ssh/ssh_host_ed25519_key'}.pub").read_text()
        known += f"{host.name},{network.address(host)} {' '.join(public.split()[:2])}\n"
    for host in shape.computes:
        ssh = layout.host(host.name) / "upper/root/.ssh"
        shutil.copy(shared, ssh / "id_ed25519")
        (ssh / "known_hosts").write_text(known)
        (ssh / "authorized_keys").write_text(Path(f"{own}.pub").read_text() + Path(f"{shared}.pub").read_text())


def _key(path: Path, comment: str) -> None:
    if not path.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def prepare(layout: Layout, network: Network, shape: Shape) -> None:
    """Each host's own layer: identity and names; safe to repeat."""
    names = "".join(f"{network.address(h)} {h.name}\n" for h in shape.hosts)
    for host in shape.hosts:
        folder = layout.host(host.name)
        for part in ("upper/etc", "work", "root"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        etc = folder / "upper/etc"
        (etc / "hostname").write_text(f"{host.name}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
        (etc / "resolv.conf").write_text("")
        if not (etc / "machine-id").exists():
            (etc / "machine-id").write_text(f"{os.urandom(16).hex()}\n")


def pid(layout: Layout, host: Host) -> int | None:
    """The keeper's pid, or None where the host is off."""
    try:
        number = int((layout.run / f"{host.name}.pid").read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if b"escalator_lab.keeper" in command else None


def start(layout: Layout, network: Network, host: Host, layers: str = "", binds: tuple[str, ...] = ()) -> None:
    """Power a host on; nothing happens where it is on. ``layers`` (``a:b``) lie over the image, below its own.

    ``binds``: options of systemd-nspawn that show a file or device of this machine to the host.
    """
    if pid(layout, host) is not None:
        return
    layout.run.mkdir(parents=True, exist_ok=True)
    with (layout.run / f"{host.name}.console").open("ab") as console:
        keeper = subprocess.Popen(
            [
                "unshare", "--mount", "--propagation", "private", sys.executable, "-m", "escalator_lab.keeper",
                str(layout.host(host.name)), f"{layers}:{layout.image}".lstrip(":"), network.namespace(host.name),
                host.name, *binds,
            ],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
        )  # fmt: skip
    (layout.run / f"{host.name}.pid").write_text(f"{keeper.pid}\n")


def stop(layout: Layout, host: Host) -> None:
    """Power a host off in good order; TookTooLong where it does not go."""
    number = pid(layout, host)
    if number is None:
        return
    os.kill(number, signal.SIGTERM)
    end = time.monotonic() + LONGEST_STOP_S
    while pid(layout, host) is not None:
        if time.monotonic() > end:
            raise TookTooLong(f"{host.name} did not power off", f"its console: {layout.run / (host.name + '.console')}")
        _reap(number)
        time.sleep(0.1)
    (layout.run / f"{host.name}.pid").unlink(missing_ok=True)


def forget(layout: Layout, host: Host) -> None:
    """A host whose processes were ended is off; its keeper is a child of ours to be reaped, or nobody's."""
    file = layout.run / f"{host.name}.pid"
    if file.exists():
        _reap(int(file.read_text()))
        file.unlink()


def _reap(number: int) -> None:
    try:
        os.waitpid(number, os.WNOHANG)
    except ChildProcessError:
        return


def ssh(layout: Layout, network: Network, host: Host, *command: str, timeout_s: float = 60) -> str:
    """Run a command line on a host, from the operator's namespace; returns its output."""
    return run(
        "ip", "netns", "exec", network.operator_namespace, "ssh", "-q", "-i", str(layout.operator / "id_ed25519"),
        "-o", f"UserKnownHostsFile={layout.operator / 'known_hosts'}", "-o", "StrictHostKeyChecking=yes",
        "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", f"root@{network.address(host)}", *command,
        timeout_s=timeout_s,
    )  # fmt: skip


def says(layout: Layout, network: Network, host: Host) -> str:
    """What a host's systemd says of itself now, or ``no answer``."""
    try:
        return ssh(layout, network, host, "systemctl is-system-running || true", timeout_s=10).strip()
    except (CommandFailed, TookTooLong):
        return "no answer"


def wait_ready(layout: Layout, network: Network, host: Host) -> str:
    """Wait until a host's systemd says that it runs; returns that word (``running`` or ``degraded``)."""
    end = time.monotonic() + LONGEST_BOOT_S
    while True:
        word = says(layout, network, host)
        if word in {"running", "degraded"}:
            return word
        if time.monotonic() > end or pid(layout, host) is None:
            raise LabError(f"{host.name} does not come up ({word})", f"see {layout.run / (host.name + '.console')}")
        time.sleep(0.3)
