"""Orders: started once whoever asks, attached to again, refused where something is in the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from escalator.errors import (
    BusyError,
    CommandError,
    FencedError,
    InputError,
    LostError,
    SiteTimeoutError,
    UnreachableError,
)
from escalator.sites import orders as module
from escalator.sites.fence import Fence
from escalator.sites.orders import HostOrders
from escalator.sites.protocol import CommandResult, Order, OrderSeen, OrderState
from local_host import LocalHost

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.01, 0.05))


HELD = 'until [ -e "$2.go" ]; do sleep 0.02; done; echo done'  # runs until let_go()


def let_go(folder: Path) -> None:
    (folder / "ledger.go").touch()


def orders(folder: Path, shell: LocalHost | None = None, fence: Fence | None = None) -> HostOrders:
    return HostOrders(shell or LocalHost(folder, fence), root=str(folder / "state"), poll_s=0.5)


def order(folder: Path, text: str = "echo began; sleep 0.3; echo done", **more) -> Order:
    """An order that leaves one line in the ledger each time its command runs."""
    argv = ("sh", "-c", f'echo "$1" >> "$2"; {text}', "order", "ran", str(folder / "ledger"))
    return replace(Order("run1", "expand/keystone", 1, 0, argv, longest_s=20), **more)


def ran(folder: Path) -> int:
    ledger = folder / "ledger"
    return len(ledger.read_text().splitlines()) if ledger.exists() else 0


def carry_out(folder: Path, wanted: Order, **more) -> CommandResult:
    return asyncio.run(orders(folder).start_or_attach("h", wanted, **more))


async def started(made: HostOrders, wanted: Order) -> asyncio.Task[CommandResult]:
    task = asyncio.ensure_future(made.start_or_attach("h", wanted))
    while (await made.look("h", wanted)).state is OrderState.ABSENT:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return task


def test_an_order_runs_once_and_its_output_and_status_come_back(tmp_path: Path) -> None:
    result = carry_out(tmp_path, order(tmp_path, "echo out; echo err >&2; exit 3"))
    assert (result.status, result.output) == (3, "out\nerr\n")
    again = carry_out(tmp_path, order(tmp_path, "echo out; echo err >&2; exit 3"))
    assert (again.status, again.output) == (3, "out\nerr\n")
    assert ran(tmp_path) == 1


def with_a_heartbeat(folder: Path, shell: LocalHost) -> CommandResult:
    """One order that ends behind its first heartbeat: it is begun, waited for, and waited for again."""
    return asyncio.run(orders(folder, shell).start_or_attach("h", order(folder, HELD), lambda _: let_go(folder)))


def test_an_order_takes_three_calls(tmp_path: Path) -> None:
    shell = LocalHost(tmp_path)
    with_a_heartbeat(tmp_path, shell)
    assert shell.calls >= 3  # all that are cut below; more on a slow machine


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_connection_cut_at_any_call_costs_nothing(tmp_path: Path, call: int, when: str) -> None:
    shell = LocalHost(tmp_path)
    shell.fail_at = {call: when}
    result = with_a_heartbeat(tmp_path, shell)
    assert (result.status, result.output) == (0, "done\n")
    assert ran(tmp_path) == 1


def test_a_connection_cut_again_and_again_costs_nothing(tmp_path: Path) -> None:
    shell = LocalHost(tmp_path)
    shell.fail_at = {n: "after" if n % 2 else "before" for n in range(1, 8)}
    result = asyncio.run(orders(tmp_path, shell).start_or_attach("h", order(tmp_path)))
    assert result.output == "began\ndone\n"
    assert ran(tmp_path) == 1


@pytest.mark.parametrize("call", [1, 2])
def test_looks_and_stops_may_break_off_too(tmp_path: Path, call: int) -> None:
    """They are asked once; who asked gets the error, and asking again does no harm."""
    shell = LocalHost(tmp_path)
    made = orders(tmp_path, shell)

    async def case() -> None:
        task = await started(made, order(tmp_path, "sleep 9"))
        shell.fail_at = {shell.calls + call: "after"}
        for _ in (1, 2):
            try:
                await made.look("h", order(tmp_path))
                await made.stop("h", order(tmp_path))
            except UnreachableError:
                continue
        with pytest.raises(CommandError, match="was stopped there"):
            await task

    asyncio.run(case())
    assert ran(tmp_path) == 1


def test_a_host_that_is_never_reached_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEGIN_S", 0.2)
    shell = LocalHost(tmp_path)
    shell.fail_at = dict.fromkeys(range(1, 1000), "before")
    with pytest.raises(UnreachableError):
        asyncio.run(orders(tmp_path, shell).start_or_attach("h", order(tmp_path)))
    assert 1 < shell.calls < 40


def test_five_starters_at_once_start_one_command(tmp_path: Path) -> None:
    async def case() -> list[CommandResult]:
        return await asyncio.gather(*(orders(tmp_path).start_or_attach("h", order(tmp_path)) for _ in range(5)))

    assert {r.output for r in asyncio.run(case())} == {"began\ndone\n"}
    assert ran(tmp_path) == 1


def test_another_attempt_does_not_start_while_an_earlier_one_runs(tmp_path: Path) -> None:
    made = orders(tmp_path)

    async def case() -> None:
        first = await started(made, order(tmp_path, HELD))
        with pytest.raises(BusyError, match="attempt 1 of the same action still runs"):
            await made.start_or_attach("h", order(tmp_path, attempt=2))
        let_go(tmp_path)
        await first
        assert (await made.start_or_attach("h", order(tmp_path, attempt=2))).ok
        with pytest.raises(BusyError, match="attempt 2 came behind it"):  # it was on its way for long
            await made.start_or_attach("h", order(tmp_path, attempt=1, index=1))

    asyncio.run(case())
    assert ran(tmp_path) == 2


def test_what_shares_a_key_does_not_run_side_by_side_whoever_starts_it(tmp_path: Path) -> None:
    made = orders(tmp_path)
    other = order(tmp_path, run="run2", action="contract/keystone", exclusive="schema/keystone")

    async def case() -> None:
        first = await started(made, order(tmp_path, HELD, exclusive="schema/keystone"))
        with pytest.raises(BusyError, match="schema/keystone is held"):
            await made.start_or_attach("h", other)
        free = order(tmp_path, "true", run="run3", exclusive="schema/glance")
        assert (await made.start_or_attach("h", free)).ok
        let_go(tmp_path)
        await first
        assert (await made.start_or_attach("h", other)).ok

    asyncio.run(case())
    assert ran(tmp_path) == 3


def test_commands_of_one_attempt_follow_each_other_without_a_pause(tmp_path: Path) -> None:
    made = orders(tmp_path)

    async def case() -> None:
        for index in range(4):
            assert (await made.start_or_attach("h", order(tmp_path, "true", index=index, exclusive="k"))).ok
        seen = await made.look_all("h", order(tmp_path))
        assert [(s.index, s.state, s.status) for s in seen] == [(n, OrderState.ENDED, 0) for n in range(4)]

    asyncio.run(case())


def test_a_look_tells_absent_running_ended_and_lost_apart(tmp_path: Path) -> None:
    made = orders(tmp_path)
    wanted = order(tmp_path, "echo here; exec sleep 60")

    async def case() -> None:
        assert (await made.look("h", wanted)).state is OrderState.ABSENT
        task = await started(made, wanted)
        while not (seen := await made.look("h", wanted)).line:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert (seen.state, seen.line) == (OrderState.RUNNING, "here")
        assert seen.age_s < 20
        folder = next((tmp_path / "state/orders/run1").glob("*/1.0"))
        pid = json.loads((folder / "started.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)  # as the kernel does when memory runs out; its command lives on
        assert (await made.look("h", wanted)).state is OrderState.RUNNING
        for stat in Path("/proc").glob("[0-9]*/stat"):
            if b"sleep\x0060" in stat.with_name("cmdline").read_bytes() and str(tmp_path) in str(
                stat.with_name("environ").read_bytes()
            ):
                os.kill(int(stat.parent.name), signal.SIGKILL)
        with pytest.raises(LostError, match="its unit was killed"):
            await task
        seen = await made.look("h", wanted)
        assert (seen.state, seen.why) == (OrderState.LOST, "killed")
        (folder / "started.json").write_text(json.dumps({"at": 0, "boot": "another", "pid": 1}))
        assert (await made.look("h", wanted)).why == "rebooted"
        with pytest.raises(LostError, match="rebooted"):
            await made.start_or_attach("h", wanted)

    asyncio.run(case())
    assert ran(tmp_path) == 1


def test_a_torn_result_is_no_result(tmp_path: Path) -> None:
    carry_out(tmp_path, order(tmp_path))
    folder = next((tmp_path / "state/orders/run1").glob("*/1.0"))
    (folder / "result.json").write_text('{"status": 0, "wh')
    assert asyncio.run(orders(tmp_path).look("h", order(tmp_path))).state is OrderState.LOST


def test_the_host_ends_what_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(SiteTimeoutError, match=r"did not end within 0\.4 s"):
        carry_out(tmp_path, order(tmp_path, "sleep 30", longest_s=0.4))
    assert asyncio.run(orders(tmp_path).look("h", order(tmp_path))).why == "time limit"


def test_what_was_stopped_does_not_start_later(tmp_path: Path) -> None:
    made = orders(tmp_path)

    async def case() -> None:
        await made.stop("h", order(tmp_path, attempt=3))
        with pytest.raises(BusyError, match="given up"):
            await made.start_or_attach("h", order(tmp_path, attempt=3))
        assert (await made.start_or_attach("h", order(tmp_path, attempt=4))).ok

    asyncio.run(case())
    assert ran(tmp_path) == 1


def test_a_huge_output_is_kept_in_its_first_and_last_parts(tmp_path: Path) -> None:
    text = 'echo first; head -c 6000000 /dev/zero | tr "\\0" x; echo; echo last'
    result = carry_out(tmp_path, order(tmp_path, text))
    assert result.output.startswith("first\nxxx")
    assert result.output.endswith("xxx\nlast\n")
    assert "bytes left out ...]" in result.output
    kept = sum(p.stat().st_size for p in (tmp_path / "state/orders/run1").rglob("*"))
    assert 1_000_000 < kept < 3_000_000


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    hostile = ("$(touch pwned)", "a b; id", "'\"\n*", "%h %n ${HOME}", "", "-x", "\udcff\u2028\u00e4")
    wanted = order(tmp_path, argv=("printf", "%s|", *hostile))
    assert carry_out(tmp_path, wanted).output.encode(errors="replace") == b"".join(
        w.encode(errors="surrogateescape") + b"|" for w in hostile
    ).decode(errors="replace").encode(errors="replace")
    with pytest.raises(InputError):
        carry_out(tmp_path, order(tmp_path, run="../../etc"))


def test_a_program_that_is_not_there_is_an_end_like_any_other(tmp_path: Path) -> None:
    result = carry_out(tmp_path, order(tmp_path, argv=("/no/such/program",)))
    assert result.status == 127
    assert "No such file" in result.output


def test_a_heartbeat_tells_how_long_it_has_been_quiet(tmp_path: Path) -> None:
    heard: list[OrderSeen] = []

    def hear(seen: OrderSeen) -> None:
        heard.append(seen)
        if seen.line and seen.quiet_s > 0.3:
            let_go(tmp_path)

    carry_out(tmp_path, order(tmp_path, f"echo 'batch \x1b[31m7'; {HELD}", longest_s=60), progress=hear)
    last = next(seen for seen in heard if seen.quiet_s > 0.3)  # else the host would have ended it: an error
    assert last.line == "batch  [31m7"
    assert last.quiet_s <= last.age_s


def test_the_same_order_in_other_words_is_refused(tmp_path: Path) -> None:
    carry_out(tmp_path, order(tmp_path))
    with pytest.raises(CommandError, match="other words"):
        carry_out(tmp_path, order(tmp_path, "something else"))


def test_a_run_that_is_over_is_forgotten(tmp_path: Path) -> None:
    made = orders(tmp_path)

    async def case() -> None:
        await made.start_or_attach("h", order(tmp_path))
        running = await started(made, order(tmp_path, HELD, run="run2"))
        assert await made.forget("h", kept_days=1) == ()
        assert await made.forget("h") == ("run1",)
        assert await made.forget("h", "run1") == ()
        let_go(tmp_path)
        await running
        assert await made.forget("h", "run2") == ("run2",)

    asyncio.run(case())
    assert list((tmp_path / "state/orders").iterdir()) == []


def test_an_older_epoch_neither_starts_nor_stops_nor_looks_but_may_go_on_waiting(tmp_path: Path) -> None:
    old, new = orders(tmp_path, fence=Fence(1)), orders(tmp_path, fence=Fence(2))

    async def case() -> None:
        mine = await started(old, order(tmp_path, HELD))
        assert (await new.look("h", order(tmp_path))).state is OrderState.RUNNING
        for call in (old.start_or_attach("h", order(tmp_path, attempt=2)), old.stop("h", order(tmp_path)),
                     old.look("h", order(tmp_path))):  # fmt: skip
            with pytest.raises(FencedError):
                await call
        let_go(tmp_path)
        assert (await new.start_or_attach("h", order(tmp_path, HELD))).output == "done\n"
        assert (await mine).output == "done\n"

    asyncio.run(case())
    assert ran(tmp_path) == 1
