"""How long the checker of host schedules takes, and whether its time grows about as the site does.

``.venv/bin/python bench/check_schedule.py [--hosts 10000] [--servers 100000] [--json]``: its last line is one JSON
object. The schedules are not the planner's: in each of 12 classes one host in twenty is empty; wave by wave as many
full hosts as were emptied last are drained onto these, one onto one, which is valid by construction (the bench fails
where the checker refuses it). ``broken_s`` is the same schedule with every host offline a minute early: thousands of
findings. ``..._cpu_s`` is processor time, which a busy machine does not change much. ``growth`` has the same figures
for smaller sites.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import dataclass, field, replace
from random import Random

from escalator.checks.hosts import check_schedule
from escalator.model.compute import Hypervisor, Server, ServerGroup, Stock
from escalator.model.findings import refused
from escalator.model.inventory import Inventory
from escalator.model.maintenance import BySize, Constraints, Limits, MaintenanceInfo
from escalator.model.schedule import Move, Schedule, Visit

ZONES, AGGREGATES, EMPTY, RACK = ("za", "zb", "zc"), ("w", "x", "y", "z"), 0.05, 20
HOST_MB, LOAD = 512 * 1024, 0.8
RECOVERY_S, OFFLINE_S = 60.0, 1200.0
SLOTS = 2
LIMITS = Limits(
    migrations=2000, out_slots=SLOTS, in_slots=SLOTS, reserve_hosts=1, offline_per_set=(("rack", RACK),),
    set_mbit_s=(("rack", 200_000.0),), migration_mbit_s=2500.0, host_offline_s=OFFLINE_S,
)  # fmt: skip


@dataclass
class Site:
    """A site as it is made; ``full``: by class, hosts with the positions of their servers."""

    hosts: list[Hypervisor] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    groups: list[ServerGroup] = field(default_factory=list)
    empty: list[list[str]] = field(default_factory=list)
    full: list[dict[str, list[int]]] = field(default_factory=list)


def make_site(random: Random, hosts: int, servers: int) -> Site:
    """12 classes of hosts; servers of 8 to 64 GB, in anti-affinity groups of 2 to 10 of their class."""
    site = Site()
    classes = [(z, a) for z in ZONES for a in AGGREGATES]
    each = servers / (hosts * (1 - EMPTY))
    for number, (zone, aggregate) in enumerate(classes):
        names = [f"h{i}" for i in range(number, hosts, len(classes))]
        site.hosts += [_host(name, zone, aggregate) for name in names]
        spare = max(2, round(len(names) * EMPTY))
        site.empty.append(names[:spare])
        site.full.append({name: _fill(random, site, name, aggregate, each) for name in names[spare:]})
        _group(random, site, site.full[-1])
    return site


def _host(name: str, zone: str, aggregate: str) -> Hypervisor:
    cell = {"VCPU": 32, "MEMORY_MB": HOST_MB // 2}
    return Hypervisor(
        name, "QEMU", "7.2", "up", zone=zone, aggregates=(aggregate,), failure_sets=(f"rack:{int(name[1:]) // RACK}",),
        traits=frozenset({"COMPUTE_NODE"}), link_mbit_s=5000.0, cells=(cell, cell),
        stock={"VCPU": Stock(64, 0, 4.0), "MEMORY_MB": Stock(HOST_MB), "DISK_GB": Stock(4000)},
    )  # fmt: skip


def _fill(random: Random, site: Site, name: str, aggregate: str, each: float) -> list[int]:
    """So many servers on one host as there are on average, up to its load; a few of them with NUMA cells."""
    here, used, numa = [], 0, 3
    for _ in range(int(each + random.random())):
        memory = min(random.choice((8, 16, 24, 32, 48, 64)) * 1024, int(HOST_MB * LOAD) - used)
        if memory <= 0:
            break
        used += memory
        nodes = random.choice((0, 0, 0, 1, 2)) if numa else 0
        numa -= nodes > 0
        here.append(len(site.servers))
        site.servers.append(
            Server(
                f"s{len(site.servers)}",
                "",
                "p",
                name,
                "ACTIVE",
                aggregates=(aggregate,),
                numa_nodes=nodes,
                resources={"VCPU": random.randint(1, 8), "MEMORY_MB": memory, "DISK_GB": 20},
                traits=frozenset({"COMPUTE_NODE"}),
            )
        )
    return here


def _group(random: Random, site: Site, full: dict[str, list[int]]) -> None:
    members = [i for here in full.values() for i in here]
    random.shuffle(members)
    while len(members) > 1:
        chosen = {site.servers[i].host: i for i in members[-random.randint(2, 10) :]}
        del members[-10:]
        name = f"g{len(site.groups)}"
        site.groups.append(ServerGroup(name, "", "anti-affinity", tuple(site.servers[i].id for i in chosen.values())))


def make_constraints(site: Site) -> Constraints:
    """One member of small groups at a time, two of larger ones, a minute to recover."""
    sizes = (BySize(1, 1), BySize(5, 2))
    infos = [MaintenanceInfo(g.id, recovery_s=RECOVERY_S, max_impacted=sizes) for g in site.groups]
    return Constraints(LIMITS, tuple(infos))


def make_schedule(site: Site) -> Schedule:
    """Each class in waves: what was emptied last takes in the next hosts, one each."""
    group = {member: g for g in site.groups for member in g.members}
    ready = {g.id: [0.0] * (1 if len(g.members) < 5 else 2) for g in site.groups}
    moves: list[Move] = []
    visits: list[Visit] = []
    for empty, full in zip(site.empty, site.full, strict=True):
        begin, wave, targets = 0.0, 0, empty
        visits += [Visit(h, 0.0, 0.0, OFFLINE_S) for h in empty]
        waiting = list(full)
        while waiting:
            begin, wave = max(v.back_s for v in visits[-len(targets) :]), wave + 1
            batch, waiting = waiting[: len(targets)], waiting[len(targets) :]
            pairs = list(zip(batch, targets, strict=False))
            for source, target in pairs:
                lanes = [begin] * SLOTS
                for i in full[source]:
                    server = site.servers[i]
                    free = ready[group[server.id].id] if server.id in group else [0.0]
                    start = max(min(lanes), min(free))
                    end = start + server.resources["MEMORY_MB"] * 8.4 / LIMITS.migration_mbit_s
                    lanes[lanes.index(min(lanes))] = end
                    free[free.index(min(free))] = end + RECOVERY_S
                    moves.append(Move(server.id, source, target, start, end))
                visits.append(Visit(source, begin, max(lanes), max(lanes) + OFFLINE_S, wave))
            targets = batch
    return Schedule(tuple(moves), tuple(visits))


def measure(hosts: int, servers: int, seed: int) -> dict[str, float]:
    """Make a schedule, check it, break it, check it again."""
    site = make_site(Random(seed), hosts, servers)
    schedule, constraints = make_schedule(site), make_constraints(site)
    inventory = Inventory(
        "bench", "2026-01-01T00:00:00Z", (), (), (),
        hypervisors=tuple(site.hosts), servers=tuple(site.servers), server_groups=tuple(site.groups),
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    found = check_schedule(schedule, inventory, constraints)
    check_s, check_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    early = [replace(v, closed_s=max(0, v.closed_s - 60), offline_s=max(0, v.offline_s - 60)) for v in schedule.visits]
    began, cpu = time.perf_counter(), time.process_time()
    broken = refused(check_schedule(replace(schedule, visits=tuple(early)), inventory, constraints))
    return {
        "hosts": hosts, "servers": len(site.servers), "moves": len(schedule.moves), "groups": len(site.groups),
        "makespan_h": round(schedule.makespan_s / 3600, 2),
        "check_s": round(check_s, 3), "check_cpu_s": round(check_cpu_s, 3),
        "violations": len(refused(found)), "warnings": len(found) - len(refused(found)),
        "broken_s": round(time.perf_counter() - began, 3), "broken_cpu_s": round(time.process_time() - cpu, 3),
        "broken_violations": len(broken),
        "check_rss_mb": round((after - before) / 1024), "peak_rss_mb": round(after / 1024),
    }  # fmt: skip


def main() -> None:
    """Measure smaller sites, then the one that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="nothing but the JSON object")
    args = parser.parse_args()
    rows = []
    for part in (0.1, 0.2, 0.5, 1):
        rows.append(measure(int(args.hosts * part), int(args.servers * part), args.seed))
        if not args.json:
            print(", ".join(f"{key} {value}" for key, value in rows[-1].items()))
    print(json.dumps({**rows[-1], "growth": rows}))
    if any(row["violations"] for row in rows):
        raise SystemExit("a valid schedule was refused")


if __name__ == "__main__":
    main()
