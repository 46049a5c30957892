"""The whole meter, its own process, against a server that goes away and comes back (DU-7, MO-4)."""

import asyncio
import os
import signal
import sys
from itertools import groupby
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cloud import a_cloud

from escalator.metering.config import Credentials, Intervals, MeterConfig, ProbeObjects, VnfAddress
from escalator.metering.process import is_alive, meter_pid, start_meter, stop_meter
from escalator.metering.samples import read
from escalator.metering.summary import failed_requests, summarise, totals

pytestmark = pytest.mark.processes

LIVE = Intervals(live=0.02, read=0, token=0, cycle=0, vnf=0)


def config(folder, cloud, **more):
    return MeterConfig(folder=folder, **{"apis": {"nova": cloud.url}, "intervals": LIVE, "timeout_s": 0.5} | more)


def credentials(folder, cloud):
    path = folder / "clouds.yaml"
    auth = f"{{auth_url: '{cloud.url}/v3', username: u, password: p, project_name: p}}"
    path.write_text(f"clouds: {{lab: {{auth: {auth}}}}}")
    return Credentials(clouds_yaml=path, entry="lab")


async def until(condition, longest=20.0):
    for _ in range(int(longest / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("did not come about")


async def metered(folder, cloud, story, **more):
    """Run ``story`` while a meter measures; the summary."""
    try:
        await asyncio.to_thread(start_meter, config(folder, cloud, **more), folder)
        await until(lambda: totals(folder)["requests"] > 20)
        await story()
        await asyncio.sleep(1.2)
    finally:
        await asyncio.to_thread(stop_meter, folder)
    return summarise(folder)


def run(tmp_path, story_of, **more):
    async def main():
        async with a_cloud() as cloud:
            extra = {k: v(tmp_path, cloud) if callable(v) else v for k, v in more.items()}
            return cloud, await metered(tmp_path / "meter", cloud, lambda: story_of(cloud), **extra)

    return asyncio.run(main())


def test_a_quiet_cloud_shows_no_gap(tmp_path):
    async def nothing(_cloud):
        await asyncio.sleep(1)

    _, summary = run(tmp_path, nothing)
    assert summary["requests"]["failed"] == 0
    assert summary["gaps"] == []
    assert summary["apis"]["nova"]["longest_gap_ms"] == 0
    kinds = {s.connection for s in read(tmp_path / "meter").samples}
    assert kinds == {"new", "kept"}


def test_gaps_are_found_in_order_and_none_invented(tmp_path):
    """What is waited for is what the meter has seen, not time: a loaded machine makes it slow, not wrong."""

    def seen(key):
        return totals(tmp_path / "meter")[key]

    async def well():
        since = [seen("requests"), seen("failed")]

        def calm():
            if seen("failed") != since[1]:  # an answer of the bad time that came late
                since[:] = [seen("requests"), seen("failed")]
            return seen("requests") > since[0] + 40

        await until(calm, 60)

    async def badly():
        before = seen("failed")
        await until(lambda: seen("failed") > before + 3, 60)
        await asyncio.sleep(0.6)

    async def story(cloud):
        await cloud.down()
        await badly()
        await cloud.up()
        for mode in ("503", "401", "hang"):
            await asyncio.sleep(1)
            await well()
            cloud.mode = mode
            await badly()
            cloud.mode = "ok"
        await asyncio.sleep(1)
        await well()

    _, summary = run(tmp_path, story)
    reasons = [frozenset(g["reasons"]) for g in summary["gaps"]]
    told_apart = [set(kind) for kind, _ in groupby(reasons)]  # a starved meter may see one bad time as two
    assert told_apart == [{"connection"}, {"http-503"}, {"refused-401"}, {"timeout"}]
    assert sum(g["gap_ms"] for g in summary["gaps"]) >= 4 * 300
    assert not any(g["open"] for g in summary["gaps"])
    assert failed_requests(tmp_path / "meter") == summary["requests"]["failed"] > 0


def test_cycles_leave_nothing_behind_and_clean_up_after_an_earlier_meter(tmp_path):
    async def story(cloud):
        await until(lambda: "escalator-probe-port-0123456789ab" not in [r["name"] for r in cloud.resources.values()])
        await asyncio.sleep(2.5)

    async def main():
        async with a_cloud() as cloud:
            left = {"id": "x", "kind": "ports", "name": "escalator-probe-port-0123456789ab"}
            mine = {"id": "y", "kind": "ports", "name": "escalator-probe-port-of-mine"}
            cloud.resources = {"x": left, "y": mine}
            bases = dict.fromkeys(("keystone", "placement", "glance", "nova", "neutron"), cloud.url)
            summary = await metered(
                tmp_path / "meter",
                cloud,
                lambda: story(cloud),
                apis=bases,
                credentials=credentials(tmp_path, cloud),
                objects=ProbeObjects(image="it", flavor="it", network="it", cycles=["port", "image", "project"]),
                intervals=Intervals(live=0.05, read=0.2, token=0.3, cycle=0.1),
                timeout_s=5,
            )
            return cloud, summary

    cloud, summary = asyncio.run(main())
    assert summary["requests"]["failed"] == 0, summary["gaps"]
    assert set(cloud.resources) == {"y"}
    assert set(summary["apis"]) == {"keystone", "placement", "glance", "nova", "neutron"}
    assert {"live", "read", "token", "project"} == set(summary["apis"]["keystone"]["kinds"])
    assert summary["apis"]["neutron"]["kinds"]["port"]["requests"] > 1


@pytest.mark.parametrize("timeout_s", [5.0, 0.5])
def test_what_is_being_made_when_the_meter_stops_is_not_left_behind(tmp_path, timeout_s):
    """The second time the answer is not even waited for: what is made late is found at the end."""

    async def main():
        async with a_cloud() as cloud:
            cloud.slow_create = 1.0
            given = config(
                tmp_path / "meter",
                cloud,
                apis={"keystone": cloud.url, "neutron": cloud.url},
                credentials=credentials(tmp_path, cloud),
                objects=ProbeObjects(image="it", flavor="it", network="it", cycles=["port"]),
                intervals=Intervals(live=0.05, read=0, token=0, cycle=0.1),
                timeout_s=timeout_s,
            )
            await asyncio.to_thread(start_meter, given, tmp_path / "meter")
            try:
                await until(lambda: cloud.creating > (0 if timeout_s > cloud.slow_create else 2))
                if timeout_s < cloud.slow_create:
                    cloud.slow_create = 0.0
                    await asyncio.sleep(1.5)
            finally:
                await asyncio.to_thread(stop_meter, tmp_path / "meter")
            await asyncio.sleep(1.5)
            return cloud

    assert asyncio.run(main()).resources == {}


def test_a_server_in_error_is_a_failed_cycle(tmp_path):
    async def story(cloud):
        cloud.server_status = "ERROR"
        await asyncio.sleep(2)

    async def main():
        async with a_cloud() as cloud:
            return await metered(
                tmp_path / "meter",
                cloud,
                lambda: story(cloud),
                apis=dict.fromkeys(("glance", "nova", "neutron"), cloud.url),
                credentials=credentials(tmp_path, cloud),
                objects=ProbeObjects(image="it", flavor="it", network="it", cycles=["server"], longest_s=5),
                intervals=Intervals(live=0.1, read=0, token=0, cycle=0.1),
            )

    servers = asyncio.run(main())["apis"]["nova"]["kinds"]["server"]
    assert servers["by_reason"].keys() == {"error-state"}


def test_vnfs_are_probed_and_a_silent_one_is_seen(tmp_path):
    class Echo(asyncio.DatagramProtocol):
        silent = False

        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            if not self.silent:
                self.transport.sendto(b"17 uptime=5.0", addr)

    async def main():
        loop = asyncio.get_running_loop()
        transport, echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]

        async def story():
            echo.silent = True
            await asyncio.sleep(0.5)
            echo.silent = False
            await asyncio.sleep(0.5)

        async with a_cloud() as cloud:
            vnfs = [
                VnfAddress(name="a", address="127.0.0.1", port=port, timeout_s=0.4),
                VnfAddress(name="b", address="127.0.0.1", port=cloud.port, protocol="tcp"),
                VnfAddress(name="c", address="127.0.0.1", port=cloud.port, protocol="http"),
            ]
            return await metered(tmp_path / "m", cloud, story, apis={}, vnfs=vnfs, intervals=Intervals(vnf=0.02))

    summary = asyncio.run(main())
    assert [g["api"] for g in summary["gaps"]] == ["vnf:a"]
    assert {name: bool(vnf["failed"]) for name, vnf in summary["vnfs"].items()} == {"a": True, "b": False, "c": False}


def test_the_process_is_started_once_and_stopped(tmp_path):
    async def main():
        async with a_cloud() as cloud:
            pid = start_meter(config(tmp_path, cloud), tmp_path)
            assert start_meter(config(tmp_path, cloud), tmp_path) == pid == meter_pid(tmp_path)
            await until(lambda: totals(tmp_path)["requests"] > 0)
            assert await asyncio.to_thread(stop_meter, tmp_path)
            assert not is_alive(tmp_path)
            assert not stop_meter(tmp_path)

    asyncio.run(main())


@pytest.mark.parametrize("left", ["", "x", "1", "999999999"])
def test_a_stale_pid_is_no_meter(tmp_path, left):
    (tmp_path / "meter.pid").write_text(left)
    assert not is_alive(tmp_path)
    assert not stop_meter(tmp_path)


def test_a_meter_that_was_not_served_itself_invents_no_outage(tmp_path):
    async def story(_cloud):
        pid = meter_pid(tmp_path / "meter")
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(1.5)
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(1)

    _, summary = run(tmp_path, story)
    assert summary["requests"]["failed"] == 0
    assert summary["gaps"] == []
    assert summary["starvation"]["uncertain_s"] >= 1
    assert summary["starvation"]["missed"] > 10
