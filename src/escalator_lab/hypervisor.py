"""Makes a compute host run guests: Nova's libvirt driver, libvirt, QEMU, the bridge that guests are plugged into."""

from __future__ import annotations

from pathlib import Path

from escalator_lab.bundles import ROOT
from escalator_lab.fabric import GUESTS_BRIDGE
from escalator_lab.files import append, enable, put, template, text
from escalator_lab.layout import Layout
from escalator_lab.software import ARCHIVE, SOURCE

OFFERED_MB = 1024  # memory that a host offers to guests
LIBRARIES = "opt/escalator-lab/lib"  # on PYTHONPATH of the services
BINDINGS = ("libvirt.py", "libvirtmod.cpython-311-x86_64-linux-gnu.so")
SOCKETS = ("libvirtd.socket", "libvirtd-tcp.socket", "virtlogd.socket")


def binds(layout: Layout, accelerator: str) -> tuple[str, ...]:
    """What of this machine a compute host sees, as options of systemd-nspawn."""
    shown = ("--bind=/dev/net/tun", f"--bind-ro={layout.compute / 'archive'}:{ARCHIVE}")
    return (*shown, "--bind=/dev/kvm") if accelerator == "kvm" else shown


def write(upper: Path, values: dict[str, str], accelerator: str) -> None:
    """Write the configuration over that of a compute without a hypervisor."""
    etc = upper / "etc"
    kvm = accelerator == "kvm"
    nova = template(
        "compute/nova-libvirt.conf", address=values["address"], ram_ratio=round(OFFERED_MB / _memory_mb(), 4),
        virt_type="kvm" if kvm else "qemu", cpu_mode="host-passthrough" if kvm else "none",
        tb_cache_size=0 if kvm else 32,
        privsep=f"{ROOT}/active/nova-compute/bin/privsep-helper --config-file /etc/nova/nova.conf",
    )  # fmt: skip
    append(etc / "nova/nova.conf", text("compute/nova-scheduler.conf") + nova)
    append(etc / "neutron/neutron.conf", template("compute/neutron-bridge.conf", bridge=GUESTS_BRIDGE))
    put(etc / "libvirt/libvirtd.conf", template("compute/libvirtd.conf"))
    put(etc / "libvirt/qemu.conf", template("compute/qemu.conf"))
    put(etc / "apt/sources.list", SOURCE)
    enable(etc, "libvirtd.service")
    for unit in SOCKETS:
        enable(etc, unit, target="sockets.target")
    # Debian's own binding, so that it is upgraded with libvirt; nothing else of Debian's Python is seen by the venv
    (upper / LIBRARIES).mkdir(parents=True, exist_ok=True)
    for name in BINDINGS:
        link = upper / LIBRARIES / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"/usr/lib/python3/dist-packages/{name}")


def _memory_mb() -> int:
    """This machine's memory, which every host takes for its own."""
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    return int(line.split()[1]) // 1024
