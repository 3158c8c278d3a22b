#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Run every libFuzzer target of a directory, one after another, and say how much was executed.
# They begin with the kept inputs, tests/fuzz/corpus/NAME.bin (tools/corpus.py); what they learn stays
# in build/fuzz/corpus for the next time, what they find in build/fuzz/found.
#     usage: tools/fuzz.sh DIRECTORY SECONDS
set -eu
cd "$(dirname "$0")/.."
dir=$1
seconds=$2
found=build/fuzz/found
table=build/fuzz/executions
status=0

mkdir -p "$found"
: >"$table"
for target in "$dir"/fuzz_*; do
    [ -x "$target" ] || continue
    name=$(basename "$target")
    corpus=build/fuzz/corpus/$name
    log=build/fuzz/$name.log
    mkdir -p "$corpus"
    if [ -f "tests/fuzz/corpus/$name.bin" ]; then
        tools/corpus.py unpack "tests/fuzz/corpus/$name.bin" "$corpus"
    fi
    echo "== $name, $seconds s"
    { "$target" -max_total_time="$seconds" -print_final_stats=1 -max_len=1500 -timeout=25 \
        -artifact_prefix="$found/$name-" "$corpus" 2>&1 || echo "FOUND by $name"; } |
        tee "$log" | grep --line-buffered -E '^#[0-9]+[[:space:]]+pulse|ERROR|SUMMARY|does not hold|bug at|FOUND' || true
    runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    if grep -q '^FOUND by' "$log" || [ -z "$runs" ]; then
        what="SOMETHING FOUND: $log, $found"
        status=1
    else
        what="nothing found"
    fi
    printf '%-12s %12s executions, %s\n' "$name" "${runs:-?}" "$what" >>"$table"
done
if [ ! -s "$table" ]; then
    echo "fuzz.sh: no fuzz_* program in $dir" >&2
    exit 1
fi
echo
cat "$table"
exit $status
