"""Runs *on a host* (its text is sent to the host's ``python3``): what is installed there and what really runs.

Standard library only, and nothing newer than Python 3.7, so it has no annotations. Usage: ``python3 - JSON``; see
:func:`main`. Prints one JSON object.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, UP031

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys

SECRET_KEYS = ("fernet-keys", "credential-keys", "fernet_keys", "credential_keys")  # they rotate by themselves


def read(path):
    """Return the text of a file, or "" where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def manifests(root):
    """Return the manifest of every bundle that is completely unpacked below ``root``, by id."""
    found = {}
    try:
        names = sorted(os.listdir(root))  # noqa: PTH208
    except OSError:
        return found
    for name in names:
        text = "" if name.startswith(".") else read(os.path.join(root, name, ".escalator-bundle.json"))  # noqa: PTH118
        try:
            found[name] = json.loads(text)
        except ValueError:
            continue
    return found


def children():
    """Return parent process id -> ids of its children."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            stat = read("/proc/" + name + "/stat")
            if ")" in stat:
                parent = int(stat.rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(name))
    return found


def loaded(root, main_pid, tree):
    """Return which bundles a process and its descendants have loaded: id -> number of files seen.

    The kernel shows executables and mapped libraries by their real path, so a link that was turned since does not
    mislead. A command line counts only where it names a bundle itself, not through ``active/``.
    """
    pattern = re.compile(re.escape(root.rstrip("/")) + r"/(?!active/)([^/\s]+)/")
    found = {}
    todo = [main_pid]
    while todo:
        pid = todo.pop()
        todo.extend(tree.get(pid, []))
        base = "/proc/%d/" % pid
        try:
            executable = os.readlink(base + "exe")  # noqa: PTH115
        except OSError:
            executable = ""
        mapped = {line.split(None, 5)[-1] for line in read(base + "maps").splitlines() if "/" in line}
        words = read(base + "cmdline").replace("\0", " ")
        for text in [executable, words, *mapped]:
            for name in pattern.findall(text):
                found[name] = found.get(name, 0) + 1
    return found


def show(units):
    """Return the properties of several units, by unit, in one call of systemctl."""
    if not units:
        return {}
    wanted = "Id,ActiveState,SubState,UnitFileState,MainPID,NRestarts,KillSignal"
    argv = ["systemctl", "show", "-p", wanted, *(unit + ".service" for unit in units)]
    text = subprocess.run(argv, stdout=subprocess.PIPE, check=False).stdout.decode(errors="replace")
    found = {}
    for block in text.split("\n\n"):
        row = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if row.get("Id", "").endswith(".service"):
            found[row["Id"][: -len(".service")]] = row
    return found


def signal_name(number):
    """Return the name of a signal that systemd shows by its number, "" where there is none."""
    try:
        return signal.Signals(int(number)).name
    except ValueError:
        return ""


def units(root, wanted):
    """Return what each unit below ``root/active`` is set to run, and what it runs now."""
    active = os.path.join(root, "active")  # noqa: PTH118
    try:
        names = [n for n in sorted(os.listdir(active)) if not n.startswith(".")]  # noqa: PTH208
    except OSError:
        names = []
    names = [n for n in names if not wanted or n in wanted]
    tree = children()
    rows = show(names)
    found = {}
    for name in names:
        row = rows.get(name, {})
        try:
            target = os.readlink(os.path.join(active, name))  # noqa: PTH115, PTH118
        except OSError:
            target = ""
        pid = int(row.get("MainPID") or 0)
        found[name] = {
            "active": row.get("ActiveState") == "active",
            "state": row.get("ActiveState", "") + "/" + row.get("SubState", ""),
            "enabled": row.get("UnitFileState", "").startswith("enabled"),
            "pid": pid,
            "restarts": int(row.get("NRestarts") or 0),
            "stop_signal": signal_name(row.get("KillSignal") or 0),
            "target": target,
            "installed": os.path.basename(target.rstrip("/")),  # noqa: PTH119
            "loaded": loaded(root, pid, tree) if pid else {},
        }
    return found


def tree_digest(path):
    """Return (sha256, number of files) of a configuration folder; keys that rotate by themselves are left out."""
    total = hashlib.sha256()
    count = 0
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if f not in SECRET_KEYS)
        for name in sorted(files):
            full = os.path.join(folder, name)  # noqa: PTH118
            try:
                with open(full, "rb") as file:  # noqa: PTH123
                    content = hashlib.sha256(file.read()).hexdigest()
            except OSError:
                content = "unreadable"
            total.update((os.path.relpath(full, path) + "\0" + content + "\n").encode())
            count += 1
    return total.hexdigest(), count


def free(root):
    """Return the bytes free where ``root`` is or would be."""
    while not os.path.isdir(root) and root not in ("/", ""):  # noqa: PTH112
        root = os.path.dirname(root)  # noqa: PTH120
    stat = os.statvfs(root or "/")
    return stat.f_bavail * stat.f_frsize


def main(given):
    """``given``: root, configs {component: folder}, units [names; empty = all]."""
    release = read("/etc/os-release")
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', release, re.MULTILINE)
    configs = {}
    for component, path in given.get("configs", {}).items():
        if os.path.isdir(path):  # noqa: PTH112
            sha256, files = tree_digest(path)
            configs[component] = {"path": path, "sha256": sha256, "files": files}
    facts = {
        "os": pretty.group(1) if pretty else "",
        "kernel": os.uname().release,
        "boot_id": read("/proc/sys/kernel/random/boot_id").strip(),
        "disk_free": free(given["root"]),
        "bundles": manifests(given["root"]),
        "units": units(given["root"], given.get("units", [])),
        "configs": configs,
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
