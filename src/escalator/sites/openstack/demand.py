"""What a server needs of a host, from its flavour and its image's properties: amounts, traits, NUMA cells.

The rules are Nova's own (``nova/scheduler/utils.py``, class ResourceRequest, and ``nova/virt/hardware.py`` of 2026.1).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

_GRANULAR = re.compile(r"^(resources|trait)[A-Za-z0-9_-]{0,64}:(.+)$")
_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
MIB_PER_GIB = 1024
PINNING = frozenset({"dedicated", "mixed"})


@dataclass(frozen=True)
class Demand:
    """Amounts by resource class, traits that the host must have and must not have, NUMA cells (0 = no say in it)."""

    resources: dict[str, int]
    required: frozenset[str]
    forbidden: frozenset[str]
    numa_nodes: int


@dataclass(frozen=True)
class Wishes:
    """A flavour as Nova embeds it in a server (2.47), and the properties of the server's image."""

    flavor: dict[str, Any]
    image: dict[str, Any]
    volume_backed: bool

    @property
    def specs(self) -> dict[str, str]:
        """The flavour's extra specs."""
        return self.flavor.get("extra_specs") or {}

    def of(self, name: str, prefix: str = "hw") -> str:
        """``hw:name`` of the flavour, else ``hw_name`` of the image, else ""."""
        return str(self.specs.get(f"{prefix}:{name}") or self.image.get(f"{prefix}_{name}") or "")

    def says(self, name: str) -> bool:
        """Whether a yes-or-no wish is a yes."""
        return self.of(name).lower() in _TRUE

    @property
    def local_disk_gb(self) -> int:
        """What it takes of its host's disk: nothing for its root where that is a volume. Swap is rounded up."""
        swap = -(-int(self.flavor.get("swap") or 0) // MIB_PER_GIB)
        root = 0 if self.volume_backed else int(self.flavor.get("disk") or 0)
        return root + int(self.flavor.get("ephemeral") or 0) + swap


def demand_of(wishes: Wishes) -> Demand:
    """What Nova's scheduler would ask Placement for."""
    asked, traits = _granular(wishes)
    base = _base(wishes)
    if wishes.of("cpu_policy") in PINNING:
        asked.pop("VCPU", None)  # the policy says how many
    elif "PCPU" in asked:
        base.pop("VCPU")  # asked for in their stead
    amounts = {**base, **asked}
    if wishes.says("mem_encryption"):
        amounts["MEM_ENCRYPTION_CONTEXT"] = amounts.get("MEM_ENCRYPTION_CONTEXT", 0) + 1
    for label in filter(None, wishes.specs.get("hw:pmem", "").split(",")):
        name = "CUSTOM_PMEM_NAMESPACE_" + re.sub(r"[^A-Z0-9_]", "_", label.strip().upper())
        amounts[name] = amounts.get(name, 0) + 1
    traits += _implied(wishes)
    return Demand(
        {name: amount for name, amount in amounts.items() if amount},
        frozenset(name for name, word in traits if word == "required"),
        frozenset(name for name, word in traits if word == "forbidden"),
        _numa_nodes(wishes),
    )


def _granular(wishes: Wishes) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Amounts and traits of all request groups of the extra specs, and the image's traits."""
    amounts: Counter[str] = Counter()
    traits: list[tuple[str, str]] = []
    for key, value in wishes.specs.items():
        match = _GRANULAR.match(key)
        if match and match[1] == "trait":
            traits.append((match[2], str(value)))
        elif match:
            amounts[match[2]] += int(value) if str(value).isdigit() else 0
    traits += [(k.removeprefix("trait:"), str(v)) for k, v in wishes.image.items() if k.startswith("trait:")]
    return dict(amounts), traits


def _base(wishes: Wishes) -> dict[str, int]:
    """Processors, memory and disk by the flavour's own fields."""
    cpus, policy = int(wishes.flavor.get("vcpus") or 0), wishes.of("cpu_policy")
    found = {"MEMORY_MB": int(wishes.flavor.get("ram") or 0), "DISK_GB": wishes.local_disk_gb}
    if policy not in PINNING:
        return {"VCPU": cpus, **found}
    pinned = cpus if policy == "dedicated" else len(_dedicated(wishes, cpus))
    isolated = wishes.of("emulator_threads_policy") == "isolate"  # one more for what is not the guest's
    return {"VCPU": cpus - pinned, "PCPU": pinned + isolated, **found}


def _dedicated(wishes: Wishes, cpus: int) -> set[int]:
    """Which processors of a server with the mixed policy are pinned."""
    return _cpus(wishes.of("cpu_dedicated_mask"), cpus) or _cpus(wishes.of("cpu_realtime_mask"), cpus)


def _cpus(mask: str, cpus: int) -> set[int]:
    """``0-3,^1`` as a set; where it only leaves out (``^0-1``) the rest is meant."""
    taken: set[int] = set()
    left_out: set[int] = set()
    for part in filter(None, (p.strip() for p in mask.split(","))):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        if ends:
            (left_out if part.startswith("^") else taken).update(range(ends[0], ends[-1] + 1))
    return (taken or (set(range(cpus)) if left_out else set())) - left_out


def _implied(wishes: Wishes) -> list[tuple[str, str]]:
    """Traits that follow from other wishes."""
    found = []
    threads = {"isolate": "forbidden", "require": "required"}.get(wishes.of("cpu_thread_policy"))
    if threads:
        found.append(("HW_CPU_HYPERTHREADING", threads))
    if wishes.of("tpm_version"):
        found.append(("COMPUTE_SECURITY_TPM_" + wishes.of("tpm_version").replace(".", "_"), "required"))
        model = "CRB" if wishes.of("tpm_model") == "tpm-crb" else "TIS"
        found.append((f"COMPUTE_SECURITY_TPM_{model}", "required"))
    if wishes.says("mem_encryption"):
        stronger = wishes.of("mem_encryption_model") == "amd-sev-es"
        found.append(("HW_CPU_X86_AMD_SEV_ES" if stronger else "HW_CPU_X86_AMD_SEV", "required"))
    if wishes.of("secure_boot", "os") == "required":
        found.append(("COMPUTE_SECURITY_UEFI_SECURE_BOOT", "required"))
    width = {"passthrough": "PASSTHROUGH", "emulate": "EMULATED"}.get(wishes.of("maxphysaddr_mode"))
    if width:
        found.append((f"COMPUTE_ADDRESS_SPACE_{width}", "required"))
    if wishes.says("firmware_stateless"):
        found.append(("COMPUTE_SECURITY_STATELESS_FIRMWARE", "required"))
    if wishes.of("pci_numa_affinity_policy") == "socket":
        found.append(("COMPUTE_SOCKET_PCI_NUMA_AFFINITY", "required"))
    return found


def _numa_nodes(wishes: Wishes) -> int:
    """Asked for; one where pinning, huge pages or persistent memory bring a NUMA topology with them."""
    if wishes.of("numa_nodes").isdigit():
        return int(wishes.of("numa_nodes"))
    brings = wishes.of("cpu_policy") in PINNING or wishes.of("mem_page_size") or wishes.of("pmem")
    return 1 if brings else 0
