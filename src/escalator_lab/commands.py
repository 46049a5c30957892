"""Running the machine's own tools."""

from __future__ import annotations

import subprocess

from escalator_lab.errors import CommandFailed, TookTooLong


def run(*argv: str, timeout_s: float = 600, check: bool = True, stdin: str | None = None) -> str:
    """Run a command; returns its output (stdout and stderr). CommandFailed with the last lines where it ends badly."""
    try:
        done = subprocess.run(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
            input=stdin,
        )
    except FileNotFoundError:
        raise CommandFailed(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise TookTooLong(f"{' '.join(argv[:3])} did not end within {timeout_s:g} s") from None
    if check and done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-8:])
        raise CommandFailed(f"{' '.join(argv[:4])} ended with {done.returncode}:\n{tail}")
    return done.stdout
