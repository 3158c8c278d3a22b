#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Gannet on Ethernet interfaces that it shares with the kernel: two network namespaces of the test's own, a veth
# pair between them, Gannet on one end, the kernel's TCP and real programs on the other.
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

there() { nsenter -n -t "$far" -- "$@"; } # in the namespace where Gannet is

unshare -n sleep 600 &
far=$!
pids+=("$far")
wait_for sh -c "[ \"\$(readlink /proc/$far/ns/net)\" != \"\$(readlink /proc/$$/ns/net)\" ]"
if ! ip link add gnhere type veth peer name gnthere netns "$far" 2>"$tmp/out"; then
    echo "1..0 # SKIP no veth pair can be made here: $(head -n 1 "$tmp/out")"
    exit 0
fi
addresses() { # of this end
    ip link set gnhere up
    ip addr add 10.81.0.1/24 dev gnhere
    ip addr add fd81::1/64 dev gnhere nodad
    there ip link set gnthere up
    wait_for sh -c 'ip -6 route get fd81::2 from fd81::1 oif gnhere'
}
addresses
there ip addr add 10.81.0.7/24 dev gnthere

up() { # LINK OPTION...: run `gannet up`, wait until it is up
    local link=$1
    shift
    rm -f "$tmp/up"
    nsenter -n -t "$far" -- "$gannet" up --link "$link" --addr 10.81.0.2/24 --addr fd81::2/64 --http "$tmp/www" --put --echo 7 --sink 9 --source 19 -v \
        "$@" >"$tmp/up" 2>&1 &
    up=$!
    pids+=("$up")
    wait_for grep -q 'gannet: up' "$tmp/up"
}

down() { # stop it; its exit status
    kill -INT "$up"
    wait "$up"
}

