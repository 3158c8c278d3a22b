#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Run the stack with counters in it, so that the release can be compiled for the ways that segments
# usually go. Everything runs in virtual time from seeds: the counts are the same each time. Does
# nothing while no source has changed since.   usage: tools/train.sh JOBS
set -eu
cd "$(dirname "$0")/.."
dir=build/train
profile=$dir/profile
log=$dir/train.log

if ! ${CC:-cc} -fprofile-prefix-path=/ -E -x c /dev/null >/dev/null 2>&1; then
    echo "training left out: ${CC:-cc} is not gcc 12 or later"
    rm -rf "$profile"
    exit 0
fi
if [ -f "$profile/trained" ] && [ -z "$(find include src bench cmake CMakeLists.txt CMakePresets.json \
    tools/train.sh -type f -newer "$profile/trained" -print -quit)" ]; then
    exit 0
fi
tools/build.sh train "$1" gannet-bench gannet-cli
rm -rf "$profile"
echo "training $dir"

# run PROGRAM ARGUMENT...: one exercise
run() {
    if ! "$dir/bin/$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "train.sh: failed: $*" >&2
        exit 1
    fi
}

# bench WORKLOAD KEY=NUMBER...
bench() {
    run gannet-bench "$@" runs=1 stacks=gannet
}

bench bulk window=64k bytes=256m
bench bulk window=256k bytes=512m timestamps=1
bench bulk window=4m bytes=256m timestamps=1
bench bulk super=1 window=256k bytes=1g timestamps=1
bench churn total=50000
bench churn total=50000 timestamps=1
bench ping n=1 at_once=1 timestamps=1
bench ping n=1000 timestamps=1
bench ping n=50000 timestamps=1
bench flood syns=200000
# What else happens: IPv6, fragments, losses of all kinds, every congestion control.
run gannet sim --seed 1 --count 200
for cc in newreno cubic bbr; do
    run gannet sim --plot "$dir/plot.svg" --cc $cc --loss 10000 --rate 100000 --seconds 20
done
date >"$profile/trained"
