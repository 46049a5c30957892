"""The ledger of effects, written by the sandbox's hosts and its cloud, and what is right about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

#: Effects that may be completed more often than in an undisturbed run, and why that does no harm.
REPEATABLE = {
    "look ": "it only looks",
    "probe ": "a functional probe deletes what it made",
    "GET ": "it only looks",
    "test ": "a prepared test must be safe to repeat (actions/tests.py)",
    "load ": "a restore loads what the backup holds, whatever is there (actions/restore.py)",
    "configure": "a restore unpacks what the backup holds, whatever is there (actions/restore.py)",
}
#: Commands that may be begun again though their work is done (they do nothing then), and why. All other commands of a
#: component's tools are orders that a resumed Escalator finds again: they are begun once, however often it is killed.
BEGUN_AGAIN = {
    "nova-manage api_db sync": "the first of two commands of one action, that is done anew as a whole",
    "nova-manage db sync": "the second of these",
    "nova-manage db online_data_migrations": "batches, until one says that there is no more",
}
#: Effects that turn a thing to and fro, with the words for to and for fro. One that a kill left half done is taken back
#: and done again: that is no second time, as it was undone in between. More than one such pair for a kill is.
TURNS = {"start": "stop", "enable": "disable", "ready": "drain", "enabled": "disabled", "unpack": "remove"}


@dataclass(frozen=True)
class Line:
    host: str
    event: str  # begun | done | nothing (it was so already) | clash (a second one beside the first)
    effect: str


def read(path: Path) -> list[Line]:
    """All lines; a torn one would be a fault of the sandbox, so it is an error."""
    if not path.exists():
        return []
    return [Line(*line.split("\t")) for line in path.read_text().splitlines()]


def done(lines: list[Line]) -> Counter[tuple[str, str]]:
    return Counter((line.host, line.effect) for line in lines if line.event == "done")


def _begun(lines: list[Line]) -> Counter[tuple[str, str]]:
    return Counter((line.host, line.effect) for line in lines if line.event == "begun")


def faults(disturbed: list[Line], undisturbed: list[Line], kills: int) -> list[str]:
    """What was lost, and what was completed twice, against a run that nobody disturbed."""
    found = [f"side by side: {line}" for line in disturbed if line.event == "clash"]
    found += [
        f"begun twice: {key}"
        for key in sorted(_begun(disturbed) - _begun(undisturbed))
        if "-manage " in key[1] and key[1] not in BEGUN_AGAIN
    ]
    mine, wanted = done(disturbed), done(undisturbed)
    found += [f"lost: {key} {wanted[key] - mine[key]} of {wanted[key]}" for key in sorted(wanted - mine)]
    for key, times in sorted((mine - wanted).items()):
        host, effect = key
        if any(effect.startswith(word) for word in REPEATABLE):
            continue
        back = _inverse(effect)
        undone = back is not None and (mine - wanted)[host, back] == times
        if not undone or times > kills:
            found.append(f"twice: {key} {mine[key]} times, not {wanted[key]}")
    return found


def _inverse(effect: str) -> str | None:
    verb, _, what = effect.partition(" ")
    for to, fro in TURNS.items():
        if verb in (to, fro):
            return f"{fro if verb == to else to} {what}"
    return None
