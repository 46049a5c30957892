"""Runs *on a host*: starts orders as units of its systemd, and tells how they stand.

Standard library only, and nothing newer than Python 3.7, so it has no annotations. It is sent over SSH, together with
the text of :mod:`escalator.sites.order_unit`, and takes one verb (:func:`main`). Where things lie is told there.
"""

# mypy: ignore-errors

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

from escalator.sites.order_unit import KILL_AFTER_S, PATIENCE_S, boot, is_held, key_file, lock, read, write

MARK = "escalator-order: "
LAST = 4096  # bytes in which the last line is looked for
LOCK_S = 30.0  # longest wait for another start on this host
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")  # of the session, as a command over SSH would have them


class Place:
    """Where orders of one action lie; ``given`` names root, run, action, attempt."""

    def __init__(self, given):
        self.root = given["root"]
        self.action = os.path.join(self.root, "orders", given["run"], given["action"])

    def order(self, attempt, index):
        return os.path.join(self.action, "%d.%d" % (attempt, index))

    def all(self):
        """Return (attempt, index, folder) of each order of the action."""
        try:
            names = os.listdir(self.action)
        except OSError:
            return []
        numbers = sorted(tuple(int(n) for n in name.split(".")) for name in names if name[0].isdigit())
        return [(attempt, index, self.order(attempt, index)) for attempt, index in numbers]


def is_active(unit):
    """Whether systemd has work with a unit: also just before its main process lives, and just after."""
    argv = ["systemctl", "show", "--property=ActiveState", "--value", unit + ".service"]
    word = subprocess.run(argv, stdout=subprocess.PIPE, check=False).stdout.decode().strip()
    return word in ("active", "activating", "deactivating", "reloading")


def state(folder):
    """Return how an order stands: absent, running, ended, lost; with what is known of it."""
    order = read(os.path.join(folder, "order.json"))
    if order is None:
        return {"state": "absent"}
    for _ in (1, 2):  # it may end between the first look and the second
        result = read(os.path.join(folder, "result.json"))
        if result is not None:
            return dict(result, state="ended")
        if is_held(os.path.join(folder, "alive")) or is_active(order["unit"]):
            return dict(heartbeat(folder, order), state="running")
    started = read(os.path.join(folder, "started.json"))
    if started is None:
        return {"state": "absent"}
    return {"state": "lost", "why": "rebooted" if started["boot"] != boot() else "killed"}


def heartbeat(folder, order):
    """Return age, seconds since the last output, processor time and the last line of a running order."""
    now = time.time()
    started = read(os.path.join(folder, "started.json")) or {"at": now}
    last, line = newest(folder)
    last = max(last, started["at"])
    return {
        "age_s": max(0.0, now - started["at"]),
        "quiet_s": max(0.0, now - last),
        "cpu_s": cpu(order["unit"]),
        "line": line.decode(errors="replace")[-500:],
    }


def newest(folder):
    """Return when an order wrote last, and its last line."""
    try:
        path = outputs(folder)[-1]
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - LAST))
            text = file.read().replace(b"\r", b"\n")
        lines = [line for line in text.split(b"\n") if line.strip()]
        return (os.path.getmtime(path) if text else 0.0), (lines[-1] if lines else b"")
    except (OSError, IndexError):
        return 0.0, b""  # nothing yet, or that part has just gone


def cpu(unit):
    """Return the processor seconds of a unit's control group: of those that live, and those they waited for."""
    total, mark = 0, ("/%s.service" % unit).encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/cgroup" % name, "rb") as file:
                    if mark not in file.read():
                        continue
                with open("/proc/%s/stat" % name) as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            total += sum(int(ticks) for ticks in fields[11:15])
    return total / float(os.sysconf("SC_CLK_TCK"))


def outputs(folder):
    """Return the files that hold an order's output, in order."""
    tails = sorted((n for n in os.listdir(folder) if n.startswith("tail.")), key=lambda n: int(n[5:]))
    names = [n for n in ("head",) if os.path.exists(os.path.join(folder, n))] + tails
    return [os.path.join(folder, n) for n in names]


def show(folder, total):
    """Write the output of an order that has ended to our standard output, saying how much of it was left out."""
    parts = []
    for path in outputs(folder):
        with open(path, "rb") as file:
            parts.append(file.read())
    missing = total - sum(len(part) for part in parts)
    if missing > 0:
        parts.insert(1, b"\n[... %d bytes left out ...]\n" % missing)
    sys.stdout.buffer.write(b"".join(parts))


def host_lock(root):
    """One start or stop at a time on this host."""
    file = lock(os.path.join(root, "lock"), patience_s=LOCK_S)
    if file is None:
        sys.exit("another order has been starting here for %d s" % LOCK_S)
    return file


def begin(given):
    """Start an order unless it was started before; one at a time on this host."""
    place = Place(given)
    folder = place.order(given["attempt"], given["index"])
    for path in (folder, os.path.join(place.root, "keys"), os.path.join(place.root, "programs")):
        os.makedirs(path, exist_ok=True)
    with host_lock(place.root):
        known = read(os.path.join(folder, "order.json"))
        if known is not None and known["argv"] != given["argv"]:
            sys.exit("%s is known with other words" % given["unit"])
        now = state(folder)
        if now["state"] != "absent":
            return now
        refusal = in_the_way(place, given) or key_in_the_way(given)
        if refusal:
            return refusal
        return start(place, folder, given)


