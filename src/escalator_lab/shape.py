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


@dataclass(frozen=True)
class Host:
    """One machine of the lab; `offset` is added to the subnet's first address."""

    name: str
    role: str  # "controller" or "compute"
    offset: int
    site_roles: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """A set of hosts."""

    name: str
    hosts: tuple[Host, ...]

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
SHAPES = {shape.name: shape for shape in (MINIMAL,)}


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

    def _at(self, offset: int) -> str:
        return str(ipaddress.IPv4Network(self.subnet).network_address + offset)
