#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# gannet-script without --tap: what it says of a script that fails is said once, also into a pipe,
# where nothing is flushed at the end of a line.
here=$(cd "$(dirname "$0")" && pwd)
build=${GN_BUILD:-$here/../../build/dev}
bad=$(mktemp) || exit 1
trap 'rm -f "$bad"' EXIT
echo 'this is no script' >"$bad"

out=$("$build/bin/gannet-script" "$bad" "$bad" "$bad" | cat)
echo 1..1
if [ "$(echo "$out" | grep -c ': error: ')" -eq 3 ] && [ "$(echo "$out" | tail -n 1)" = "scripts: 3 run, 3 failed" ]; then
    echo 'ok 1 - three failures are told three times'
else
    echo 'not ok 1 - three failures are told three times'
    echo "$out" | sed 's/^/# /'
fi
