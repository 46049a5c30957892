"""What runs where: hypervisors, the servers on them, and the groups that servers form.

Amounts go by Placement's resource classes (``VCPU``, ``PCPU``, ``MEMORY_MB``, ``DISK_GB``, ``CUSTOM_...`` for devices)
and in their units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Stock:
    """How much of a resource class a hypervisor has, as Placement's inventories say it."""

    total: int
    reserved: int = 0
    ratio: float = 1.0  # allocation ratio

    @property
    def capacity(self) -> int:
        """What can be allocated: Placement's own formula, rounded down."""
        return int((self.total - self.reserved) * self.ratio)


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """A compute host as the cloud sees it.

    ``host`` is the name of its compute service. ``cells``: its NUMA cells, each with the amounts in it; () where they
    were not collected. ``racks`` and the like are failure sets: hosts that share a fate (``rack:r1``, ``power:a``).
    """

    host: str
    kind: str  # "QEMU"
    version: str  # of the hypervisor, as Nova says it
    state: str  # up, down
    status: str = "enabled"  # of its compute service: enabled, disabled
    zone: str = "nova"
    aggregates: tuple[str, ...] = ()
    failure_sets: tuple[str, ...] = ()
    traits: frozenset[str] = frozenset()
    stock: dict[str, Stock] = field(default_factory=dict)
    cells: tuple[dict[str, int], ...] = ()
    link_mbit_s: float = 0.0  # what migrations may use of its network, full duplex; 0 = not known, not limited


class Mobility(StrEnum):
    """How a server can leave its host, the gentlest first."""

    LIVE = "live"
    OWN = "own-action"  # its VNF hands over by itself; the server then stops or stays down with the host
    COLD = "cold"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Server:
    """A tenant's virtual machine. Its name was chosen by its tenant: hostile input."""

    id: str
    name: str
    project: str
    host: str
    status: str
    task_state: str = ""
    flavor: str = ""
    addresses: tuple[str, ...] = ()
    group: str = ""  # of Nova: it has at most one
    zone: str = ""  # the availability zone that it was asked to be in; "" = any
    resources: dict[str, int] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()  # required of its host
    forbidden: frozenset[str] = frozenset()  # traits that its host must not have
    aggregates: tuple[str, ...] = ()  # the aggregates whose hosts alone may hold it; () = all that its zone allows
    numa_nodes: int = 0  # over how many NUMA cells it is spread, evenly; 0 = it has no say in it
    mobility: Mobility = Mobility.LIVE
    hindrance: str = ""  # why it is not LIVE, in words for its owner
    dirty_mbit_s: float = 0.0  # how fast it writes to its memory, as measured; 0 = not known


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """Servers that belong together: a server group of Nova, or one that only a constraints file names (policy "")."""

    id: str
    name: str
    policy: str  # affinity, anti-affinity, soft-affinity, soft-anti-affinity, ""
    members: tuple[str, ...]
    project: str = ""
    max_per_host: int = 1  # of anti-affinity: rule max_server_per_host
