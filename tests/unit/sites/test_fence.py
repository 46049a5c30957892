"""The fence of a host: an older epoch is refused, a newer one waits for what an older one has under way."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from escalator.errors import CommandError, FencedError
from escalator.sites.fence import Fence
from escalator.sites.protocol import CommandResult
from local_host import LocalHost


async def run(folder: Path, fence: Fence | None, text: str = "echo ran", *, fenced: bool = True) -> CommandResult:
    host = LocalHost(folder, fence)
    return await host.run("h", ["sh", "-c", text], timeout_s=20, check=False, stdin="in", fenced=fenced)


def test_a_host_refuses_an_older_epoch_and_does_nothing(tmp_path: Path) -> None:
    assert asyncio.run(run(tmp_path, Fence(3))).output == "ran\n"
    assert asyncio.run(run(tmp_path, Fence(3))).output == "ran\n"
    assert asyncio.run(run(tmp_path, Fence(12))).output == "ran\n"
    with pytest.raises(FencedError, match="refuses epoch 3 of site: it has seen epoch 12") as caught:
        asyncio.run(run(tmp_path, Fence(3), f"touch {tmp_path}/effect"))
    assert (caught.value.code, caught.value.exit_status) == ("ESC-403", 5)
    assert not (tmp_path / "effect").exists()


def test_what_only_reads_and_who_has_no_fence_pass(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path, Fence(5)))
    assert asyncio.run(run(tmp_path, Fence(4), fenced=False)).output == "ran\n"
    assert asyncio.run(run(tmp_path, None)).output == "ran\n"


def test_scopes_do_not_know_each_other(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path, Fence(5, "site a/../b")))
    assert asyncio.run(run(tmp_path, Fence(1, "site a/b"))).output == "ran\n"
    with pytest.raises(FencedError):
        asyncio.run(run(tmp_path, Fence(4, "site a/../b")))


def test_words_input_and_status_of_the_command_pass_unchanged(tmp_path: Path) -> None:
    assert asyncio.run(run(tmp_path, Fence(1), "cat; exit 5")) == CommandResult(5, "in", pytest.approx(0, abs=20))
    host, hostile = LocalHost(tmp_path, Fence(1)), ["$(id)", "'\"\n", "", "-n", "$1"]
    result = asyncio.run(host.run("h", ["printf", "%s|", *hostile], timeout_s=20))
    assert result.output == "".join(f"{word}|" for word in hostile)


def test_a_command_that_ends_with_the_same_status_was_not_refused(tmp_path: Path) -> None:
    assert asyncio.run(run(tmp_path, Fence(1), "echo no; exit 97")).status == 97


def test_a_newer_epoch_waits_until_what_an_older_one_has_under_way_is_over(tmp_path: Path) -> None:
    """Else a look through the new epoch could miss an effect that is still to come."""
    ledger = tmp_path / "ledger"

    async def case() -> None:
        slow = f"echo old >> {ledger}; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo older >> {ledger}"
        old = asyncio.ensure_future(run(tmp_path, Fence(1), slow))
        while not ledger.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        new = asyncio.ensure_future(run(tmp_path, Fence(2), f"echo new >> {ledger}"))
        await asyncio.sleep(0.5)
        assert not new.done()
        same = await run(tmp_path, Fence(1), "echo same epoch")  # not in each other's way
        assert same.output == "same epoch\n"
        (tmp_path / "go").touch()
        await asyncio.gather(old, new)

    asyncio.run(case())
    assert ledger.read_text().split() == ["old", "older", "new"]


def test_who_waits_too_long_does_nothing_and_says_so(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"

    async def case() -> None:
        old = asyncio.ensure_future(run(tmp_path, Fence(1), f"touch {ledger}; exec sleep 4"))
        while not ledger.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        words = Fence(2).around(["touch", f"{tmp_path}/effect"], timeout_s=2, folder=str(tmp_path / "fence"))
        result = await LocalHost(tmp_path).run("h", words, timeout_s=20, check=False)
        with pytest.raises(CommandError, match="a command of epoch 1 still runs there"):
            Fence(2).judge("h", result.status, result.output)
        await old

    asyncio.run(case())
    assert not (tmp_path / "effect").exists()


@pytest.mark.parametrize("text", ["", "12x\n", "-3\n"])
def test_a_damaged_fence_lets_nobody_pass(tmp_path: Path, text: str) -> None:
    asyncio.run(run(tmp_path, Fence(1)))
    (tmp_path / "fence" / Fence(1).file).write_text(text)
    with pytest.raises(CommandError, match="its fence is broken"):
        asyncio.run(run(tmp_path, Fence(9)))


def test_many_at_once_of_two_epochs_leave_the_higher_one(tmp_path: Path) -> None:
    async def case() -> list[CommandResult | BaseException]:
        calls = [run(tmp_path, Fence(n % 2 + 1), f"date +%s%N > {tmp_path}/at{n % 2 + 1}.{n}") for n in range(16)]
        return await asyncio.gather(*calls, return_exceptions=True)

    began = time.time_ns()
    ends = asyncio.run(case())
    assert all(isinstance(e, CommandResult | FencedError) for e in ends)
    assert (tmp_path / "fence" / Fence(1).file).read_text() == "2\n"
    at = {e: [int(p.read_text()) for p in tmp_path.glob(f"at{e}.*")] for e in (1, 2)}
    assert len(at[2]) == 8
    assert max([began, *at[1]]) < min(at[2])  # nothing of the old epoch behind the first of the new one
