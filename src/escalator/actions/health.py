"""Waiting until a unit is healthy: conditions as data (see the package's table)."""

from __future__ import annotations

import shlex
from typing import Any

from escalator.actions.verbs import Context
from escalator.errors import CommandError, SiteTimeoutError, UnreachableError
from escalator.model.plan import Action

PAUSE_S = 0.5
IN_A_ROW = 3  # answers that make an API healthy
ANSWER_S = 20.0  # longest for one answer
LOOK_S = 10.0  # between two looks at whether a unit that does not answer keeps ending
ENDS = 3  # so often ended and started again by systemd since its start, it will not come up

#: Runs on the host: asks until several answers in a row are good. argv: url, lowest, highest, longest, how many,
#: longest for one answer
ASK = """
import sys, time, urllib.error, urllib.request
url, low, high, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), time.monotonic() + float(sys.argv[4])
good, last = 0, "no answer"
while good < int(sys.argv[5]):
    try:
        last = urllib.request.urlopen(url, timeout=float(sys.argv[6])).status
    except urllib.error.HTTPError as error:
        last = error.code
    except OSError as error:
        last = error
    good = good + 1 if isinstance(last, int) and low <= last <= high else 0
    if not good and time.monotonic() > end:
        sys.exit("%s: %s" % (url, last))
    time.sleep(0.1)
"""


async def heard(context: Context, action: Action) -> dict[str, str]:
    """When the cloud last heard of what the action's conditions name; taken before a start."""
    found = {}
    for condition in action.args["health"]:
        if condition["kind"] in ("compute_service", "network_agent"):
            row = await _row(context, condition)
            found[condition["kind"]] = str(row.get("heard_at", ""))
    return found


async def wait_healthy(context: Context, action: Action, before: dict[str, str] | None = None) -> None:
    """Return when all conditions hold; SiteError where they do not within the action's longest time."""
    end = context.now() + action.longest_s * 0.9
    await _active(context, action)
    for condition in action.args["health"]:
        kind = condition["kind"]
        if kind == "http":
            await _http(context, action, condition, end)
        elif kind == "settled":
            await _settled(context, action, float(condition["seconds"]))
        else:
            await _heard_again(context, condition, (before or {}).get(kind, ""), end)


async def _http(context: Context, action: Action, condition: dict[str, Any], end: float) -> None:
    """Good answers in a row; CommandError at the end, or once the unit keeps ending."""
    low, high = condition["ok"]
    while True:
        left = min(LOOK_S, max(5.0, end - context.now()))
        argv = ["python3", "-c", ASK, condition["url"], str(low), str(high), str(left), str(IN_A_ROW)]
        argv.append(str(ANSWER_S))
        try:
            await context.site.shell.run(action.host, argv, timeout_s=left + (IN_A_ROW + 1) * ANSWER_S, fenced=False)
        except CommandError as error:
            row = await _show(context, action)
            if row.get("ActiveState") == "failed" or int(row.get("NRestarts") or 0) >= ENDS:
                raise await _ended(context, action, row) from error
            if context.now() >= end:
                last = error.output.strip().splitlines()[-1:] or [error.text]
                raise CommandError(f"{action.args['unit']} on {action.host} is not healthy: {last[0]}") from error
        else:
            return


async def _ended(context: Context, action: Action, row: dict[str, str]) -> CommandError:
    """The error of a unit that does not stay up, with the last lines of its log."""
    unit = action.args["unit"]
    argv = ["journalctl", "-u", f"{unit}.service", "-n", "30", "--no-pager", "-o", "cat"]
    last = (await context.site.shell.run(action.host, argv, timeout_s=30, check=False, fenced=False)).output
    state = f"{row.get('ActiveState')}/{row.get('SubState')}, {row.get('NRestarts', '0')} restarts"
    return CommandError(f"{unit} on {action.host} does not stay up: {state}", output=last)


async def _show(context: Context, action: Action) -> dict[str, str]:
    argv = ["systemctl", "show", "-p", "ActiveState,SubState,NRestarts,MainPID", f"{action.args['unit']}.service"]
    text = (await context.site.shell.run(action.host, argv, timeout_s=30, fenced=False)).output
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


async def is_active(context: Context, action: Action) -> bool:
    """Whether the unit runs now."""
    return (await _show(context, action)).get("ActiveState") == "active"


async def _active(context: Context, action: Action) -> None:
    row = await _show(context, action)
    if row.get("ActiveState") not in ("active", "activating"):
        raise await _ended(context, action, row)


async def _settled(context: Context, action: Action, seconds: float) -> None:
    """Active for so long under the same process."""
    first = await _show(context, action)
    await context.sleep(seconds)
    last = await _show(context, action)
    if last.get("ActiveState") != "active" or first.get("MainPID") != last.get("MainPID"):
        unit = shlex.quote(action.args["unit"])
        raise CommandError(
            f"{unit} on {action.host} does not stay up: {last.get('ActiveState')}/{last.get('SubState')}"
        )


async def _row(context: Context, condition: dict[str, Any]) -> dict[str, Any]:
    verb = "compute_services" if condition["kind"] == "compute_service" else "network_agents"
    rows: list[dict[str, Any]] = await context.site.cloud.call(verb)
    host, binary = condition["host"], condition.get("binary", "")
    return next((r for r in rows if r["host"] == host and (not binary or r["binary"] == binary)), {})


async def _heard_again(context: Context, condition: dict[str, Any], before: str, end: float) -> None:
    while True:
        try:
            row = await _row(context, condition)
        except UnreachableError:
            row = {}
        alive = row.get("state") == "up" or row.get("alive") is True
        if alive and row.get("heard_at", "") != before:
            return
        if context.now() > end:
            raise SiteTimeoutError(f"{condition['kind']} of {condition['host']} was not heard of again")
        await context.sleep(PAUSE_S)
