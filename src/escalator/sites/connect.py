"""From site.yaml to the adapters of a real site."""

from __future__ import annotations

from escalator.config.site import SiteFile
from escalator.sites.fence import Fence
from escalator.sites.haproxy import Haproxy
from escalator.sites.namespace import enter
from escalator.sites.openstack import OpenStackCloud
from escalator.sites.operator_side import OperatorSide
from escalator.sites.orders import HostOrders
from escalator.sites.protocol import Site
from escalator.sites.ssh import Account, SshShell


def connect(site_file: SiteFile, fence: Fence | None = None) -> Site:
    """The site's adapters; connections open when first used. Call it in the thread that runs the event loop.

    With a ``fence``, hosts refuse what changes something once they have seen a newer epoch of its scope.
    """
    if site_file.reach.network_namespace:
        enter(site_file.reach.network_namespace)
    ssh = site_file.ssh
    account = Account(
        user=ssh.user,
        key=site_file.path(ssh.key),
        known_hosts=site_file.path(ssh.known_hosts),
        port=ssh.port,
        connect_timeout_s=ssh.connect_timeout_s,
    )
    shell = SshShell(account, {name: entry.address for name, entry in site_file.hosts.items()}, fence=fence)
    balancer = site_file.load_balancer
    cloud = OpenStackCloud(
        site_file.path(site_file.cloud.clouds_yaml),
        site_file.cloud.entry,
        site_file.region,
        tenant=site_file.probes.project,
        network=site_file.probes.network,
    )
    return Site(
        name=site_file.name,
        shell=shell,
        orders=HostOrders(shell),
        balancer=Haproxy(shell, balancer.hosts, balancer.socket),
        cloud=cloud,
        operator=OperatorSide(),
        config=site_file,
    )
