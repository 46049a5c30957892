"""How a server can leave its host, and in words for its owner why not live.

Status and refusals are Nova's (``nova/compute/api.py`` of 2026.1: ``live_migrate`` takes ACTIVE and PAUSED, ``resize``
ACTIVE and STOPPED). Beside them stands what Nova would move live and the guest would notice: devices of the host that
leave it meanwhile. What no list tells is not looked at: file shares of Manila (Nova refuses both ways).
"""

from __future__ import annotations

from typing import Any

from escalator.model.compute import Mobility
from escalator.sites.openstack.demand import Wishes

LIVE = frozenset({"ACTIVE", "PAUSED"})
COLD = {"SHUTOFF": "it is shut off"}
STUCK = {
    "SUSPENDED": "it is suspended: resume it",
    "RESCUE": "it is in rescue mode: unrescue it",
    "VERIFY_RESIZE": "its resize waits to be confirmed or reverted",
    "SHELVED": "it is shelved and still on its host: offload or unshelve it",
    "SOFT_DELETED": "it is deleted, its host still holds it: restore it or delete it for good",
    "ERROR": "it is in ERROR",
    "UNKNOWN": "its cell does not answer",
}
#: Kinds of ports whose device of the host leaves the guest while it moves (VNIC_TYPES_DIRECT_PASSTHROUGH of Nova).
PASSED_THROUGH = frozenset({"direct", "direct-physical", "remote-managed", "vdpa"})
#: Kinds of ports that Nova moves in no way.
ACCELERATED = frozenset({"accelerator-direct", "accelerator-direct-physical"})


def mobility_of(
    server: dict[str, Any], wishes: Wishes, vnics: tuple[str, ...], *, local_disk: bool, block_migration: bool
) -> tuple[Mobility, str]:
    """The gentlest way, and why it is not LIVE; ``vnics``: kinds of its ports.

    ``local_disk``: it has a disk that only its host holds; without ``block_migration`` that binds it.
    """
    stuck = _stuck(server, wishes, vnics)
    if stuck:
        return Mobility.NONE, "; ".join(stuck)
    cold = _cold(str(server.get("status")), wishes, vnics)
    if local_disk and not block_migration:
        cold.append("it has a disk on its host, and this site does not copy disks")
    return (Mobility.COLD, "; ".join(cold)) if cold else (Mobility.LIVE, "")


def _stuck(server: dict[str, Any], wishes: Wishes, vnics: tuple[str, ...]) -> list[str]:
    status, task = str(server.get("status")), server.get("OS-EXT-STS:task_state")
    found = []
    if task:
        found.append(f"it is being worked on ({task})")
    elif status not in LIVE and status not in COLD:
        found.append(STUCK.get(status, f"its status is {status}"))
    if wishes.specs.get("accel:device_profile") or ACCELERATED & set(vnics):
        found.append("it has an accelerator of Cyborg: shelving and unshelving moves it")
    return found


def _cold(status: str, wishes: Wishes, vnics: tuple[str, ...]) -> list[str]:
    specs = wishes.specs
    found = [COLD[status]] if status in COLD else []
    direct = sorted(PASSED_THROUGH & set(vnics))
    if direct:
        found.append(f"it has a network card passed through ({', '.join(direct)}) that leaves it while it moves")
    if specs.get("pci_passthrough:alias"):
        found.append(f"it has a device passed through ({specs['pci_passthrough:alias']})")
    if any(k.startswith("resources") and k.endswith((":VGPU", ":PGPU")) for k in specs):
        found.append("it has a virtual GPU")
    if wishes.of("tpm_version") and wishes.of("tpm_secret_security") != "host":
        found.append("it has a TPM whose secret its host may not hand on (hw:tpm_secret_security is not 'host')")
    if wishes.says("mem_encryption"):
        found.append("its memory is encrypted")
    if wishes.of("pmem"):
        found.append("it has persistent memory of its host")
    return found
