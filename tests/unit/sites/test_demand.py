"""What a flavour asks of a host. The expected amounts are those that Nova 33's ResourceRequest makes of the same."""

from __future__ import annotations

from typing import Any

import pytest

from escalator.sites.openstack.aggregates import Aggregates
from escalator.sites.openstack.demand import Wishes, demand_of


def wishes(image: dict[str, Any] | None = None, *, volume: bool = False, **specs: str) -> Wishes:
    extra = {key.replace("__", ":"): value for key, value in specs.items()}
    flavor = {"vcpus": 4, "ram": 2048, "disk": 20, "ephemeral": 5, "swap": 100, "extra_specs": extra}
    return Wishes(flavor, image or {}, volume)


PLAIN = {"VCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 26}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (wishes(), PLAIN),
        (wishes(volume=True), {**PLAIN, "DISK_GB": 6}),
        (wishes(hw__cpu_policy="dedicated"), {"PCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 26}),
        (wishes({"hw_cpu_policy": "dedicated"}), {"PCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 26}),
        (
            wishes(hw__cpu_policy="dedicated", hw__emulator_threads_policy="isolate"),
            {"PCPU": 5, "MEMORY_MB": 2048, "DISK_GB": 26},
        ),
        (wishes(hw__cpu_policy="mixed", hw__cpu_dedicated_mask="^0"), {**PLAIN, "VCPU": 1, "PCPU": 3}),
        (wishes(hw__cpu_policy="mixed", hw__cpu_dedicated_mask="2-3,^2"), {**PLAIN, "VCPU": 3, "PCPU": 1}),
        (wishes(resources__MEMORY_MB="77", resources__DISK_GB="0"), {"VCPU": 4, "MEMORY_MB": 77}),
        (wishes(resources__CUSTOM_X="2", resources1__CUSTOM_X="1"), {**PLAIN, "CUSTOM_X": 3}),
        (wishes(resources__PCPU="4"), {"PCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 26}),
        (wishes(hw__mem_encryption="true"), {**PLAIN, "MEM_ENCRYPTION_CONTEXT": 1}),
        (
            wishes(hw__pmem="6GB,6GB,log"),
            {**PLAIN, "CUSTOM_PMEM_NAMESPACE_6GB": 2, "CUSTOM_PMEM_NAMESPACE_LOG": 1},
        ),
    ],
)
def test_amounts(asked: Wishes, expected: dict[str, int]) -> None:
    assert demand_of(asked).resources == expected


@pytest.mark.parametrize(
    ("asked", "required", "forbidden"),
    [
        (wishes(trait__A="required", trait_x__B="required", trait__C="forbidden"), {"A", "B"}, {"C"}),
        (wishes({"trait:D": "required"}), {"D"}, set()),
        (wishes(hw__cpu_thread_policy="isolate"), set(), {"HW_CPU_HYPERTHREADING"}),
        (wishes(hw__cpu_thread_policy="require"), {"HW_CPU_HYPERTHREADING"}, set()),
        (wishes(hw__tpm_version="1.2"), {"COMPUTE_SECURITY_TPM_1_2", "COMPUTE_SECURITY_TPM_TIS"}, set()),
        (wishes({"os_secure_boot": "required"}), {"COMPUTE_SECURITY_UEFI_SECURE_BOOT"}, set()),
        (wishes(hw__mem_encryption="yes", hw__mem_encryption_model="amd-sev-es"), {"HW_CPU_X86_AMD_SEV_ES"}, set()),
        (wishes(hw__maxphysaddr_mode="emulate"), {"COMPUTE_ADDRESS_SPACE_EMULATED"}, set()),
        (wishes({"hw_firmware_stateless": "true"}), {"COMPUTE_SECURITY_STATELESS_FIRMWARE"}, set()),
        (wishes(hw__pci_numa_affinity_policy="socket"), {"COMPUTE_SOCKET_PCI_NUMA_AFFINITY"}, set()),
    ],
)
def test_traits(asked: Wishes, required: set[str], forbidden: set[str]) -> None:
    assert demand_of(asked).required == required
    assert demand_of(asked).forbidden == forbidden


@pytest.mark.parametrize(
    ("asked", "nodes"),
    [
        (wishes(), 0),
        (wishes(hw__numa_nodes="2"), 2),
        (wishes({"hw_numa_nodes": "4"}), 4),
        (wishes(hw__cpu_policy="dedicated"), 1),
        (wishes({"hw_mem_page_size": "large"}), 1),
    ],
)
def test_numa_cells(asked: Wishes, nodes: int) -> None:
    assert demand_of(asked).numa_nodes == nodes


FAST = {"name": "fast", "hosts": ["h1", "h2"], "metadata": {"disk": "ssd,nvme", "tier": "1"}}
SLOW = {"name": "slow", "hosts": ["h3"], "metadata": {"disk": "hdd"}}


@pytest.mark.parametrize(
    ("specs", "names"),
    [
        ({}, ()),
        ({"aggregate_instance_extra_specs:disk": "nvme"}, ("fast",)),
        ({"aggregate_instance_extra_specs:disk": "<or> hdd <or> nvme"}, ("fast", "slow")),
        ({"aggregate_instance_extra_specs:disk": "s== hdd"}, ("slow",)),
        ({"aggregate_instance_extra_specs:disk": "<in> ss"}, ("fast",)),
        ({"disk": "hdd"}, ("slow",)),
        ({"hide_hypervisor_id": "true"}, ()),  # a key without scope that no aggregate knows
        ({"disk": "hdd", "tier": "1"}, ("fast",)),  # none fits both: what its host is in
        ({"aggregate_instance_extra_specs:tier": ">= 1"}, ("fast",)),  # not read: the same
    ],
)
def test_a_flavour_binds_to_the_aggregates_whose_metadata_fit(specs: dict[str, str], names: tuple[str, ...]) -> None:
    assert Aggregates((FAST, SLOW)).binding(specs, "h1") == names
