#!/usr/bin/env bash
# Installs the real clients that the tests use, when their list has changed.
set -euo pipefail
cd "$(dirname "$0")/../tests"
if [ -d node_modules ] && [ node_modules -nt package-lock.json ]; then exit 0; fi
echo "installing the tests' clients" >&2
npm install --no-save --no-audit --no-fund --loglevel=error >&2
touch node_modules
