#!/usr/bin/env bash
# Installs what is missing, and nothing when nothing is: the Debian packages of
# packages.txt and, where the system's Node.js is too old for the interface's
# tools, a current one from the npm package `node` into .tools/.
# usage: tools/install.sh [--test]
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=$(sed -n '/^#/d; s/^test: //; t test; p; b; :test; '"$([ "${1:-}" = --test ] && echo p || echo b)" tools/packages.txt)
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for name in $wanted; do
  # a Node.js of another origin serves as well as Debian's
  case $name in nodejs|npm) command -v "${name/nodejs/node}" >/dev/null && continue ;; esac
  dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}" >&2
  # Debian starts a system-wide cluster when PostgreSQL is installed; ours is private.
  as_root mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  log=$(mktemp)
  if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -30 "$log" >&2
    exit 1
  fi
  rm -f "$log"
fi

major=$(node -p 'const [a,b]=process.versions.node.split(".").map(Number); a*100+b' 2>/dev/null || echo 0)
if [ "$major" -lt 2019 ] && [ ! -x .tools/node_modules/node/bin/node ]; then
  echo "installing a current Node.js into .tools/" >&2
  mkdir -p .tools && npm install --loglevel=error --no-audit --no-fund --no-save --prefix .tools node@22 >&2
fi
