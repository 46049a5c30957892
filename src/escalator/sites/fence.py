"""A fence on each host: it refuses what an older epoch orders, so that an Escalator that lost its lease can't act.

The host keeps the highest epoch that it was shown, per scope, below ``/var/lib/escalator/fence``. What changes
something passes the fence in the same remote command (no further round trip), and holds it, shared, as long as it runs:
who comes with a newer epoch waits until what an older one has under way is over. So a look at the host through a newer
epoch is final: nothing that was sent before can still take effect behind it. Orders are no exception: what starts them
passes the fence; those that run go on, and whoever comes finds them. (Kleppmann, "How to do distributed locking", 2016:
a lease needs a fence at the resource.)
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from escalator.errors import CommandError, FencedError

FOLDER = "/var/lib/escalator/fence"
STATUS = 97  # exit status of a refusal; counts only together with the mark, commands may use it themselves
MARK = "escalator-fence: "
LONGEST_WAIT_S = 60  # for what an older epoch has under way

#: $1 folder, $2 scope's file, $3 epoch, $4 longest wait (seconds), then the command, which inherits the lock
#: (descriptor 9). Turning a shared lock into an exclusive one lets others in between: so it is read again each time.
GATE = r"""
no() { echo "escalator-fence: $1" >&2; exit 97; }
umask 077
mkdir -p "$1" 2>/dev/null
f=$1/$2 mine=$3 wait=$4
{ : >> "$f.lock"; } 2>/dev/null || no "broken $f.lock can't be written"
exec 9<> "$f.lock"
seen() {
  seen=-1
  [ ! -e "$f" ] || read -r seen < "$f" || no "broken $f can't be read"
  case $seen in -1) ;; ''|*[!0-9]*) no "broken $f holds no number" ;; esac
}
flock -s 9 || no "broken $f.lock can't be locked"
seen
if [ "$mine" -gt "$seen" ]; then
  flock -x -w "$wait" 9 || no "waited $seen"
  seen
  if [ "$mine" -gt "$seen" ]; then
    { echo "$mine" > "$f.new" && sync "$f.new" && mv -fT "$f.new" "$f" && sync "$1"; } 2>/dev/null ||
      no "broken $f can't be written"
  fi
  flock -s 9 || no "broken $f.lock can't be locked"
  seen
fi
[ "$mine" -ge "$seen" ] || no "older $seen"
shift 4
exec "$@"
"""


@dataclass(frozen=True)
class Fence:
    """``epoch`` grows with each holder of the lease on ``scope`` (a site, a run); a host refuses lower ones."""

    epoch: int
    scope: str = "site"

    def __post_init__(self) -> None:
        if self.epoch < 0:
            raise ValueError(f"an epoch is not negative: {self.epoch}")

    @property
    def file(self) -> str:
        """The scope as a file name: readable, and never that of another scope."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", self.scope)[:40]
        return f"{plain}-{hashlib.sha256(self.scope.encode()).hexdigest()[:8]}"

    def around(self, argv: list[str], *, timeout_s: float, folder: str = FOLDER) -> list[str]:
        """The command that runs ``argv`` behind the fence; ``timeout_s`` is its longest time, waiting included."""
        wait = max(1, min(LONGEST_WAIT_S, int(timeout_s / 2)))
        return ["sh", "-c", GATE, "escalator", folder, self.file, str(self.epoch), str(wait), *argv]

    def judge(self, host: str, status: int, output: str) -> None:
        """Raise where a command ended at the fence: FencedError, CommandError where the fence itself is broken."""
        if status != STATUS or not output.startswith(MARK):
            return
        word, _, rest = output[len(MARK) :].strip().partition(" ")
        if word == "older":
            raise FencedError(
                f"{host} refuses epoch {self.epoch} of {self.scope}: it has seen epoch {rest}",
                hint="another Escalator has taken over; this one does nothing more",
            )
        if word == "waited":
            raise CommandError(
                f"{host}: a command of epoch {rest} still runs there; epoch {self.epoch} waits for its end",
                status=status, hint="try again in a while; nothing was done",
            )  # fmt: skip
        raise CommandError(f"{host}: its fence is broken: {rest}; nothing was done", status=status)
