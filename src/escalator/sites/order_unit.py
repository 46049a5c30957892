"""Runs *on a host*, as the main process of an order's unit: its files and locks, its output, its command.

Standard library only, and nothing newer than Python 3.7, so it has no annotations. The host keeps this text below
``programs/``; :mod:`escalator.sites.order_verbs`, which starts it and reads what it leaves, uses its functions.

Below the root folder (mode 0700): ``lock``; ``keys/``, one lock per exclusive key; ``programs/``, this text;
``orders/RUN/ACTION/ATTEMPT.INDEX/``, one folder per order:

    order.json     what was ordered
    alive          locked by the unit's main process, and by the command, as long as they live
    started.json   written before the command starts: with it there, the order is never started again
    result.json    written when the command has ended; without it, a command that is not alive is lost
    head, tail.N   its output: the beginning, and the last parts

Every file of JSON is written beside, fsync'd and renamed, so that a torn one can't be taken for a whole one.
"""

# mypy: ignore-errors

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import time

HEAD, TAIL = 256 * 1024, 1024 * 1024  # bytes kept of an output: the first ones, and one to two times TAIL of the last
KILL_AFTER_S = 5.0  # between the polite end of a command and SIGKILL
PATIENCE_S = 5.0  # for locks that are only looked at, or whose holder has ended and is about to go
LEFT_S = 2.0  # longest for reading what a command wrote last, where processes that it left behind go on writing


def write(path, data):
    """Write JSON: whole or not there, and on the disk when this returns."""
    with open(path + ".new", "w") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def read(path):
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def lock(path, how=fcntl.LOCK_EX, patience_s=0.0):
    """Return the locked file, or None where another holds it longer than we wait."""
    file = open(path, "a+")  # noqa: SIM115 - it is held as long as it is open
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                file.close()
                return None
            time.sleep(0.02)
        else:
            return file


def is_held(path, patience_s=0.0):
    file = lock(path, fcntl.LOCK_SH, patience_s)
    if file is None:
        return True
    file.close()
    return False


def boot():
    """Return what tells one start of this host from another."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def key_file(root, key):
    return os.path.join(root, "keys", hashlib.sha256(key.encode()).hexdigest()[:24])


class Output:
    """Keeps the first and the last parts of an output, so that a command that never stops talking fills no disk."""

    def __init__(self, folder):
        self.folder, self.total, self.number, self.size = folder, 0, -1, 0
        self.file = open(os.path.join(folder, "head"), "wb", buffering=0)  # noqa: SIM115

    def write(self, data):
        self.total += len(data)
        while data:
            room = (HEAD if self.number < 0 else TAIL) - self.size
            if room <= 0:
                self.turn()
                continue
            part, data = data[:room], data[room:]
            self.file.write(part)
            self.size += len(part)

    def turn(self):
        """Begin the next part; the last one but one goes."""
        self.close()
        self.number, self.size = self.number + 1, 0
        self.file = open(os.path.join(self.folder, "tail.%d" % self.number), "wb", buffering=0)  # noqa: SIM115
        if self.number > 1:
            os.unlink(os.path.join(self.folder, "tail.%d" % (self.number - 2)))

    def close(self):
        os.fsync(self.file.fileno())
        self.file.close()


def carry_out(folder):
    """Carry one order out, once: whoever starts us a second time, the command is not started again."""
    os.umask(0o077)
    alive = lock(os.path.join(folder, "alive"), patience_s=PATIENCE_S)
    order = read(os.path.join(folder, "order.json"))
    if alive is None or os.path.exists(os.path.join(folder, "started.json")):
        return
    locks = [alive]
    if order["exclusive"]:
        key = lock(key_file(order["root"], order["exclusive"]), patience_s=PATIENCE_S)
        if key is None:
            return
        key.truncate(0)
        key.write(json.dumps({"unit": order["unit"], "folder": folder}))
        key.flush()
        locks.append(key)
    write(os.path.join(folder, "started.json"), {"at": time.time(), "boot": boot(), "pid": os.getpid()})
    ready()
    began = time.monotonic()
    status, why, total = command(order, folder, [file.fileno() for file in locks])
    write(
        os.path.join(folder, "result.json"),
        {"status": status, "why": why, "bytes": total, "took_s": time.monotonic() - began, "at": time.time()},
    )


def ready():
    """Tell systemd that we are there; systemd-run returns then."""
    name = os.environ.pop("NOTIFY_SOCKET", "")
    if name:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
            there.connect("\0" + name[1:] if name.startswith("@") else name)
            there.sendall(b"READY=1")


def command(order, folder, locks):
    """Run the order's command; returns its exit status, why it ended, and the bytes it wrote."""
    why = {"why": "exited"}
    signal.signal(signal.SIGTERM, lambda *_: why.update(why="stopped"))
    output = Output(folder)
    home = pwd.getpwuid(os.getuid()).pw_dir
    try:
        child = subprocess.Popen(
            order["argv"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=home,
            env=dict(os.environ, HOME=home, **order["env"]), pass_fds=locks, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        output.write(str(error).encode())
        output.close()
        return (127 if isinstance(error, FileNotFoundError) else 126), "exited", output.total
    pipe = child.stdout.fileno()
    end = time.monotonic() + order["longest_s"]
    killed_at = 0.0
    while child.poll() is None:
        pump(pipe, output, 0.1)
        now = time.monotonic()
        if now > end and why["why"] == "exited":
            why["why"] = "time limit"
        if why["why"] != "exited" and not killed_at:
            killed_at = now + KILL_AFTER_S
            kill(child, signal.SIGTERM)
        elif killed_at and now > killed_at:
            kill(child, signal.SIGKILL)
    left = time.monotonic() + LEFT_S
    while pump(pipe, output, 0.0) and time.monotonic() < left:
        continue  # what it wrote last; processes that it left behind are not waited for
    output.close()
    status = child.returncode
    return (128 - status if status < 0 else status), why["why"] if status else "exited", output.total


def pump(pipe, output, seconds):
    """Carry what a command wrote to its output; returns whether there was something."""
    if not select.select([pipe], [], [], seconds)[0]:
        return False
    data = os.read(pipe, 1 << 16)
    if data:
        output.write(data)
    elif seconds:
        time.sleep(seconds)  # it closed its output and lives on
    return bool(data)


def kill(child, number):
    try:
        os.killpg(child.pid, number)
    except OSError:
        return


if __name__ == "__main__":
    carry_out(sys.argv[1])
