#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The main job: real programs of this machine talk TCP to Gannet, in a network namespace made for it.
#
#   tools/run.sh             do it all, then clean up; 0 only if every octet came through as it was
#   tools/run.sh --keep      the same, then leave everything running until Ctrl-C
#
# Environment: GANNET (program, build/bin/gannet), GANNET_RUN_MIB (size of the file, 256).
# As root the namespace has a name; otherwise user and network namespaces are made; without /dev/net/tun the same
# conversations are held between two Gannets in one process.
set -u

here=$(cd "$(dirname "$0")/.." && pwd)
gannet=${GANNET:-$here/build/bin/gannet}
mib=${GANNET_RUN_MIB:-256}
keep=0
ns=gannet-run-$$
failed=0

bold=; plain=; green=; red=
if [ -t 1 ]; then
    bold=$'\033[1m'; plain=$'\033[0m'; green=$'\033[32m'; red=$'\033[31m'
fi

say() { printf '%s== %s%s\n' "$bold" "$*" "$plain"; }
good() { printf '   %sok%s   %s\n' "$green" "$plain" "$*"; }
bad() { printf '   %sFAIL%s %s\n' "$red" "$plain" "$*"; failed=$((failed + 1)); }
die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

case ${1-} in
'') ;;
--keep) keep=1 ;;
-h | --help) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) printf "run.sh: unknown argument '%s' (see --help)\n" "$1" >&2; exit 2 ;;
esac
[ -x "$gannet" ] || die "no $gannet: run 'make' first"
for tool in curl python3 sha256sum ip; do
    command -v "$tool" >/dev/null || die "$tool is missing: run 'tools/setup.sh run'"
done

# --- where it runs -----------------------------------------------------------------------------

# Without root, all of this script runs again inside namespaces of its own.
if [ "$(id -u)" -ne 0 ] && [ -z "${GANNET_RUN_INSIDE-}" ]; then
    if unshare -Urn true 2>/dev/null; then
        say "not root: in a user namespace and a network namespace of its own"
        GANNET_RUN_INSIDE=1 exec unshare -Urn -- "$0" "$@"
    fi
    GANNET_RUN_INSIDE=none
fi

tmp=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap '' INT TERM HUP
    local started
    mapfile -t started < <(jobs -p)
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null
    wait 2>/dev/null
    if [ -n "${ns_made-}" ]; then
        ip netns del "$ns" 2>/dev/null
    fi
    [ -z "$tmp" ] || rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gannet-run.XXXXXX") || exit 1

# A command and not a function: what is started in the background must be the program itself, to be killed.
inside=()
# A signal is obeyed when the command has ended: what it may have made is noted before.
if [ -z "${GANNET_RUN_INSIDE-}" ] && ns_made=1 && ip netns add "$ns" 2>/dev/null; then
    inside=(ip netns exec "$ns")
elif [ -z "${GANNET_RUN_INSIDE-}" ]; then
    ns_made=
    GANNET_RUN_INSIDE=none
fi
if [ "${GANNET_RUN_INSIDE-}" != none ]; then
    "${inside[@]}" ip link set lo up || die "cannot set up the namespace"
fi

# has_tun: can a TUN device be made there?
has_tun() {
    [ "${GANNET_RUN_INSIDE-}" != none ] && "${inside[@]}" ip tuntap add dev gnprobe mode tun 2>/dev/null &&
        "${inside[@]}" ip tuntap del dev gnprobe mode tun
}

# --- without TUN: two Gannets in one process ----------------------------------------------------

run_in_process() {
    say "no TUN device can be made here: two Gannets talk over the in-process wire instead"
    local name a b rest
    "$gannet" demo simultaneous-close || bad "demo simultaneous-close"
    while read -r name a b rest; do
        if "$gannet" demo "$name" >"$tmp/demo" 2>&1; then
            good "$name: $a, $b: $rest"
        else
            bad "$name: $(tail -n 1 "$tmp/demo")"
        fi
    done < <("$gannet" demo | tail -n +2)
}

# --- with TUN: the kernel and Gannet ------------------------------------------------------------

