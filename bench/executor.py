"""Escalator against ansible-playbook and bare asyncssh: the same no-op commands on the same hosts, over real SSH.

``.venv/bin/python bench/executor.py --hosts 50 --json`` (root): its last line is one JSON object. Each host is an sshd
in a network namespace of its own, on one bridge; all of it lies below a temporary folder and is taken down again. Each
of the three opens its connections anew, with as many hosts at once (``--forks``), and runs ``true`` six times on each.
Escalator's time is that of a whole run: executor, journal (fsync on), durable engine, SSH. Imports are done before, for
asyncssh and for Escalator alike; ansible-playbook is measured as the process that people start.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncssh

from escalator.actions.verbs import Context, Done, Outcome, Probe
from escalator.engine.durable import DurableEngine
from escalator.execution.driver import Driver
from escalator.execution.executor import Walker, execute
from escalator.journal.group import GroupJournal
from escalator.journal.store import Store
from escalator.model.plan import Action, Mode, Phase, Plan, Policy, Procedure, Step
from escalator.model.states import State
from escalator.sites.ssh import Account, SshShell

ACTIONS = 6
TIMEOUT_S = 600.0
ANSIBLE = "ansible-core==2.18.1"
DEBIAN = ("openssh-server", "openssh-client", "iproute2")
BRIDGE = "escbench"
CLONE_NEWNET = 0x40000000


def run(*words: str, **more: Any) -> None:
    """A command that must end well."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)


def install() -> None:
    """What is missing of Debian's packages, as they are."""
    missing = [
        name for name in DEBIAN if subprocess.run(["dpkg", "-s", name], check=False, capture_output=True).returncode
    ]
    if missing:
        print(f"installing Debian packages: {' '.join(missing)}", file=sys.stderr)
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, env=env)


def ansible(folder: Path) -> Path:
    """ansible-playbook of a pinned release, in an environment of its own."""
    run(sys.executable, "-m", "venv", str(folder / "ansible"))
    run(str(folder / "ansible/bin/pip"), "install", "-q", ANSIBLE, stderr=subprocess.DEVNULL)
    return folder / "ansible/bin/ansible-playbook"


def address(number: int) -> str:
    """The address of a host."""
    return f"10.111.{number // 200}.{number % 200 + 10}"


