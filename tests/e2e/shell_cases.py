"""Run in the operator's namespace of a lab by test_lab_sites.py: the SSH and HAProxy adapters against real hosts."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from escalator.errors import AuthenticationError, CommandError, SiteTimeoutError, UnreachableError
from escalator.sites.facts import host_facts
from escalator.sites.haproxy import Haproxy
from escalator.sites.ssh import Account, SshShell

HAPROXY = """\
global
  stats socket /run/haproxy/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
listen keystone
  bind 127.0.0.1:5000
  server a 127.0.0.1:15000
  server b 127.0.0.1:25000
"""


async def fails(kind: type[Exception], call) -> str:
    try:
        await call
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


async def commands(shell: SshShell, folder: Path) -> None:
    hostile = "a b; touch /var/tmp/pwned $(id) '\"\n*"
    assert (await shell.run("compute1", ["printf", "%s", hostile], timeout_s=10)).output == hostile
    assert (await shell.script("compute1", 'printf %s "$2"', "x", hostile, timeout_s=10)).output == hostile
    assert (await shell.run("compute1", ["test", "-e", "/var/tmp/pwned"], timeout_s=10, check=False)).status == 1
    assert "status 3" in await fails(CommandError, shell.run("compute1", ["sh", "-c", "echo no; exit 3"], timeout_s=10))
    assert (await shell.run("compute1", ["cat"], timeout_s=10, stdin="in")).output == "in"

    began = time.monotonic()
    await fails(SiteTimeoutError, shell.run("compute1", ["sleep", "321"], timeout_s=1))
    assert time.monotonic() - began < 20
    assert (await shell.run("compute1", ["pgrep", "-x", "sleep"], timeout_s=10, check=False)).status == 1

    big = folder / "big"
    big.write_bytes(bytes(range(256)) * 20000)
    await shell.put("compute1", big, "/var/tmp/big", mode=0o640, timeout_s=60)
    assert (await shell.run("compute1", ["stat", "-c", "%a %s", "/var/tmp/big"], timeout_s=10)).output.split() == [
        "640",
        "5120000",
    ]
    await shell.get("compute1", "/var/tmp/big", folder / "back", timeout_s=60)
    assert (folder / "back").read_bytes() == big.read_bytes()
    await fails(CommandError, shell.get("compute1", "/var/tmp/none", folder / "none", timeout_s=10))
    assert not (folder / "none").exists()
    await fails(CommandError, shell.put("compute1", big, "/no/such/folder/x", timeout_s=10))


async def refusals(account: Account, known: Path, folder: Path) -> None:
    lines = known.read_text().splitlines()
    wrong = folder / "wrong"
    wrong.write_text("".join(f"{a.split()[0]} {' '.join(lines[0].split()[1:])}\n" for a in lines))
    shell = SshShell(Account("root", account.key, wrong), {"compute2": sys.argv[3]})
    assert "host key" in await fails(AuthenticationError, shell.run("compute2", ["true"], timeout_s=5))
    shell = SshShell(Account("nobody", account.key, known), {"compute2": sys.argv[3]})
    await fails(AuthenticationError, shell.run("compute2", ["true"], timeout_s=5))
    shell = SshShell(account, {"compute2": sys.argv[3]}, {"compute2": 2222})
    await fails(UnreachableError, shell.run("compute2", ["true"], timeout_s=5))
    await fails(UnreachableError, shell.run("compute9", ["true"], timeout_s=5))


async def balancer(shell: SshShell, folder: Path) -> None:
    (folder / "haproxy.cfg").write_text(HAPROXY)
    haproxy = Haproxy(shell, ["controller"], "/run/haproxy/admin.sock")
    await fails(CommandError, haproxy.servers())
    await shell.put("controller", folder / "haproxy.cfg", "/etc/haproxy/haproxy.cfg", mode=0o644, timeout_s=10)
    await shell.run("controller", ["systemctl", "restart", "haproxy"], timeout_s=30)
    assert [(s.server, s.state) for s in await haproxy.servers()] == [("a", "ready"), ("b", "ready")]
    for state in ("drain", "maint", "ready"):
        await haproxy.set_state("keystone", "a", state)
        assert [s.state for s in await haproxy.servers()] == [state, "ready"]
    await fails(CommandError, haproxy.set_state("keystone", "zebra", "drain"))
    await shell.run("controller", ["systemctl", "stop", "haproxy"], timeout_s=30)
    assert "socket" in await fails(CommandError, haproxy.servers())


async def main() -> None:
    folder, operator = Path(sys.argv[1]), Path(sys.argv[2])
    account = Account("root", operator / "id_ed25519", operator / "known_hosts")
    shell = SshShell(account, {"compute1": sys.argv[4], "controller": sys.argv[5]})
    await commands(shell, folder)
    await refusals(account, operator / "known_hosts", folder)
    await balancer(shell, folder)
    facts = await host_facts(shell, "controller", "/opt/openstack", configs={"haproxy": "/etc/haproxy"})
    assert "Debian" in str(facts), facts
    await shell.run("compute1", ["systemctl", "restart", "ssh"], timeout_s=10, check=False)
    assert (await shell.run("compute1", ["true"], timeout_s=10)).ok
    other = SshShell(account, {"compute1": sys.argv[4]})
    await fails(UnreachableError, other.run("compute1", ["pkill", "-9", "-f", "sshd: root@"], timeout_s=10))
    assert (await shell.run("compute1", ["true"], timeout_s=10)).ok  # the kept connection broke: a new one is opened
    await shell.close()
    print("all cases passed")


asyncio.run(main())
