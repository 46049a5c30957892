"""Small random sites and schedules: any at all, and valid ones, made by a plain drain of one host after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import schedule_oracle
from escalator.model.compute import Hypervisor, Mobility, Server, ServerGroup, Stock
from escalator.model.inventory import Inventory
from escalator.model.maintenance import BySize, Constraints, Limits, MaintenanceInfo
from escalator.model.schedule import Move, Schedule, Visit

POLICIES = ("anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity", "")
TYPES = ((Mobility.LIVE,), (Mobility.LIVE, Mobility.COLD), (Mobility.OWN, Mobility.LIVE), (Mobility.COLD,), ())


@dataclass(frozen=True)
class Given:
    schedule: Schedule
    inventory: Inventory
    constraints: Constraints

    def refused(self) -> set[str]:
        """The rules that the oracle refuses it by."""
        return {rule for severity, rule, _ in self.verdicts() if severity is schedule_oracle.REFUSED}

    def verdicts(self) -> set[schedule_oracle.Verdict]:
        return schedule_oracle.verdicts(self.schedule, self.inventory, self.constraints)


def inventory(hosts: list[Hypervisor], servers: list[Server], groups: list[ServerGroup]) -> Inventory:
    return Inventory(
        "lab", "2026-01-01T00:00:00Z", (), (), (),
        hypervisors=tuple(hosts), servers=tuple(servers), server_groups=tuple(groups),
    )  # fmt: skip


def some(random: Random, values: str, share: float = 0.3) -> tuple[str, ...]:
    return tuple(v for v in values if random.random() < share)


def any_host(random: Random, number: int) -> Hypervisor:
    stock = {
        "VCPU": Stock(random.randint(2, 6), 0, random.choice((1.0, 1.5))),
        "MEMORY_MB": Stock(random.randint(3, 9), 1),
    }
    if random.random() < 0.3:
        stock["PCPU"] = Stock(2)
    return Hypervisor(
        f"h{number}", random.choice(("QEMU",) * 9 + ("VMware",)), random.choice(("7.2",) * 3 + ("8.0", "8.0rc1?")),
        random.choice(("up",) * 9 + ("down",)), random.choice(("enabled",) * 9 + ("disabled",)),
        random.choice(("za", "za", "zb")), some(random, "xy"), (f"rack:r{random.randint(1, 2)}", *some(random, "p")),
        frozenset(some(random, "TU", 0.5)), stock,
        tuple({"VCPU": random.randint(1, 3), "MEMORY_MB": 4} for _ in range(random.choice((0, 2, 2, 3)))),
        random.choice((0.0, 0.0, 1000.0, 2500.0)),
    )  # fmt: skip


def any_server(random: Random, number: int, hosts: list[Hypervisor]) -> Server:
    resources = {"VCPU": random.randint(1, 2), "MEMORY_MB": random.randint(0, 3)}
    if random.random() < 0.2:
        resources["PCPU"] = 1
    return Server(
        f"s{number}", "a name", "project", random.choice([h.host for h in hosts] * 3 + ["gone"]), "ACTIVE",
        group=random.choice(("", "", "", "g0", "g9")), zone=random.choice(("", "", "", "za")), resources=resources,
        traits=frozenset(some(random, "T", 0.2)), forbidden=frozenset(some(random, "U", 0.1)),
        aggregates=some(random, "xy", 0.15), numa_nodes=random.choice((0, 0, 0, 1, 2)),
        mobility=random.choice((Mobility.LIVE,) * 6 + tuple(Mobility)),
    )  # fmt: skip


def any_info(random: Random, name: str) -> MaintenanceInfo:
    def sizes() -> tuple[BySize, ...]:
        return tuple(BySize(random.randint(1, 4), random.randint(0, 3)) for _ in range(random.choice((0, 0, 1, 2))))

    return MaintenanceInfo(
        name, lead_s=random.choice((0, 0, 10)), migration_types=random.choice(TYPES[:1] * 4 + TYPES),
        recovery_s=random.choice((0, 0, 3, 7)), max_impacted=sizes(), min_preserved=sizes(),
    )  # fmt: skip


def any_constraints(random: Random) -> Constraints:
    limits = Limits(
        migrations=random.choice((0, 0, 2)),
        out_slots=random.choice((0, 1, 2, 3)), in_slots=random.choice((0, 1, 2, 3)),
        hosts_at_once=random.choice((0, 0, 1, 2)), reserve_hosts=random.choice((0, 0, 1, 2)),
        offline_per_set=random.choice(((), (("rack", 1),), (("p", 1), ("rack", 2)))),
        set_mbit_s=random.choice(((), (("rack", 1000.0),), (("rack", 2000.0), ("p", 1000.0)))), host_offline_s=5,
    )  # fmt: skip
    names = random.sample(("g0", "g1", "g2", "s0", "s1"), random.randint(0, 4))
    default = random.choice((MaintenanceInfo(""), any_info(random, "")))
    return Constraints(limits, tuple(any_info(random, name) for name in names), default)


def anything(random: Random) -> Given:
    """A site and a schedule without sense, except for known ids and sane times."""
    hosts = [any_host(random, n) for n in range(random.randint(2, 5))]
    servers = [any_server(random, n, hosts) for n in range(random.randint(1, 8))]
    groups = [
        ServerGroup(
            f"g{n}", "a group", random.choice(POLICIES), tuple(s.id for s in servers if random.random() < 0.4),
            max_per_host=random.choice((1, 1, 2)),
        )
        for n in range(random.randint(0, 3))
    ]  # fmt: skip
    moves = []
    for server in servers:
        place, time = server.host, 0
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            source = place if place != "gone" and random.random() < 0.9 else random.choice(hosts).host
            start = time + random.randint(0, 12) if random.random() < 0.9 else random.randint(0, 12)
            time = start + random.randint(1, 10)
            place = random.choice(hosts).host
            how = random.choice((Mobility.LIVE,) * 6 + tuple(Mobility))
            moves.append(Move(server.id, source, place, float(start), float(time), how))
    visits = []
    for host in random.sample(hosts, random.randint(0, len(hosts))):
        closed = random.randint(0, 30)
        offline = closed + random.randint(0, 10)
        visits.append(Visit(host.host, float(closed), float(offline), float(offline + random.randint(1, 15))))
    stays = [(s.id, v.host) for v in visits for s in servers if random.random() < 0.15]
    random.shuffle(moves)
    made = Schedule(tuple(moves), tuple(visits), stays=tuple(stays))
    return Given(made, inventory(hosts, servers, groups), any_constraints(random))


def valid(random: Random) -> Given:
    """A roomy site and a schedule that the oracle accepts: host by host, then drawn closer while it stays valid."""
    given = _in_turn(random)
    assert not given.refused(), given.refused()
    for _ in range(random.randint(0, 4)):
        closer = replace(given, schedule=_closer(random, given.schedule))
        if not closer.refused():
            given = closer
    return given


def _in_turn(random: Random) -> Given:
    count = random.randint(3, 5)
    hosts = [
        Hypervisor(
            f"h{n}", "QEMU", "7.2", "up", zone="za", failure_sets=(f"rack:r{n % 2}",), traits=frozenset("T"),
            stock={"VCPU": Stock(8), "MEMORY_MB": Stock(16)}, cells=({"VCPU": 4}, {"VCPU": 4}), link_mbit_s=1000.0,
        )
        for n in range(count)
    ]  # fmt: skip
    servers, members = [], [set[str]() for _ in range(2)]
    for n in range(1, count):
        for m in range(random.randint(0, 2)):
            name = f"s{n}{m}"
            numa = random.choice((0, 0, 1, 2))
            resources = {"VCPU": 2 if numa == 1 else 4, "MEMORY_MB": random.randint(1, 8)}
            servers.append(Server(name, "", "p", f"h{n}", "ACTIVE", zone="za", resources=resources, numa_nodes=numa))
            if m == 0 or n % 2:
                members[m].add(name)
    policies = ("anti-affinity", random.choice(("anti-affinity", "")))
    groups = [ServerGroup(f"g{i}", "", policies[i], tuple(sorted(members[i]))) for i in range(2) if members[i]]
    lead, recovery = random.choice((0, 5)), random.choice((0, 4, 9))
    entries = tuple(
        MaintenanceInfo(g.id, lead_s=lead, recovery_s=recovery, max_impacted=(BySize(1, 1),)) for g in groups
    )
    limits = Limits(
        migrations=random.choice((0, 1)), reserve_hosts=random.choice((0, 1)), hosts_at_once=random.choice((0, 2)),
        offline_per_set=(("rack", 1),), set_mbit_s=(("rack", 1000.0),), host_offline_s=5,
    )  # fmt: skip
    site = inventory(hosts, servers, groups)
    moves, visits, time, ready = [], [Visit("h0", 0.0, 0.0, 5.0)], 5.0, float(lead)
    for n in range(1, count):
        closed = time
        for server in (s for s in servers if s.host == f"h{n}"):
            begin = max(time, ready)
            time = begin + random.randint(1, 4)
            ready = time + recovery
            moves.append(Move(server.id, f"h{n}", f"h{n - 1}", begin, time))
        visits.append(Visit(f"h{n}", closed, time, time + 5))
        time += 5
    given = Given(Schedule(tuple(moves), tuple(visits)), site, Constraints(limits, entries))
    if given.refused() == {"capacity.reserve"}:  # so roomy it is not
        return replace(given, constraints=Constraints(replace(limits, reserve_hosts=0), entries))
    return given


def _closer(random: Random, schedule: Schedule) -> Schedule:
    """All that starts at or behind a moment happens some seconds earlier."""
    edges = sorted({m.start_s for m in schedule.moves} | {v.offline_s for v in schedule.visits})
    moment, by = random.choice(edges), random.randint(1, 4)

    def moved(t: float) -> float:
        return max(0.0, t - by) if t >= moment else t

    moves = tuple(
        replace(m, start_s=moved(m.start_s), end_s=moved(m.start_s) + m.end_s - m.start_s) for m in schedule.moves
    )
    visits = []
    for v in schedule.visits:
        offline = moved(v.offline_s)
        visits.append(
            replace(v, closed_s=min(v.closed_s, offline), offline_s=offline, back_s=offline + v.back_s - v.offline_s)
        )
    return replace(schedule, moves=moves, visits=tuple(visits))


def mutant(random: Random, given: Given) -> tuple[str, Given]:
    """The same with one defect: which one, and what comes out."""
    made = given.schedule
    kinds = ["shift a visit", "shorten a gap"]
    kinds += ["shift a move", "drop a move", "send a move elsewhere"] if made.moves else []
    kinds += ["swap destinations", "start another first"] if len(made.moves) > 1 else []
    kind = random.choice(kinds)
    return kind, replace(given, schedule=_broken(random, kind, made, [h.host for h in given.inventory.hypervisors]))


def _broken(random: Random, kind: str, made: Schedule, hosts: list[str]) -> Schedule:
    moves, visits = list(made.moves), list(made.visits)
    by = random.choice((-4, -2, -1, 1, 2, 4))
    if kind == "shift a visit":
        i = random.randrange(len(visits))
        v = visits[i]
        by = max(by, -v.closed_s)
        visits[i] = replace(v, closed_s=v.closed_s + by, offline_s=v.offline_s + by, back_s=v.back_s + by)
    elif kind == "shorten a gap":
        return _closer(random, made)
    elif kind == "shift a move":
        i = random.randrange(len(moves))
        by = max(by, -moves[i].start_s)
        moves[i] = replace(moves[i], start_s=moves[i].start_s + by, end_s=moves[i].end_s + by)
    elif kind == "drop a move":
        del moves[random.randrange(len(moves))]
    elif kind == "send a move elsewhere":
        i = random.randrange(len(moves))
        moves[i] = replace(moves[i], destination=random.choice(hosts))
    elif kind == "swap destinations":
        i, j = random.sample(range(len(moves)), 2)
        a, b = moves[i].destination, moves[j].destination
        moves[i], moves[j] = replace(moves[i], destination=b), replace(moves[j], destination=a)
    else:
        i, j = random.sample(range(len(moves)), 2)
        a, b = moves[i], moves[j]
        moves[i] = replace(a, start_s=b.start_s, end_s=b.start_s + a.end_s - a.start_s)
        moves[j] = replace(b, start_s=a.start_s, end_s=a.start_s + b.end_s - b.start_s)
    return replace(made, moves=tuple(moves), visits=tuple(visits))
