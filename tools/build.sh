#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Configure (once) and build a preset, all of it or TARGETs; the release after a training.
# usage: tools/build.sh PRESET JOBS [--configure-only | TARGET...]
set -eu
cd "$(dirname "$0")/.."
preset=$1
jobs=$2
shift 2

for program in cmake ninja; do
    if ! command -v "$program" >/dev/null; then
        echo "build.sh: $program is missing; 'tools/setup.sh build' installs it" >&2
        exit 1
    fi
done
if [ "$preset" = release ]; then
    dir=build
    tools/train.sh "$jobs"
else
    dir=build/$preset
fi
mkdir -p "$dir"
if ! cmake --preset "$preset" >"$dir/configure.log" 2>&1; then
    cat "$dir/configure.log" >&2
    echo "build.sh: 'tools/setup.sh build' installs what a build needs" >&2
    exit 1
fi
[ "${1:-}" = --configure-only ] && exit 0
echo "building $dir"
NINJA_STATUS="[%f/%t] " cmake --build "$dir" -j "$jobs" ${1:+--target "$@"} -- --quiet
