"""Run in the operator's namespace of a lab by test_lab_orders.py, one case a call: orders against real hosts."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from escalator.actions.bundles import Stage
from escalator.actions.verbs import Done
from escalator.errors import (
    BusyError,
    CommandError,
    EscalatorError,
    FencedError,
    LostError,
    SiteTimeoutError,
    UnreachableError,
)
from escalator.model.plan import Action
from escalator.sites.fence import Fence
from escalator.sites.orders import HostOrders
from escalator.sites.protocol import CommandResult, Order, OrderSeen, OrderState
from escalator.sites.ssh import Account, SshShell

CASE, OPERATOR, ADDRESS = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
LEDGER = f"/var/tmp/ledger-{CASE}"
LONG = "for n in 1 2 3 4 5 6; do echo part $n; sleep 0.5; done"
WHOLE = "".join(f"part {n}\n" for n in range(1, 7))


def connected(epoch: int | None = None, scope: str = CASE) -> tuple[SshShell, HostOrders]:
    account = Account("root", OPERATOR / "id_ed25519", OPERATOR / "known_hosts", connect_timeout_s=5)
    shell = SshShell(account, {"h": ADDRESS}, fence=None if epoch is None else Fence(epoch, scope))
    return shell, HostOrders(shell, poll_s=2)


def order(text: str = LONG, *, attempt: int = 1, index: int = 0, longest_s: float = 30, **more) -> Order:
    argv = ("sh", "-c", f'echo ran >> "$1"; {text}', "order", LEDGER)
    return Order(f"run-{CASE}", more.pop("action", "migrate/nova"), attempt, index, argv, longest_s, **more)


async def times_run(shell: SshShell) -> int:
    return len((await shell.run("h", ["cat", LEDGER], timeout_s=10, fenced=False)).output.split())


async def running(made: HostOrders, wanted: Order) -> OrderSeen:
    while True:
        with suppress(UnreachableError):
            seen = await made.look("h", wanted)
            if seen.state is not OrderState.ABSENT and seen.line:
                return seen
        await asyncio.sleep(0.05)


async def raises(kind: type[EscalatorError], words: str, call) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        await call


async def cut_sessions(shell: SshShell) -> None:
    """Kill the host's ends of all connections, ours among them."""
    with suppress(UnreachableError, CommandError):
        await shell.run("h", ["pkill", "-9", "-f", "sshd: root@"], timeout_s=10)


async def connection_cut() -> None:
    """The connection is cut four times while it runs: it runs once, and its whole output comes."""
    shell, made = connected()
    task = asyncio.ensure_future(made.start_or_attach("h", order()))
    for _ in range(4):
        await asyncio.sleep(0.6)
        await cut_sessions(connected()[0])
    result = await task
    assert (result.status, result.output) == (0, WHOLE)
    assert await times_run(shell) == 1


async def start_only() -> None:
    await connected()[1].start_or_attach("h", order())


async def process_killed() -> None:
    """Escalator is killed with -9 at several instants; the next one finds what the first began."""
    shell, made = connected()
    for pause in (0.7, 1.0, 1.5):
        argv = [sys.executable, __file__, CASE, str(OPERATOR), ADDRESS, "start_only"]
        first = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.DEVNULL)
        await asyncio.sleep(pause)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    result = await made.start_or_attach("h", order())
    assert result.output == WHOLE
    assert await times_run(shell) == 1


async def two_starters() -> None:
    """Six at once, over connections of their own: one command, six times its result."""
    pairs = [connected() for _ in range(6)]
    results = await asyncio.gather(*(made.start_or_attach("h", order("sleep 1; echo end")) for _, made in pairs))
    assert {r.output for r in results} == {"end\n"}
    assert await times_run(pairs[0][0]) == 1


async def other_attempt() -> None:
    """A second attempt never runs beside the first, and a key is held by one."""
    shell, made = connected()
    first = asyncio.ensure_future(made.start_or_attach("h", order(exclusive="schema/nova")))
    await running(made, order())
    await raises(BusyError, "still runs", made.start_or_attach("h", order(attempt=2)))
    other = order("true", action="contract/nova", exclusive="schema/nova")
    await raises(BusyError, "schema/nova is held", connected()[1].start_or_attach("h", other))
    await first
    assert (await made.start_or_attach("h", other)).ok
    assert (await made.start_or_attach("h", order("true", attempt=2, exclusive="schema/nova"))).ok
    assert await times_run(shell) == 3


