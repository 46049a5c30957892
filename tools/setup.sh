#!/usr/bin/env bash
# Makes .venv at the project's root from requirements.lock. Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."

python=""
for candidate in python3.11 python3.12 python3.13 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate
    break
  fi
done
missing=()
[ -n "$python" ] || missing+=(python3)
[ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
command -v git >/dev/null || missing+=(git)
command -v zstd >/dev/null || missing+=(zstd)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "setup: missing ${missing[*]}: install them (apt-get install ${missing[*]}), then repeat" >&2
    exit 1
  fi
  echo "setup: installing Debian packages: ${missing[*]}"
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
  python=${python:-python3}
fi

[ -x .venv/bin/python ] || { echo "setup: making .venv with $("$python" --version)"; "$python" -m venv .venv; }
echo "setup: installing the locked packages into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch .venv/.stamp
echo "setup: done: .venv/bin/escalator, .venv/bin/escalator-lab"