# wait_for CONDITION...: at most ten seconds
wait_for() {
    local i
    for ((i = 0; i < 200; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}

hash_of() { sha256sum <"$1" | cut -d' ' -f1; }

# same WHAT FILE: compares with the hash of the original; both sides of the comparison are shown
same() {
    local got
    got=$(hash_of "$2" 2>/dev/null)
    if [ "$got" = "$sum" ]; then
        good "$1: sha256 ${got:0:16}... matches"
    else
        bad "$1: sha256 is ${got:-of nothing}, should be $sum"
    fi
}

rates=()
# rate WHAT OCTETS SECONDS
rate() {
    rates+=("$(awk -v w="$1" -v b="$2" -v s="$3" 'BEGIN {
        printf "%-44s %6.2f s  %8.1f MiB/s  %6.2f Gbit/s", w, s, b / s / 1048576, b * 8 / s / 1e9 }')")
}

start_up() {
    mkdir "$tmp/www" "$tmp/got"
    say "a file of $mib MiB"
    head -c $((mib * 1048576)) /dev/urandom >"$tmp/www/file.bin" || die "no room in $tmp"
    echo "Hello from a TCP in user space." >"$tmp/www/hello.txt"
    sum=$(hash_of "$tmp/www/file.bin")
    octets=$(stat -c %s "$tmp/www/file.bin")

    say "Gannet on a TUN device: 10.77.0.2 and fd77::2; the kernel is 10.77.0.1 and fd77::1"
    ctl=$tmp/gannet.sock
    "${inside[@]}" "$gannet" up --tun gannet0 --http "$tmp/www" --put --echo 7 --sink 9 --source 19 --ladder -v \
        --control "$ctl" >"$tmp/up.log" 2>&1 &
    up_pid=$!
    wait_for grep -q 'gannet: up' "$tmp/up.log" || die "gannet up: $(tail -n 1 "$tmp/up.log")"
    sed 's/^/   /' "$tmp/up.log"
}

sees_established() { "$gannet" ss --control "$ctl" -H state established | grep -q ESTABLISHED; }

# transfer NAME HOST: curl downloads and uploads the file
transfer() {
    local t saw=
    say "$1: the kernel's curl downloads $mib MiB from Gannet, and uploads them"
    "${inside[@]}" curl -sS -g -o "$tmp/got/down" -w '%{time_total}' --max-time 300 "http://$2/file.bin" >"$tmp/t" &
    local curl_pid=$!
    while kill -0 "$curl_pid" 2>/dev/null; do
        [ -n "$saw" ] || saw=$("$gannet" ss --control "$ctl" -H state established 2>/dev/null | head -n 1)
        sleep 0.02
    done
    wait "$curl_pid" || bad "$1: curl could not download"
    t=$(cat "$tmp/t")
    same "$1 download" "$tmp/got/down"
    rate "$1 Gannet -> kernel (curl)" "$octets" "$t"
    if [ -z "$saw" ]; then # too fast to be seen: a slow one
        "${inside[@]}" curl -s -g -o /dev/null --limit-rate 64k "http://$2/file.bin" &
        curl_pid=$!
            wait_for sees_established && saw=$("$gannet" ss --control "$ctl" -H state established | head -n 1)
        kill "$curl_pid" 2>/dev/null
        wait "$curl_pid" 2>/dev/null
    fi
    if [ -n "$saw" ]; then
        good "gannet ss meanwhile: $saw"
    else
        bad "gannet ss did not list the connection as ESTABLISHED"
    fi
    t=$("${inside[@]}" curl -sS -g -T "$tmp/www/file.bin" -o /dev/null -w '%{time_total}' --max-time 300 \
        "http://$2/upload.bin") || bad "$1: curl could not upload"
    same "$1 upload" "$tmp/www/upload.bin"
    rate "$1 kernel (curl) -> Gannet" "$octets" "$t"
    rm -f "$tmp/got/down" "$tmp/www/upload.bin"
}

# fetch NAME KERNEL_ADDRESS LISTEN_ADDRESS: gannet nc asks Python's http.server
fetch() {
    local begin end
    begin=$(date +%s.%N)
    printf 'GET /file.bin HTTP/1.0\r\nHost: kernel\r\n\r\n' |
        "${inside[@]}" "$gannet" nc --tun gannet1 --addr 10.78.0.2/24 --addr fd78::2/64 "$2" 8080 >"$tmp/got/answer" ||
        bad "$1: gannet nc failed"
    end=$(date +%s.%N)
    # the head of the answer ends with an empty line
    python3 - "$tmp/got/answer" "$tmp/got/body" <<'PY'
import sys
with open(sys.argv[1], "rb") as f, open(sys.argv[2], "wb") as out:
    while f.readline() not in (b"\r\n", b"\n", b""):
        pass
    while chunk := f.read(1 << 20):
        out.write(chunk)
PY
    same "$1 fetch" "$tmp/got/body"
    rate "$1 kernel (Python) -> Gannet (nc)" "$octets" "$(awk -v a="$begin" -v b="$end" 'BEGIN { print b - a }')"
    rm -f "$tmp/got/answer" "$tmp/got/body"
}

fetches() {
    say "Gannet opens connections to Python's http.server in the kernel, and fetches the file"
    "${inside[@]}" python3 -m http.server --bind :: --directory "$tmp/www" 8080 >"$tmp/http.log" 2>&1 &
    wait_for "${inside[@]}" curl -sf -o /dev/null http://127.0.0.1:8080/hello.txt || bad "http.server did not start"
    fetch IPv4 10.78.0.1
    fetch IPv6 fd78::1
}

short_connections() {
    say "200 short connections, closed by either side or aborted"
    if "${inside[@]}" python3 "$here/tools/run_short.py" 10.77.0.2 fd77::2 >"$tmp/short" 2>&1; then
        sed 's/^/   /' "$tmp/short"
    else
        sed 's/^/   /' "$tmp/short"
        bad "short connections"
    fi
}

# show_one: a small request on a connection of its own, closed by Gannet first
show_one() {
    local port
    say "one connection: curl asks by HTTP/1.0, Gannet closes first"
    port=$("${inside[@]}" curl -sS -0 -o "$tmp/got/hello" -w '%{local_port}' --max-time 10 http://10.77.0.2/hello.txt)
    if cmp -s "$tmp/got/hello" "$tmp/www/hello.txt"; then
        good "hello.txt is what it was"
    else
        bad "hello.txt differs"
    fi
    wait_for sh -c "'$gannet' ss --control '$ctl' -H state time-wait dport = :$port | grep -q TIME-WAIT"
    "$gannet" ladder --control "$ctl" --port "$port" || bad "gannet ladder"
    say "gannet ss: that connection, and what listens"
    "$gannet" ss --control "$ctl" -o --history state time-wait dport = :"$port" | tee "$tmp/ss"
    if grep -q '^TIME-WAIT' "$tmp/ss"; then
        good "TIME-WAIT after Gannet closed first"
    else
        bad "no TIME-WAIT in gannet ss"
    fi
    "$gannet" ss --control "$ctl" -H -l
}

summary() {
    local r
    say "throughput"
    for r in "${rates[@]}"; do
        printf '   %s\n' "$r"
    done
    say "states visited by Gannet"
    "$gannet" stats --control "$ctl" | sed -n '/ entered /p'
}

if has_tun; then
    start_up
    transfer IPv4 10.77.0.2
    transfer IPv6 '[fd77::2]'
    fetches
    short_connections
    show_one
    summary
    kill -0 "$up_pid" 2>/dev/null || bad "gannet up has ended by itself: $(tail -n 1 "$tmp/up.log")"
    if [ "$keep" -eq 1 ] && [ "$failed" -eq 0 ]; then
        enter="ip netns exec $ns bash"
        [ -n "${ns_made-}" ] || enter="nsenter --preserve-credentials -U -n -t $up_pid"
        say "left running until Ctrl-C; play from another terminal:"
        printf '   %s\n' "$enter" "  curl http://10.77.0.2/hello.txt" "$gannet ss --control $ctl -a -o -i --history"
        wait "$up_pid"
    fi
else
    run_in_process
fi

if [ "$failed" -ne 0 ]; then
    say "$failed failed"
    exit 1
fi
say "all is as it should be"
[ "$keep" -eq 1 ] || printf '   tools/run.sh --keep leaves it running, to play with\n'
