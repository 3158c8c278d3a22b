# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What the scripts of this directory share: a network namespace of their own, a directory that goes with them,
# results as TAP lines. Sourced with the script's name and arguments as it got them.
set -u
root=${GN_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
gannet=${GN_BUILD:-$root/build}/bin/gannet
n=0

# As root and as nobody in particular: the same test, inside a namespace that goes with its last process.
if [ -z "${GN_INSIDE-}" ]; then
    if [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null; then
        GN_INSIDE=1 exec unshare -n -- "$0"
    elif unshare -Urn true 2>/dev/null; then
        GN_INSIDE=1 exec unshare -Urn -- "$0"
    fi
    echo "1..0 # SKIP no network namespace can be made here"
    exit 0
fi
ip link set lo up

tmp=$(mktemp -d) || exit 1
pids=()
# shellcheck disable=SC2317 # called by the trap
clean_up() {
    for p in "${pids[@]}"; do
        kill "$p" 2>/dev/null
        wait "$p" 2>/dev/null
    done
    rm -rf "$tmp"
}
trap clean_up EXIT
export NO_COLOR=1 XDG_RUNTIME_DIR=$tmp/run
mkdir "$tmp/run" "$tmp/www"
: >"$tmp/out"

need_tun() {
    if ! ip tuntap add dev gnprobe mode tun 2>/dev/null; then
        echo "1..0 # SKIP no TUN device can be made here"
        exit 0
    fi
    ip tuntap del dev gnprobe mode tun
}

result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        tail -n 20 "$tmp/out" | cut -c1-200 | sed 's/^/# /'
    fi
}

wait_for() {
    local i
    for ((i = 0; i < 200; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}

get() { curl -sS -g --max-time 20 "$@" 2>>"$tmp/out"; }
code() { get -o /dev/null -w '%{http_code}' "$@"; }

head -c 5000000 /dev/urandom >"$tmp/www/file.bin"
echo "Hello from a TCP in user space." >"$tmp/www/hello.txt"