async def older_epoch() -> None:
    """What a newer epoch was seen behind is refused: short commands, orders, copies; the effect is not there."""
    (old, old_orders), (new, new_orders) = connected(1), connected(2)
    assert (await old.run("h", ["echo", "one"], timeout_s=10)).output == "one\n"
    task = asyncio.ensure_future(old_orders.start_or_attach("h", order()))
    await running(old_orders, order())
    assert (await new_orders.look("h", order())).state is OrderState.RUNNING
    assert (await new.run("h", ["echo", "$(two)"], timeout_s=10)).output == "$(two)\n"
    await raises(FencedError, "epoch 2", old.run("h", ["touch", "/var/tmp/effect"], timeout_s=10))
    await raises(FencedError, "epoch 2", old.script("h", "touch /var/tmp/effect", timeout_s=10))
    await raises(FencedError, "epoch 2", old.put("h", Path(__file__), "/var/tmp/effect", timeout_s=10))
    await raises(FencedError, "epoch 2", old_orders.start_or_attach("h", order(attempt=2)))
    await raises(FencedError, "epoch 2", old_orders.stop("h", order()))
    assert (await old.run("h", ["ls", "/var/tmp"], timeout_s=10, fenced=False)).output.find("effect") < 0
    assert (await new_orders.start_or_attach("h", order())).output == WHOLE
    assert (await task).output == WHOLE  # it may hear the end of what it began; to change anything it may not
    assert await times_run(new) == 1


async def rebooted() -> None:
    """The host goes down in the middle: that is told from an end, and the next attempt begins anew."""
    shell, made = connected(4)
    task = asyncio.ensure_future(made.start_or_attach("h", order("echo on; exec sleep 600", longest_s=120)))
    await running(made, order())
    with suppress(EscalatorError):
        await shell.run("h", ["systemctl", "reboot", "-ff"], timeout_s=5)
    await raises(LostError, "the host rebooted", task)
    assert (await made.look("h", order())).state is OrderState.LOST
    await raises(FencedError, "epoch 4", connected(3)[1].start_or_attach("h", order(attempt=2)))  # it is remembered
    assert (await made.start_or_attach("h", order("echo again", attempt=2))).output == "again\n"
    assert await times_run(shell) == 2


async def huge_output() -> None:
    """50 MB: the first and the last parts come, and little of it stays on the host."""
    shell, made = connected()
    text = "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last"
    began = time.monotonic()
    result = await made.start_or_attach("h", order(text, longest_s=60))
    assert result.output.startswith("first\nxx")
    assert result.output.endswith("xx\nlast\n")
    assert "bytes left out ...]" in result.output
    kept = await shell.run("h", ["du", "-sk", f"/var/lib/escalator/orders/run-{CASE}"], timeout_s=10)
    assert int(kept.output.split()[0]) < 4000
    print(f"50 MB of output took {time.monotonic() - began:.1f} s")


async def time_limit() -> None:
    """The host ends it though nobody watches, its children too, and even what ignores the polite signal."""
    shell, made = connected()
    stubborn = order("trap '' TERM; sleep 4321 & echo on; while :; do sleep 1; done", longest_s=2)
    task = asyncio.ensure_future(made.start_or_attach("h", stubborn))
    await running(made, stubborn)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await shell.close()
    await asyncio.sleep(9)
    shell, made = connected()
    await raises(SiteTimeoutError, "did not end within 2 s", made.start_or_attach("h", stubborn))
    assert not (await shell.run("h", ["pgrep", "-fx", "sleep 4321"], timeout_s=10, check=False)).ok
    state = await shell.run("h", ["systemctl", "is-system-running"], timeout_s=10, check=False)
    assert state.output.strip() == "running"  # no failed unit stays behind


async def hostile_words() -> None:
    """Words stay words: for our shell, the host's, and systemd's specifiers and variables."""
    shell, made = connected()
    hostile = ("$(touch /var/tmp/pwned)", "a b; id", "'\"\n*", "%h %n ${HOME} $HOME", "", "-x", "\u00e4\u202e")
    wanted = Order(f"run-{CASE}", "a'; $(touch /var/tmp/pwned) %h\n\x1b", 1, 0, ("printf", "%s|", *hostile), 20)
    assert (await made.start_or_attach("h", wanted)).output == "".join(f"{word}|" for word in hostile)
    assert not (await shell.run("h", ["test", "-e", "/var/tmp/pwned"], timeout_s=10, check=False)).ok
    mode = await shell.run(
        "h", ["stat", "-c", "%a %U", "/var/lib/escalator", "/var/lib/escalator/orders"], timeout_s=10
    )
    assert mode.output.split() == ["700", "root"] * 2


async def heartbeat() -> None:
    """A command that works is told from one that hangs."""
    made = connected()[1]
    heard: list[OrderSeen] = []
    busy = "echo crunching; i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; sleep 2.5"
    await made.start_or_attach("h", order(busy, longest_s=60), heard.append)
    assert heard[-1].line == "crunching"
    assert heard[-1].cpu_s > 0.2
    assert heard[-1].quiet_s > 1
    heard.clear()
    await made.start_or_attach("h", order("sleep 5", attempt=2), heard.append)
    assert heard[-1].cpu_s < 0.2
    assert heard[-1].quiet_s > 1


