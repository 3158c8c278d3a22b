#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The swarm does the same whatever compiled it: gcc and clang, without and with optimisation, give
# the same trace hashes as the sanitized program and the release. The optimised one, which is fast
# and has all assertions, also runs many seeds more than the sanitized tests do.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${GN_BUILD:-build/dev}
release=${GN_RELEASE:-build}
few=50
first=2001 # the tests of tests/sim/swarm_test.c run those before
many=3000
moving=1000
n=0

say() { # say RESULT TEXT
    n=$((n + 1))
    echo "$1 $n - $2"
}

# hashes PROGRAM: seed and hash of the first seeds, a line each
hashes() {
    "$1" sim --seed 1 --count $few | grep -o 'seed=[0-9]* hash=[0-9a-f]*'
}

# compile COMPILER LEVEL: a gannet of its own, kept for the next time; its path is in $program
compile() {
    dir=$build/swarm/$1-$2
    program=$dir/bin/gannet
    mkdir -p "$dir"
    {
        CC=$1 cmake -S . -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$1" \
            -DCMAKE_C_FLAGS="-$2 -DGN_DASSERT" &&
            cmake --build "$dir" --target gannet-cli -j 2
    } >"$dir/log" 2>&1
}

want=$(mktemp) && got=$(mktemp) || exit 1
trap 'rm -f "$want" "$got"' EXIT
hashes "$build/bin/gannet" >"$want"
if [ "$(wc -l <"$want")" = $few ]; then
    say ok "$few seeds in the sanitized program"
else
    say "not ok" "$few seeds in the sanitized program"
fi

same() { # same PROGRAM NAME
    hashes "$1" >"$got"
    if cmp -s "$want" "$got"; then
        say ok "the same $few hashes by $2"
    else
        say "not ok" "the same $few hashes by $2"
        diff "$want" "$got" | sed 's/^/# /' | head -10
    fi
}

same "$release/bin/gannet" "the release"
for compiler in gcc clang; do
    for level in O0 O2; do
        if ! command -v $compiler >/dev/null; then
            say ok "$compiler -$level # SKIP no $compiler here"
        elif compile $compiler $level; then
            same "$program" "$compiler -$level"
        else
            say "not ok" "$compiler -$level builds"
            tail -20 "$dir/log" | sed 's/^/# /'
        fi
    done
done

program=$build/swarm/gcc-O2/bin/gannet
if [ ! -x "$program" ]; then
    say ok "$many seeds more # SKIP no gcc here"
elif "$program" sim --seed $first --count $many >"$got"; then
    say ok "$many seeds more, optimised, with all assertions"
    echo "swarm: $(grep -c ' ok: ' "$got") seeds more"
else
    say "not ok" "$many seeds more, optimised, with all assertions"
    grep -A 2 WRONG "$got" | sed 's/^/# /' | head -20
    echo "# the last line: $(tail -1 "$got")"
fi
if [ ! -x "$program" ]; then
    say ok "$moving seeds whose connections move # SKIP no gcc here"
elif "$program" sim --move --seed $first --count $moving >"$got"; then
    say ok "$moving seeds whose connections move"
else
    say "not ok" "$moving seeds whose connections move"
    grep -A 2 WRONG "$got" | sed 's/^/# /' | head -20
    echo "# the last line: $(tail -1 "$got")"
fi
echo "1..$n"
