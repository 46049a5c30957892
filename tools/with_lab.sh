#!/usr/bin/env bash
# Runs a command with a lab of its own, and takes the lab down afterwards, whatever happened.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
  echo "the lab needs root (namespaces, mounts); run this as root" >&2
  exit 1
fi
was_up=0
.venv/bin/escalator-lab status --json >/dev/null 2>&1 && was_up=1
[ $was_up = 1 ] || trap '.venv/bin/escalator-lab down' EXIT
.venv/bin/escalator-lab up
"$@"
