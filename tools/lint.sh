#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# clang-tidy over src/ with the checks of .clang-tidy.   usage: tools/lint.sh BUILD_DIR JOBS [FILE...]
set -eu
cd "$(dirname "$0")/.."
build=$1
jobs=$2
shift 2
if [ $# -gt 0 ]; then
    printf '%s\n' "$@"
else
    find src -name '*.c' | sort
fi | xargs -P "$jobs" -n 1 clang-tidy --quiet -p "$build"
echo "lint: clean"