traffic() { # KIND: both families, both directions
    local h
    ping -c 2 -i 0.2 -W 5 10.81.0.2 >"$tmp/out" 2>&1
    result $? "$1: ping"
    ping -c 2 -i 0.2 -W 5 fd81::2 >"$tmp/out" 2>&1
    result $? "$1: ping over IPv6"
    for h in 10.81.0.2 '[fd81::2]'; do
        get "http://$h/file.bin" | cmp - "$tmp/www/file.bin" >>"$tmp/out" 2>&1
        result $? "$1: $h: download"
        [ "$(code -T "$tmp/www/file.bin" "http://$h/up.bin")" = 201 ] && cmp "$tmp/www/file.bin" "$tmp/www/up.bin"
        result $? "$1: $h: upload"
        rm -f "$tmp/www/up.bin"
    done
    python3 "$root/tools/run_short.py" 10.81.0.2 fd81::2 >"$tmp/out" 2>&1
    result $? "$1: 200 short connections"
    ping -c 1 -W 5 10.81.0.7 >"$tmp/out" 2>&1
    result $? "$1: the kernel's own address there works as before"
    there "$gannet" stats >"$tmp/out" 2>&1
    ! grep -Eq 'InCsumErrors|drop: .*checksum' "$tmp/out"
    result $? "$1: no checksum was wrong"
    fetch "$1: nc by a packet socket beside it" packet:gnthere
}

fetch() { # NAME LINK
    local h
    for h in 10.81.0.1 fd81::1; do
        printf 'GET /file.bin HTTP/1.0\r\n\r\n' |
            there "$gannet" nc --link "$2" --mac 02:00:00:00:00:33 --addr 10.81.0.3/24 --addr fd81::3/64 $h 8000 \
                2>"$tmp/out" >"$tmp/got"
        [ $? -eq 0 ] && tail -c 5000000 "$tmp/got" | cmp - "$tmp/www/file.bin" >>"$tmp/out" 2>&1
        result $? "$1 fetches from the kernel's http.server at $h"
    done
}

wrong() { # STATUS TEXT NAME ARGUMENT...: one line that has TEXT
    local status=$1 text=$2 name=$3
    shift 3
    there "$gannet" up --control "$tmp/other" "$@" >"$tmp/out" 2>&1
    [ $? -eq "$status" ] && grep -qF -- "$text" "$tmp/out" && [ "$(wc -l <"$tmp/out")" -eq 1 ]
    result $? "$name"
}

python3 -m http.server --bind :: --directory "$tmp/www" 8000 >/dev/null 2>&1 &
pids+=($!)
wait_for curl -sf -o /dev/null http://127.0.0.1:8000/

up packet:gnthere
grep -q 'packet socket.*super-segments' "$tmp/up"
result $? "packet: -v says how it works"
traffic packet
down
result $? "packet: interrupted, it exits 0"

if grep -q 4294967295 /proc/self/uid_map; then
    up xdp:gnthere
    grep -q 'AF_XDP, copied, in the driver' "$tmp/up"
    result $? "xdp: -v says how it works"
    traffic xdp
    wrong 1 'another program is there' "xdp: twice on one interface" --link xdp:gnthere --addr 10.81.0.4/24
    down
    result $? "xdp: interrupted, it exits 0"
    ! there ip link show gnthere | grep -q xdp
    result $? "xdp: and its program has gone"
    fetch "xdp: nc" xdp:gnthere
    up xdp:gnthere
    kill -KILL "$up"
    wait "$up" 2>/dev/null
    ! there ip link show gnthere | grep -q xdp
    result $? "xdp: killed, its program has gone, too"
else
    n=$((n + 1))
    echo "ok $n - xdp # SKIP programs for the kernel need root"
fi

# somebody gives the device another MTU: the smaller of that and what was asked for holds
connected() { there "$gannet" ss -i state established sport = :9 | tee "$tmp/out" | grep -q :9; }
gone() { ! connected; }
mss_is() { # of a new connection
    exec 5<>/dev/tcp/10.81.0.2/9
    wait_for connected
    grep -q "mss:$1 " "$tmp/out"
    local status=$?
    exec 5>&-
    wait_for gone
    return $status
}
up packet:gnthere --mtu 1400
mss_is 1348
result $? "packet: a smaller MTU than the interface's"
there ip link set gnthere mtu 1300
mss_is 1248
result $? "packet: the interface's becomes smaller"
there ip link set gnthere mtu 1500
mss_is 1348
result $? "packet: and larger again, but what was asked for stays"
down

up packet:gnthere --no-offload
get http://10.81.0.2/file.bin | cmp - "$tmp/www/file.bin" >"$tmp/out" 2>&1
result $? "packet: without offloads"
there ip link set gnthere down
wait "$up"
[ $? -eq 1 ] && grep -q 'interface gnthere has gone: Network is down' "$tmp/up"
result $? "packet: the interface is set down: one line, exit 1"
wrong 1 'interface gnthere is not up' "an interface that is down" --link packet:gnthere --addr 10.81.0.2/24
there ip link set gnthere up
up packet:gnthere
ip link del gnhere
wait "$up"
[ $? -eq 1 ] && grep -Eq 'interface gnthere has gone: (Network is down|No such device)' "$tmp/up"
result $? "packet: the interface is removed: one line, exit 1"

there ip link set lo up
wrong 1 'interface none' "no such interface" --link packet:none --addr 10.81.0.2/24
wrong 1 'interface none' "no such interface for XDP" --link xdp:none --addr 10.81.0.2/24
wrong 1 'lo is no Ethernet' "loopback" --link packet:lo --addr 10.81.0.2/24
wrong 1 'the kernel has the address 127.0.0.1' "an address of the kernel's" --link packet:lo --addr 127.0.0.1/8
wrong 2 'addr is needed' "no address" --link packet:lo
wrong 2 'link wants' "a link of no kind" --link wire:lo
wrong 2 'one device' "two devices" --link packet:lo --tun gannet0
wrong 2 'mac wants' "a group's MAC" --link packet:lo --mac 01:00:00:00:00:01
wrong 2 'has no MAC' "a MAC for a TUN device" --mac 02:00:00:00:00:01

echo "1..$n"
