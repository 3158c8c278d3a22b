#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Run every libFuzzer target of a directory; corpora live in tests/fuzz/corpus/NAME, what is found in
# build/fuzz/found.   usage: tools/fuzz.sh DIRECTORY SECONDS
set -eu
cd "$(dirname "$0")/.."
dir=$1
seconds=$2
found=build/fuzz/found
ran=0

mkdir -p "$found"
for target in "$dir"/fuzz_*; do
    [ -x "$target" ] || continue
    name=$(basename "$target")
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    seeds=tests/fuzz/corpus/$name
    [ -d "$seeds" ] || seeds=
    echo "== $name, $seconds s"
    # shellcheck disable=SC2086 # $seeds is one path or none
    "$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$found/$name-" \
        "$corpus" $seeds
    ran=$((ran + 1))
done
if [ "$ran" = 0 ]; then
    echo "fuzz.sh: no fuzz_* program in $dir" >&2
    exit 1
fi
echo "$ran fuzz targets, nothing found"
