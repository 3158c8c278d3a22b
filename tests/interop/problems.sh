#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# IPv6 packets that are not understood: the kernel, which talks to itself, and Gannet answer alike.
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
need_tun

"$gannet" up --sink 9 >"$tmp/up" 2>&1 &
pids+=($!)
wait_for grep -q 'gannet: up' "$tmp/up"
python3 - >"$tmp/rows" 2>"$tmp/out" <<'PY'
import socket
import struct

KERNEL, GANNET = "fd77::1", "fd77::2"
TEXT = bytes(20)
PADDING = bytes([1, 4, 0, 0, 0, 0])


def option(bits, next_header=6):
    return bytes([next_header, 0, bits, 4, 0, 0, 0, 0])


def fragment(next_header, off_and_more, ident):
    return struct.pack("!BBHI", next_header, 0, off_and_more, ident)


ROWS = [  # what it is, next header, octets
    ("an option that says: discard", 60, option(0x40) + TEXT),
    ("an option that says: tell", 60, option(0x80) + TEXT),
    ("an option that says: tell if it was for you alone", 60, option(0xC0) + TEXT),
    ("a hop-by-hop option", 0, option(0x80) + TEXT),
    ("a protocol", 253, TEXT),
    ("a protocol behind options", 60, bytes([253, 0]) + PADDING + TEXT),
    ("hop-by-hop options behind others", 60, bytes([0, 0]) + PADDING + bytes([253, 0]) + PADDING),
    ("a routing header with stops left", 43, bytes([6, 0, 99, 1, 0, 0, 0, 0]) + TEXT),
    ("a routing header without", 43, bytes([253, 0, 99, 0, 0, 0, 0, 0])),
    ("a fragment of odd length", 44, fragment(17, 1, 1) + bytes(39)),
    ("a fragment beyond 65535", 44, fragment(17, 0xFFF8, 2) + bytes(8)),
    ("a first fragment with half of a TCP header", 44, fragment(6, 1, 3) + bytes(16)),
    ("a first fragment with half of its options", 44, fragment(60, 1, 4) + bytes([6, 3]) + PADDING),
    ("an error with an option", 60, option(0x80, 58) + bytes([1, 4, 0, 0]) + TEXT),
    ("an echo reply with an option", 60, option(0x80, 58) + bytes([129, 0, 0, 0]) + TEXT),
    ("nothing behind the header", 59, b""),
]
out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
back = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
back.settimeout(10)


def answer(to, next_header, octets):
    """Code and pointer of the Parameter Problem that quotes the packet, or None. A ping behind it ends the wait."""
    packet = struct.pack("!IHBB", 6 << 28, len(octets), next_header, 64)
    packet += b"".join(socket.inet_pton(socket.AF_INET6, a) for a in (KERNEL, to)) + octets
    out.sendto(packet, (to, 0))
    back.sendto(struct.pack("!BBHHH", 128, 0, 0, 0, 0), (to, 0))
    said = None
    while True:
        got, whose = back.recvfrom(2048)
        if got[0] == 4 and whose[0] == to and got[8:] == packet:
            said = got[1], struct.unpack("!I", got[4:8])[0]
        if got[0] == 129 and whose[0] == to:
            return said


for what, next_header, octets in ROWS:
    kernel, gannet = (answer(to, next_header, octets) for to in (KERNEL, GANNET))
    same = kernel == gannet or (kernel is None and gannet == (3, 0))  # before Linux 5.11
    print(int(not same), f"{what}: {gannet or 'no answer'}" + ("" if same else f", kernel: {kernel}"))
PY
while read -r status what; do
    result "$status" "$what"
done <"$tmp/rows"
[ "$n" -eq 16 ]
result $? "all were asked"
echo "1..$n"
