#!/usr/bin/env bash
# Builds the interface into web/dist, but only when its sources have changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh
stamp=web/dist/.built-from
now=$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then exit 0; fi
[ -d web/node_modules ] && [ web/node_modules -nt web/package-lock.json ] || {
  echo "installing the interface's packages" >&2
  # not `npm ci`: it wants the optional packages of every other system in the lock file
  (cd web && npm install --no-save --no-audit --no-fund --loglevel=error) >&2
  touch web/node_modules
}
echo "building the interface" >&2
(cd web && npm run --silent build) >&2
printf '%s' "$now" > "$stamp"
