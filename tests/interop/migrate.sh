#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Connections of the kernel's clients move from one `gannet up` to another, each on a TUN device of its own, while
# routes follow: nobody notices.
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
need_tun

a=$tmp/run/a.sock b=$tmp/run/b.sock
sha() { sha256sum | cut -d' ' -f1; }
head -c 60000000 /dev/urandom >"$tmp/www/big.bin"
sum=$(sha <"$tmp/www/big.bin")

up() { # NAME DEVICE KERNEL-ADDRESS: a host at 10.99.0.1, which is behind whatever device the route says
    "$gannet" up --tun "$2" --addr 10.99.0.1/24 --peer-addr "$3/32" --gateway "$3" \
        --http "$tmp/www" --put --echo 7 --control "$tmp/run/$1.sock" >"$tmp/$1.log" 2>&1 &
    pids+=("$!")
    wait_for grep -q 'gannet: up' "$tmp/$1.log"
}
lead() { # DEVICE: packets for the host go there
    ip route replace 10.99.0.1/32 dev "$1" src 10.98.0.1
}
moved() { # connections that have come to $1
    "$gannet" stats --control "$1" | awk '$2 == "TCPMovedIn" { print $1 }'
}
# the connections of the port on host $1 go to $2, and their packets to device $3
migrate() {
    "$gannet" migrate --from "$1" --to "$2" --exec "ip route replace 10.99.0.1/32 dev $3 src 10.98.0.1" "${@:4}" 2>>"$tmp/out"
}

ip addr add 10.98.0.1/32 dev lo
up a gnA 10.99.0.253
up b gnB 10.99.0.254
lead gnA
result $? "two hosts with the same address, each on a device of its own"

# A download goes on at the other host, and back, and so on.
get --limit-rate 12M "http://10.99.0.1/big.bin" >"$tmp/got" &
download=$!
pids+=("$download")
wait_for sh -c "'$gannet' ss --control '$a' -H state established | grep -q ':80 '"
result $? "a download has begun"
good=0 ways=0
for i in 1 2 3 4 5 6; do
    sleep 0.4
    if [ $((i % 2)) -eq 1 ]; then
        migrate "$a" "$b" gnB sport = :80 || good=1
    else
        migrate "$b" "$a" gnA sport = :80 || good=1
    fi
    ways=$((ways + 1))
done
result "$good" "it moves there and back, $ways times"
wait "$download"
result $? "the download ends well"
[ "$(sha <"$tmp/got")" = "$sum" ]
result $? "and is what it should be"
[ "$(moved "$a")" = 3 ] && [ "$(moved "$b")" = 3 ]
result $? "each host counts three that came"

# Many connections at once, with text under way in both directions.
lead gnA
python3 - "$a" "$b" "$gannet" >"$tmp/out" 2>&1 <<'PY'
import hashlib, os, selectors, socket, subprocess, sys, threading, time
a, b, gannet = sys.argv[1:]
N, EACH = 40, 2_000_000
text = os.urandom(EACH)
bad = []

def client(i):
    s = socket.create_connection(("10.99.0.1", 7), timeout=60)
    got = bytearray()
    def reader():
        while len(got) < EACH:
            part = s.recv(65536)
            if not part:
                break
            got.extend(part)
    r = threading.Thread(target=reader)
    r.start()
    for at in range(0, EACH, 20000):
        s.sendall(text[at:at + 20000])
        time.sleep(0.005)
    s.shutdown(socket.SHUT_WR)
    r.join()
    if got != text:
        bad.append((i, len(got)))
    s.close()

threads = [threading.Thread(target=client, args=(i,)) for i in range(N)]
for t in threads:
    t.start()
time.sleep(0.3)
for k in range(6):
    src, dst, dev = (a, b, "gnB") if k % 2 == 0 else (b, a, "gnA")
    subprocess.run([gannet, "migrate", "-q", "--from", src, "--to", dst, "--exec",
                    f"ip route replace 10.99.0.1/32 dev {dev} src 10.98.0.1", "sport", "=", ":7"], check=True)
    time.sleep(0.2)
for t in threads:
    t.join()
print("bad:", bad)
sys.exit(bool(bad))
PY
result $? "40 echoing connections move 6 times with text in both directions"

# Through a pipe, as between machines; what stays frozen can be taken back.
lead gnA
exec 5<>/dev/tcp/10.99.0.1/7
echo one >&5 && read -r -t 5 line <&5 && [ "$line" = one ]
result $? "a connection that echoes"
"$gannet" migrate --from "$a" sport = :7 >"$tmp/parcel" 2>>"$tmp/out" && [ -s "$tmp/parcel" ]
result $? "it is frozen, and a parcel"
"$gannet" ss --control "$a" -H sport = :7 | grep -q frozen
result $? "ss says so"
echo two >&5
! read -r -t 0.5 line <&5
result $? "it does not answer"
"$gannet" ctl --control "$a" unfreeze all >/dev/null && read -r -t 5 line <&5 && [ "$line" = two ]
result $? "unfrozen it answers, nothing is lost"
"$gannet" migrate --from "$a" sport = :7 2>>"$tmp/out" | "$gannet" migrate --to "$b" --exec "ip route replace 10.99.0.1/32 dev gnB src 10.98.0.1" 2>>"$tmp/out"
[ "$("$gannet" ctl --control "$a" forget all)" = 1 ]
result $? "through a pipe to the other host"
echo three >&5 && read -r -t 5 line <&5 && [ "$line" = three ]
result $? "where it answers"
"$gannet" ss --control "$b" --history -H sport = :7 | grep -q 'restored from a frozen image'
result $? "its history tells how it came"

# What cannot move stays, and says why.
! "$gannet" migrate --from "$b" --to "$b" sport = :7 2>"$tmp/why" && grep -q 'stays: address in use' "$tmp/why"
result $? "not to where it is"
echo four >&5 && read -r -t 5 line <&5 && [ "$line" = four ]
result $? "it goes on"
exec 5>&-
! echo junk | "$gannet" migrate --to "$b" 2>"$tmp/why" && grep -q 'begins no whole connection' "$tmp/why"
result $? "what is no parcel is refused"
! "$gannet" migrate 2>/dev/null
result $? "--from or --to"
echo "1..$n"
