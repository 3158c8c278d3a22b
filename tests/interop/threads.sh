#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Several hosts behind the queues of one TUN device, against the kernel's TCP: as root, where a program in the kernel
# steers, and without that, where flows stay at the queue they came to.
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
need_tun

field() { # FILE PATTERN: the number before it
    sed -n "s/^ *\([0-9][0-9]*\)  *$2.*/\1/p" "$1"
}

traffic() { # NAME
    local h i
    for h in 10.77.0.2 '[fd77::2]'; do
        for i in 1 2 3 4; do
            get "http://$h/file.bin" | cmp - "$tmp/www/file.bin" >>"$tmp/out" 2>&1 &&
                [ "$(code -T "$tmp/www/file.bin" "http://$h/up.$i")" = 201 ] &&
                cmp "$tmp/www/file.bin" "$tmp/www/up.$i" || break
        done
        [ "$i" = 4 ] && [ -f "$tmp/www/up.4" ]
        result $? "$1: $h: downloads and uploads, one connection each"
        rm -f "$tmp"/www/up.*
    done
    ping -c 1 -W 5 10.77.0.2 >"$tmp/out" 2>&1 && ping -c 1 -W 5 fd77::2 >>"$tmp/out" 2>&1
    result $? "$1: ping"
    python3 "$root/tools/run_short.py" 10.77.0.2 fd77::2 >"$tmp/out" 2>&1
    result $? "$1: 200 short connections"
    "$gannet" stats >"$tmp/out"
    [ "$(field "$tmp/out" InErrs)" = "" ] && ! grep -q 'drop: of a connection of another host' "$tmp/out"
    result $? "$1: no segment came to the wrong host"
}

# held IP: connections to the echo service that stay open, in the file descriptors of a program of their own
hold() {
    python3 - "$1" >"$tmp/held" <<'PY' &
import socket, sys, time
held = [socket.create_connection((sys.argv[1], 7), timeout=10) for _ in range(40)]
for s in held:
    s.sendall(b"x")
for s in held:
    assert s.recv(1) == b"x"
print("held", flush=True)
time.sleep(600)
PY
    holder=$!
    pids+=("$holder")
    wait_for grep -q held "$tmp/held"
}

together() { # NAME: what the control socket shows is of all hosts
    local handles
    hold 10.77.0.2
    "$gannet" ss state established >"$tmp/out"
    [ "$(grep -c '^ESTAB' "$tmp/out")" -eq 40 ]
    result $? "$1: ss shows the connections of all hosts"
    [ "$("$gannet" stats | sed -n 's/^ *ESTABLISHED *//p' | head -n 1)" = 40 ]
    result $? "$1: stats counts them together"
    "$gannet" ss --json state established | python3 -c '
import json, sys
handles = [int(c["handle"], 16) for c in json.load(sys.stdin)]
assert len(set(handles)) == 40, "handles are not distinct"
shares = [sum(h >> 24 & 63 == i for h in handles) for i in range(3)]
print(*shares)
assert min(shares) > 0 and sum(shares) == 40, shares' >"$tmp/out" 2>&1
    result $? "$1: each of three hosts has some"
    "$gannet" why --up >"$tmp/out" 2>&1
    grep -q '40 connections\|46 connections\|49 connections' "$tmp/out"
    result $? "$1: why looks at all"
    for h in $("$gannet" ss --json state established | python3 -c '
import json, sys
print(*(c["handle"] for c in json.load(sys.stdin)))'); do
        "$gannet" ctl abort "$h" >>"$tmp/out" 2>&1 || break
    done
    [ "$("$gannet" ss state established | grep -c '^ESTAB')" -eq 0 ]
    result $? "$1: ctl abort reaches each of them"
    kill "$holder"
    wait "$holder" 2>/dev/null
    ! "$gannet" ctl abort 3f000000 >"$tmp/out" 2>&1
    result $? "$1: a handle of a host that is not there"
    "$gannet" ctl set tcp_sack=0 >"$tmp/out" 2>&1 && ! "$gannet" ctl set tcp_sack=7 >"$tmp/out" 2>&1
    result $? "$1: ctl set"
    "$gannet" ladder --width 144 >"$tmp/out" && grep -q 'SYN,ACK seq 0 ack 1' "$tmp/out"
    result $? "$1: ladder"
}

check() { # NAME TEXT
    rm -f "$tmp/up"
    "$gannet" up --threads 3 --http "$tmp/www" --put --echo 7 --sink 9 --source 19 --ladder -v >"$tmp/up" 2>&1 &
    up=$!
    pids+=("$up")
    wait_for grep -q 'gannet: up' "$tmp/up"
    cp "$tmp/up" "$tmp/out"
    grep -q "$2" "$tmp/up"
    result $? "$1: -v says how flows are steered"
    [ "$(ls "/proc/$up/task" | wc -l)" -eq 3 ]
    result $? "$1: three threads"
    traffic "$1"
    together "$1"
    kill -INT "$up"
    wait "$up"
    result $? "$1: interrupted, it exits 0"
}

bad() { # TEXT NAME ARGUMENT...
    local text=$1 name=$2
    shift 2
    "$gannet" up --control "$tmp/other" "$@" >"$tmp/out" 2>&1
    [ $? -eq 2 ] && grep -qF -- "$text" "$tmp/out"
    result $? "$name"
}

if [ -n "${GN_DEEPER-}" ] || ! grep -q 4294967295 /proc/self/uid_map; then
    n=${GN_DEEPER:-0}
    check unsteered 'stays at the queue it came to'
    [ -n "${GN_DEEPER-}" ] || echo "1..$n"
    exit 0
fi
check steered 'a program in the kernel steers'
bad 'needs a TUN device' "threads on a TAP device" --threads 2 --tap gannet0
bad 'number up to 64' "too many threads" --threads 65
bad "'-' is but one" "captures of several hosts to standard output" --threads 2 --pcap -
rm -f "$tmp/up"
"$gannet" up --threads 2 --pcap "$tmp/both" --echo 7 >"$tmp/up" 2>&1 &
up=$!
pids+=("$up")
wait_for grep -q 'gannet: up' "$tmp/up"
ip link del gannet0
wait "$up"
[ $? -eq 1 ] && [ "$(grep -c 'interface gannet0 has gone' "$tmp/up")" -eq 1 ]
result $? "the device is removed: one line, exit 1"
[ -s "$tmp/both" ] && [ -s "$tmp/both.1" ]
result $? "a capture for each host"
# in a user namespace nobody may load programs
if unshare -Urn true 2>/dev/null && [ -w /dev/net/tun ]; then
    GN_DEEPER=$n unshare -Urn -- "$0" >"$tmp/deeper"
    cat "$tmp/deeper"
    n=$(grep -c . <(grep -E '^(not )?ok ' "$tmp/deeper"))
    n=$((n + $(sed -n '1s/^[a-z ]* \([0-9]*\) .*/\1/p' "$tmp/deeper") - 1))
else
    n=$((n + 1))
    echo "ok $n - unsteered # SKIP no user namespace with a TUN device can be made here"
fi
echo "1..$n"