async def stopped() -> None:
    """What is stopped ends with all its children; what is over is forgotten, what runs is not."""
    shell, made = connected()
    wanted = order("sleep 4322 & echo on; wait", longest_s=60)
    task = asyncio.ensure_future(made.start_or_attach("h", wanted))
    await running(made, wanted)
    assert await made.forget("h", f"run-{CASE}") == ()
    await made.stop("h", wanted)
    await raises(CommandError, "was stopped there", task)
    assert not (await shell.run("h", ["pgrep", "-fx", "sleep 4322"], timeout_s=10, check=False)).ok
    assert await made.forget("h", f"run-{CASE}") == (f"run-{CASE}",)


SLOW_TAR = """#!/bin/sh
echo unpack >> {ledger}
sleep 2
exec /usr/bin/tar "$@"
"""


async def unpacking() -> None:
    """Version files are unpacked once, though Escalator left in the middle; the undo leaves nothing."""
    shell, made = connected()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "b1/bin").mkdir(parents=True)
        (folder / "b1/bin/python").symlink_to("/usr/bin/python3")
        (folder / "b1/.escalator-bundle.json").write_text("{}")
        await asyncio.to_thread(
            subprocess.run, ["tar", "-C", folder, "--zstd", "-cf", folder / "b1.tar.zst", "b1"], check=True
        )
        sha = hashlib.sha256((folder / "b1.tar.zst").read_bytes()).hexdigest()
        (folder / "tar").write_text(SLOW_TAR.format(ledger=LEDGER))
        await shell.put("h", folder / "tar", "/usr/local/bin/tar", mode=0o755, timeout_s=10)
        args = {"bundle": "b1", "path": str(folder / "b1.tar.zst"), "sha256": sha, "root": "/opt/t", "present": False}
        action = Action("stage/h", "bundle.stage", "s", "h", args, "unpack b1", expected_s=1, longest_s=60)
        context: Any = SimpleNamespace(
            site=SimpleNamespace(shell=shell, orders=made), run=f"run-{CASE}", attempt=1, now=time.monotonic,
            progress=lambda _: None,
        )  # fmt: skip
        task = asyncio.ensure_future(Stage().do(context, action))
        while (await Stage().probe(context, action)).done is not Done.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert (await Stage().do(context, action)).text == "unpacked"
        assert (await Stage().probe(context, action)).done is Done.DONE
        assert await times_run(shell) == 1
        await Stage().undo(context, action)
        assert (await Stage().probe(context, action)).done is Done.NOT_DONE
        assert not (await shell.run("h", ["ls", "-A", "/opt/t"], timeout_s=10)).output
        context.attempt = 2  # and once more, undone while it unpacks
        task = asyncio.ensure_future(Stage().do(context, action))
        while (await Stage().probe(context, action)).done is not Done.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await Stage().undo(context, action)
        await raises(CommandError, "was stopped there", task)
        await asyncio.sleep(2.5)
        assert not (await shell.run("h", ["ls", "-A", "/opt/t"], timeout_s=10)).output
    await shell.run("h", ["rm", "/usr/local/bin/tar"], timeout_s=10)


async def first_look() -> None:
    """Even a look passes the fence when it is the first word to a host: so it is final."""
    (old, _), (new, _) = connected(1), connected(2)
    await old.run("h", ["true"], timeout_s=10)
    slow = asyncio.ensure_future(old.run("h", ["sh", "-c", f"sleep 1; echo ran >> {LEDGER}"], timeout_s=10))
    await asyncio.sleep(0.3)
    assert await times_run(new) == 1  # it has waited for what the older one had under way
    await slow
    await raises(FencedError, "epoch 2", old.run("h", ["true"], timeout_s=10))


async def latency() -> None:
    """What it costs beside a bare command; printed."""
    (bare, made), (fenced, _) = connected(), connected(1)
    await bare.run("h", ["true"], timeout_s=10)
    await fenced.run("h", ["true"], timeout_s=10)

    async def taken(call, times: int = 20) -> float:
        began = time.monotonic()
        for n in range(times):
            await call(n)
        return (time.monotonic() - began) / times * 1000

    async def one(n: int) -> CommandResult:
        return await made.start_or_attach("h", order("true", index=n))

    print(f"bare command {await taken(lambda _: bare.run('h', ['true'], timeout_s=10)):.0f} ms,"
          f" fenced {await taken(lambda _: fenced.run('h', ['true'], timeout_s=10)):.0f} ms,"
          f" order {await taken(one):.0f} ms")  # fmt: skip


CASES = [
    connection_cut, process_killed, two_starters, other_attempt, older_epoch, rebooted, huge_output, time_limit,
    hostile_words, heartbeat, stopped, unpacking, first_look, latency,
]  # fmt: skip

if __name__ == "__main__":
    began = time.monotonic()
    name = sys.argv[4] if len(sys.argv) > 4 else CASE
    asyncio.run(globals()[name]())
    print(f"passed in {time.monotonic() - began:.1f} s (pid {os.getpid()})")