@contextmanager
def hosts(folder: Path, count: int) -> Iterator[list[str]]:
    """So many sshd, each in a namespace of its own; this process is moved into the namespace of the bridge."""
    spaces = [f"{BRIDGE}-{n}" for n in range(count)]
    daemons: list[subprocess.Popen[bytes]] = []
    for key in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "authorized").chmod(0o600)
    Path("/run/sshd").mkdir(exist_ok=True)
    try:
        run("ip", "netns", "add", BRIDGE)
        batch = [f"link add {BRIDGE} type bridge", f"addr add 10.111.255.1/16 dev {BRIDGE}", f"link set {BRIDGE} up"]
        for n, space in enumerate(spaces):
            run("ip", "netns", "add", space)
            batch += [
                f"link add v{n} type veth peer name eth0 netns {space}",
                f"link set v{n} master {BRIDGE} up",
            ]
        run("ip", "-n", BRIDGE, "-batch", "-", input="\n".join(batch), text=True)
        for n, space in enumerate(spaces):
            lines = [f"addr add {address(n)}/16 dev eth0", "link set eth0 up", "link set lo up"]
            run("ip", "-n", space, "-batch", "-", input="\n".join(lines), text=True)
            daemons.append(subprocess.Popen(sshd(folder, space), stderr=subprocess.DEVNULL))
        key = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
        (folder / "known_hosts").write_text("".join(f"{address(n)} {key}\n" for n in range(count)))
        with Path(f"/run/netns/{BRIDGE}").open() as space_file:
            enter(space_file.fileno())
        time.sleep(2)
        yield [address(n) for n in range(count)]
    finally:
        for daemon in daemons:
            with suppress(ProcessLookupError):
                os.kill(daemon.pid, signal.SIGTERM)
        for daemon in daemons:
            daemon.wait()
        for space in [*spaces, BRIDGE]:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def enter(descriptor: int) -> None:
    """Move this process into a network namespace; Python 3.11 has no os.setns."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def sshd(folder: Path, space: str) -> list[str]:
    """One sshd in the foreground, that takes the one key and writes nothing."""
    options = {
        "HostKey": folder / "host", "AuthorizedKeysFile": folder / "authorized", "PidFile": "none", "UsePAM": "no",
        "PermitRootLogin": "prohibit-password", "StrictModes": "no", "MaxStartups": "200", "PrintMotd": "no",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ip", "netns", "exec", space, "/usr/sbin/sshd", "-D", "-f", "/dev/null", *words]


class True6:
    """Verbs of an action that runs ``true`` on its host."""

    kind = "true"

    def __init__(self, shell: SshShell) -> None:
        self.shell = shell

    async def probe(self, context: Context, action: Action) -> Probe:
        """It leaves no trace."""
        del context, action
        return Probe(Done.NOT_DONE)

    async def do(self, context: Context, action: Action) -> Outcome:
        """Run it."""
        del context
        await self.shell.run(action.host, ["true"], timeout_s=60)
        return Outcome()

    async def undo(self, context: Context, action: Action) -> Outcome:
        """Nothing is left."""
        del context, action
        return Outcome()


def plan(names: list[str], forks: int) -> Plan:
    """A step for each host, so many at once."""
    steps = tuple(
        Step(
            f"on/{name}", name, Phase.ROLL, "nova", f"bench/{name}",
            tuple(Action(f"on/{name}/{n}", "true", "bench", name, {}, "true", 1, 120) for n in range(ACTIONS)),
        )
        for name in names
    )  # fmt: skip
    return Plan(
        campaign="bench", site="bench", hop=("a", "b"), bundle="b", changes=(), commit=(), policy=Policy(retries=0),
        procedures=(Procedure("all", "all", Phase.ROLL, Mode.PARALLEL, steps, limit=forks),), smooth=True,
        inventory_digest="", catalogue_digest="", created_at="now",
    )  # fmt: skip


async def by_escalator(folder: Path, names: list[str], forks: int) -> float:
    """Seconds of a whole run."""
    account = Account("root", folder / "user", folder / "known_hosts", connect_timeout_s=60)
    store = Store.in_file(folder / "journal.sqlite")
    journal = GroupJournal(store, epoch=store.take("bench"))
    engine = DurableEngine(f"sqlite:///{folder}/engine.sqlite", executor_id="bench", application_version="bench")
    shell = SshShell(account, {name: name for name in names})
    verbs = True6(shell)
    driver = Driver(plan(names, forks), journal, engine, lambda _: verbs, lambda *_: cast("Context", SimpleNamespace()))
    Walker(driver)
    driver.launched = True
    await engine.launch()  # its imports, as asyncssh's are done before
    began = time.monotonic()
    state = await execute(driver, "bench")
    await shell.close()
    took = time.monotonic() - began
    if state is not State.EXECUTION_COMPLETED:
        raise SystemExit(f"Escalator's run ended {state}: {driver.view.problems}")
    await engine.close()
    await journal.close()
    return took


async def by_asyncssh(folder: Path, names: list[str], forks: int) -> float:
    """Seconds of connections and commands with nothing around them."""
    gate = asyncio.Semaphore(forks)

    async def one(name: str) -> None:
        async with gate, asyncssh.connect(
            name, username="root", client_keys=[str(folder / "user")], known_hosts=str(folder / "known_hosts"),
            agent_path=None, config=None, connect_timeout=60,
        ) as connection:  # fmt: skip
            for _ in range(ACTIONS):
                await connection.run("true", check=True)

    began = time.monotonic()
    await asyncio.gather(*(one(name) for name in names))
    return time.monotonic() - began


def by_ansible(program: Path, folder: Path, names: list[str], forks: int) -> float:
    """Seconds of ansible-playbook with its defaults."""
    (folder / "inventory").write_text("\n".join(names) + "\n")
    tasks = "".join("    - command: 'true'\n" for _ in range(ACTIONS))
    (folder / "play.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    options = f"-o UserKnownHostsFile={folder}/known_hosts -o ControlMaster=auto -o ControlPersist=60s"
    env = os.environ | {"ANSIBLE_SSH_ARGS": options, "HOME": str(folder), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    words = [str(program), "-i", str(folder / "inventory"), "-f", str(forks), "-u", "root"]
    began = time.monotonic()
    run(*words, "--private-key", str(folder / "user"), str(folder / "play.yml"), env=env, timeout=TIMEOUT_S)
    return time.monotonic() - began


def measure(folder: Path, count: int, forks: int) -> dict[str, float]:
    """The three, one after the other, on hosts that are up."""
    program = ansible(folder)
    with hosts(folder, count) as names:
        figures = {
            "asyncssh_s": asyncio.run(by_asyncssh(folder, names, forks)),
            "escalator_s": asyncio.run(by_escalator(folder, names, forks)),
            "ansible_s": by_ansible(program, folder, names, forks),
        }
    figures["ansible_s / escalator_s"] = figures["ansible_s"] / figures["escalator_s"]
    figures["asyncssh_s / escalator_s"] = figures["asyncssh_s"] / figures["escalator_s"]
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    """Measure, print a line for each figure unless only JSON is wanted, and the JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--forks", type=int, default=50)
    args = parser.parse_args()
    install()
    with tempfile.TemporaryDirectory(prefix="escalator-bench-") as name:
        figures = measure(Path(name), args.hosts, args.forks)
    figures |= {"hosts": args.hosts, "forks": args.forks, "actions": args.hosts * ACTIONS}
    if not args.json:
        for key, value in figures.items():
            print(f"{key:26} {value:>10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
