"""Keeps one host: mounts its root in a mount namespace of its own, boots it, and boots it again after a reboot.

Run as ``unshare --mount --propagation private python -m escalator_lab.keeper FOLDER IMAGE NAMESPACE NAME [BIND ...]``,
a BIND being an option of systemd-nspawn (``--bind=/dev/net/tun``). Ends when the host is powered off; SIGTERM powers
it off in good order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

REBOOTED = 133  # systemd-nspawn's exit status when the machine asked for a reboot
HIERARCHIES = ("systemd", "unified")  # where control groups of version 1 and 2 stand side by side


def join_group(name: str) -> None:
    """Move this process into a control group of the host's own, so that its systemd owns a subtree."""
    root = Path("/sys/fs/cgroup")
    for base in [root / h for h in HIERARCHIES if (root / h).is_dir()] or [root]:
        group = base / name
        try:
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        except OSError as error:
            print(f"control group {group}: {error}", file=sys.stderr)


def boot(root: Path, namespace: str, name: str, binds: list[str]) -> subprocess.Popen[bytes]:
    """Start the machine on its mounted root."""
    return subprocess.Popen(
        [
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
            f"--directory={root}", f"--machine={namespace}",
            f"--hostname={name}", f"--network-namespace-path=/run/netns/{namespace}", "--capability=all",
            "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=read-only", *binds, "--boot",
        ],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def main() -> int:
    """Keep the host until it is powered off; returns systemd-nspawn's last exit status."""
    folder, image, namespace, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    join_group(namespace)
    root = folder / "root"
    layers = f"lowerdir={image},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
    machine: subprocess.Popen[bytes] | None = None
    stopping = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if machine is not None:
            machine.terminate()

    signal.signal(signal.SIGTERM, stop)
    status = REBOOTED
    while status == REBOOTED and not stopping:
        machine = boot(root, namespace, name, sys.argv[5:])
        status = machine.wait()
    return status


if __name__ == "__main__":
    sys.exit(main())
