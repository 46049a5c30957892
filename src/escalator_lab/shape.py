"""Which hosts a lab has, and at which addresses and under which names they live."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from escalator_lab.errors import Refused

OPERATOR_OFFSET = 2
LONGEST_PREFIX = 8  # interface names end at 15 characters
DEFAULT_NAME = "lab"
DEFAULT_SUBNET = "10.77.0.0/24"
SMALLEST_SUBNET = 27
GUESTS_SUBNET = ipaddress.IPv4Network("10.99.100.0/24")  # the same in every lab: it exists in its namespaces only


@dataclass(frozen=True)
class Host:
    """One machine of the lab; `offset` is added to the subnet's first address."""

    name: str
    role: str  # "controller" or "compute"
    offset: int
    site_roles: tuple[str, ...]
    zone: str = ""  # availability zone of its servers
    rack: str = ""


@dataclass(frozen=True)
class Guest:
    """A VNF's guest: a server that answers at an address of its own. ``zone`` = "" where any will do."""

    name: str
    tenant: str
    offset: int  # added to the guests' subnet
    home: str  # the host that it is first booted on
    group: str = ""  # its anti-affinity group
    zone: str = ""


@dataclass(frozen=True)
class Shape:
    """A set of hosts."""

    name: str
    hosts: tuple[Host, ...]
    guests: tuple[Guest, ...] = ()  # with guests, the computes have a hypervisor and a network that carries packets

    @property
    def controller(self) -> Host:
        """The host of the control plane."""
        return next(host for host in self.hosts if host.role == "controller")

    @property
    def computes(self) -> tuple[Host, ...]:
        """The hosts that run servers."""
        return tuple(host for host in self.hosts if host.role == "compute")

    def host(self, name: str) -> Host:
        """Return the host of that name; Refused if there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise Refused(f"no host {name!r} in this lab", "hosts: " + ", ".join(host.name for host in self.hosts))


MINIMAL = Shape(
    "minimal",
    (
        Host("controller", "controller", 11, ("controller", "database", "load_balancer")),
        Host("compute1", "compute", 21, ("compute",)),
        Host("compute2", "compute", 22, ("compute",)),
    ),
)
SHAPES = (MINIMAL.name, "compute")
LEAST_COMPUTES, MOST_COMPUTES = 4, 16


def compute(number: int = LEAST_COMPUTES) -> Shape:
    """A controller and ``number`` hosts with hypervisors, ``c1``...; the first half in ``az1``, the rest in ``az2``.

    The first host is empty, so that all guests can be drained by moving each of them once. Refused where the number
    is too small for that, or too large for one machine.
    """
    if not LEAST_COMPUTES <= number <= MOST_COMPUTES:
        raise Refused(
            f"shape compute with {number} computes", f"give a number from {LEAST_COMPUTES} to {MOST_COMPUTES}"
        )
    half = number // 2
    computes = tuple(
        Host(
            f"c{i}", "compute", 20 + i, ("compute",), zone="az1" if i <= half else "az2", rack=f"r{(i + 1) // 2}"
        )
        for i in range(1, number + 1)
    )  # fmt: skip
    last = f"c{number}"
    guests = (
        Guest("alpha-gw-0", "alpha", 11, "c2", "alpha-gw", "az1"),
        Guest("alpha-gw-1", "alpha", 12, last, "alpha-gw", "az2"),
        Guest("beta-dns-0", "beta", 21, "c2", "beta-dns"),
        Guest("beta-dns-1", "beta", 22, "c3", "beta-dns"),
        Guest("beta-dns-2", "beta", 23, last, "beta-dns"),
        Guest("alpha-app-0", "alpha", 31, last, zone="az2"),
    )
    return Shape("compute", (MINIMAL.controller, *computes), guests)


@dataclass(frozen=True)
class Network:
    """The address plan, and the names in the kernel, of one lab."""

    lab: str = DEFAULT_NAME
    subnet: str = DEFAULT_SUBNET

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*", self.lab) or len(self.prefix) > LONGEST_PREFIX:
            raise Refused(f"not a lab name: {self.lab!r}", "use at most 4 small letters and digits, a letter first")
        network = ipaddress.IPv4Network(self.subnet)
        if network.prefixlen > SMALLEST_SUBNET:
            raise Refused(f"the subnet {self.subnet} is too small", f"use a /{SMALLEST_SUBNET} or larger")

    @property
    def prefix(self) -> str:
        """What names in the kernel begin with: `esc` for the default lab, `esc-<name>` for others."""
        return "esc" if self.lab == DEFAULT_NAME else f"esc-{self.lab}"

    @property
    def prefix_length(self) -> int:
        """The subnet's prefix length."""
        return ipaddress.IPv4Network(self.subnet).prefixlen

    def namespace(self, name: str) -> str:
        """Return the network namespace of a host, of the fabric (`fab`) or of the operator (`op`)."""
        return f"{self.prefix}-{name}"

    @property
    def operator_namespace(self) -> str:
        """Where probers and Escalator run."""
        return self.namespace("op")

    @property
    def fabric_namespace(self) -> str:
        """Where the bridge is."""
        return self.namespace("fab")

    @property
    def operator_address(self) -> str:
        """The operator's address on the fabric."""
        return self._at(OPERATOR_OFFSET)

    def address(self, host: Host) -> str:
        """Return a host's address."""
        return self._at(host.offset)

    @property
    def guests_gateway(self) -> str:
        """The operator's address on the guests' network."""
        return str(GUESTS_SUBNET.network_address + 1)

    def guest_address(self, guest: Guest) -> str:
        """Return the address of a VNF's guest."""
        return str(GUESTS_SUBNET.network_address + guest.offset)

    def _at(self, offset: int) -> str:
        return str(ipaddress.IPv4Network(self.subnet).network_address + offset)