def in_the_way(place, given):
    """Return why an order may not start: another one of its action runs, or is newer, or the attempt is closed."""
    closed = read(os.path.join(place.action, "closed.json")) or {"attempt": -1}
    if given["attempt"] <= closed["attempt"]:
        return {"state": "refused", "why": "its attempt was given up", "by": given["unit"]}
    for attempt, index, folder in place.all():
        order = read(os.path.join(folder, "order.json"))
        if order is None or (attempt, index) == (given["attempt"], given["index"]):
            continue
        if os.path.exists(os.path.join(folder, "result.json")):
            is_held(os.path.join(folder, "alive"), PATIENCE_S)  # its last process goes
        if is_held(os.path.join(folder, "alive")) or state(folder)["state"] == "running":
            return {"state": "refused", "why": "attempt %d of the same action still runs" % attempt,
                    "by": order["unit"]}  # fmt: skip
        if attempt > given["attempt"]:
            return {"state": "refused", "why": "attempt %d came behind it" % attempt, "by": order["unit"]}
    return None


def key_in_the_way(given):
    """Return who holds the order's exclusive key."""
    if not given["exclusive"]:
        return None
    path = key_file(given["root"], given["exclusive"])
    holder = read(path) or {}
    over = os.path.exists(os.path.join(holder.get("folder", ""), "result.json"))
    if not is_held(path, PATIENCE_S if over else 0.0):
        return None
    return {"state": "refused", "why": "%s is held" % given["exclusive"], "by": holder.get("unit", "an unknown one")}


def start(place, folder, given):
    """Start the unit; returns when its main process says that the order is on record."""
    program = os.path.join(place.root, "programs", hashlib.sha256(given["program"].encode()).hexdigest()[:16] + ".py")
    if not os.path.exists(program):
        with open(program + ".new", "w") as file:
            file.write(given["program"])
            file.flush()
            os.fsync(file.fileno())
        os.rename(program + ".new", program)
    env = {name: os.environ[name] for name in INHERITED if name in os.environ}
    order = {name: given[name] for name in ("unit", "argv", "longest_s", "exclusive", "root")}
    write(os.path.join(folder, "order.json"), dict(order, env=env))
    argv = [
        "systemd-run", "--quiet", "--collect", "--no-ask-password", "--unit=" + given["unit"],
        "--description=" + given["title"], "--property=Type=notify", "--property=NotifyAccess=main",
        "--property=KillMode=control-group", "--property=TimeoutStartSec=30",
        "--property=TimeoutStopSec=%d" % (2 * KILL_AFTER_S),
        "--property=RuntimeMaxSec=%d" % (given["longest_s"] + 3 * KILL_AFTER_S),
        sys.executable, "-I", program, folder,
    ]  # fmt: skip
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    now = state(folder)
    if now["state"] == "absent":
        refusal = key_in_the_way(given)
        if refusal:
            return refusal
        sys.exit("no unit: " + (done.stdout.decode(errors="replace").strip() or "it ended at once"))
    return now


def look(given):
    """Return how the orders of an attempt stand, by index; behind them what still runs of the action's others."""
    place = Place(given)
    mine, others = [], []
    for attempt, index, folder in place.all():
        row = dict(state(folder), attempt=attempt, index=index)
        if attempt == given["attempt"] and row["state"] != "absent":
            mine.append(row)
        elif row["state"] == "running":
            others.append(row)
    return {"state": "seen", "orders": mine + others}


def wait(given):
    """Return when an order has ended, at the latest after ``seconds``; with its output where it has."""
    folder = Place(given).order(given["attempt"], given["index"])
    end, next_look = time.monotonic() + given["seconds"], 0.0
    while time.monotonic() < end and not os.path.exists(os.path.join(folder, "result.json")):
        if time.monotonic() > next_look:
            if state(folder)["state"] != "running":
                break
            next_look = time.monotonic() + 1.0
        time.sleep(0.05)
    return state(folder)


def stop(given):
    """End what runs of an action up to an attempt, and let none of these start any more."""
    place = Place(given)
    os.makedirs(place.action, exist_ok=True)
    with host_lock(place.root):
        write(os.path.join(place.action, "closed.json"), {"attempt": given["attempt"]})
        for attempt, _, folder in place.all():
            if attempt <= given["attempt"] and state(folder)["state"] == "running":
                unit = read(os.path.join(folder, "order.json"))["unit"]
                subprocess.run(["systemctl", "stop", unit + ".service"], check=True)
    return look(given)


def forget(given):
    """Delete what is kept of runs: of the one named, or of all that changed last so many days ago. None that runs."""
    top = os.path.join(given["root"], "orders")
    gone = []
    for run in [given["run"]] if given["run"] else listed(top):
        actions = [os.path.join(top, run, name) for name in listed(os.path.join(top, run))]
        folders = [os.path.join(path, name) for path in actions for name in listed(path) if name[0].isdigit()]
        last = max([os.path.getmtime(folder) for folder in folders] + [0.0])
        if last > time.time() - given["days"] * 86400 or any(state(f)["state"] == "running" for f in folders):
            continue
        if os.path.isdir(os.path.join(top, run)):
            shutil.rmtree(os.path.join(top, run))
            gone.append(run)
    return {"state": "forgotten", "runs": gone}


def listed(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def main(given):
    """``given``: verb, root, run, action, attempt, index and what the verb needs. Prints a mark and one JSON object."""
    os.umask(0o077)
    verbs = {"begin": begin, "look": look, "wait": wait, "stop": stop, "forget": forget}
    os.makedirs(given["root"], mode=0o700, exist_ok=True)
    answer = verbs[given["verb"]](given)
    sys.stdout.write("\n" + MARK + json.dumps(answer) + "\n")
    sys.stdout.flush()
    if given["verb"] == "wait" and answer["state"] == "ended":
        show(Place(given).order(given["attempt"], given["index"]), answer["bytes"])
