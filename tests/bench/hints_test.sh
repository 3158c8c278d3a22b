#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The hints of the input path (expect() in src/host/input.c) are in the optimised program: a compiler
# may take a function that only gives hints for one without effect, and no other test would notice.
set -u
program=${GN_RELEASE:-$(cd "$(dirname "$0")/../.." && pwd)/build}/bin/gannet-bench
name="the optimised input path gives hints"
if [[ $(uname -m) != x86_64 ]] || ! command -v objdump >/dev/null || [[ ! -x $program ]]; then
    echo "1..0 # SKIP not x86-64, no objdump, or no $program"
    exit 0
fi
# a dozen is more than the others have together, and less than expect() alone
hints=$(objdump -d --no-show-raw-insn "$program" | grep -c prefetch)
if ((hints >= 12)); then
    echo "ok 1 - $name"
else
    echo "not ok 1 - $name: only $hints prefetch instructions"
fi
echo 1..1
((hints >= 12))
