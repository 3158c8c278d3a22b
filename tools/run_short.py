#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""200 short connections of the kernel's TCP to Gannet: closed by either side, half-closed, or aborted.

usage: run_short.py ADDRESS...   (echo on port 7, sink on 9, source on 19, HTTP on 80)
"""
import collections
import socket
import struct
import sys
import time

COUNT = 200
TIMEOUT = 10


def connect(host, port):
    return socket.create_connection((host, port), timeout=TIMEOUT)


def read_all(s):
    data = b""
    while chunk := s.recv(65536):
        data += chunk
    return data


def client_closes_first(host, i):
    """HTTP/1.1 with keep-alive: the answer is read, then the client closes."""
    with connect(host, 80) as s:
        s.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: g\r\n\r\n")
        data = b""
        while b"user space.\n" not in data:
            chunk = s.recv(4096)
            assert chunk, "the connection ended early"
            data += chunk
        assert data.startswith(b"HTTP/1.1 200 "), data[:40]


def server_closes_first(host, i):
    """HTTP/1.0: Gannet closes after its answer."""
    with connect(host, 80) as s:
        s.sendall(b"GET /hello.txt HTTP/1.0\r\n\r\n")
        assert read_all(s).endswith(b"user space.\n")


def half_close(host, i):
    """Echo: the client sends, closes its direction, and reads everything back."""
    sent = bytes((i + k) % 251 for k in range(1 + i * 97 % 20000))
    with connect(host, 7) as s:
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == sent, "the echo differs"


def client_aborts(host, i):
    """SO_LINGER 0: a RST in the middle of Gannet's stream."""
    with connect(host, 19) as s:
        assert s.recv(1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def upload_and_close(host, i):
    """Sink: the client sends and closes; Gannet closes after."""
    with connect(host, 9) as s:
        s.sendall(b"x" * (i * 131 % 50000))
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b""


def main():
    hosts = sys.argv[1:]
    kinds = [client_closes_first, server_closes_first, half_close, client_aborts, upload_and_close]
    done = collections.Counter()
    failed = 0
    begin = time.monotonic()
    for i in range(COUNT):
        kind = kinds[i % len(kinds)]
        host = hosts[i // len(kinds) % len(hosts)]
        try:
            kind(host, i)
            done[kind] += 1
        except (OSError, AssertionError) as e:
            failed += 1
            print(f"connection {i} to {host} ({kind.__name__}): {e}")
    for kind in kinds:
        print(f"{done[kind]:4}  {kind.__name__.replace('_', ' '):20} {kind.__doc__}")
    print(f"{COUNT - failed} of {COUNT} as they should be, in {time.monotonic() - begin:.2f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
