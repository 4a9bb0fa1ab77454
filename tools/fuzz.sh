#!/usr/bin/env bash
# Lets every fuzz target search for new inputs, under ASan and UBSan, for a while. A
# finding is left as crash-* and belongs into tests/fuzz/corpus once it is mended.
# usage: tools/fuzz.sh [seconds for each target, default 60] [target …]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
make -s build BUILD=build-fuzz CC="ccache clang" \
  MESON_OPTIONS="-Dfuzzing=true -Db_sanitize=address,undefined -Db_lundef=false" >&2
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//'))
for target in "${targets[@]}"; do
  found=$(mktemp -d)
  echo "== $target"
  build-fuzz/fuzz_"$target" "$found" "tests/fuzz/corpus/$target" -max_total_time="$seconds" \
    -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 2>&1 |
    grep -E 'ERROR|SUMMARY|number_of_executed_units|new_units_added|Test unit' || true
  rm -rf "$found"
done
