#!/usr/bin/env bash
# The server programs of PostgreSQL, for tests and benches that start a server of their own. Safe to repeat.
set -euo pipefail
shopt -s nullglob
found=(/usr/lib/postgresql/*/bin/initdb)
[ ${#found[@]} -gt 0 ] || command -v initdb >/dev/null && exit 0
if [ "$(id -u)" != 0 ]; then
  echo "postgresql: missing: install it (apt-get install postgresql), then repeat" >&2
  exit 1
fi
echo "postgresql: installing Debian's postgresql, without a server that runs"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql-common
# The package would make and start a cluster of its own, on the port that somebody else may want.
sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql
