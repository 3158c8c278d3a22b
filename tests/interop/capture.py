#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kernel talks with itself in a namespace of the test's own; what passes is captured, and told.

The states are those that the programs brought about; where definitions coincide the counts are those of tshark.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report, skip  # noqa: E402

SIZE = 3_000_000


def enter_namespace():
    """The same program again, inside a namespace that goes with its last process."""
    if os.environ.get("GN_INSIDE"):
        return True
    for way in (["unshare", "-n"], ["unshare", "-Urn"]):
        if shutil.which("unshare") and subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            os.environ["GN_INSIDE"] = "1"
            os.execvp(way[0], [*way, "--", sys.executable, __file__])
    return False


def ip(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False).returncode == 0


class Listening:
    """Packets of lo into a file while the block runs."""

    def __init__(self, path, snaplen):
        self.words = ["tcpdump", "-i", "lo", "-s", str(snaplen), "-B", "32768", "-U", "--immediate-mode", "-w", str(path), "tcp"]
        if os.geteuid() == 0:
            self.words[1:1] = ["-Z", "root"]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()  # "tcpdump: listening on lo, ..."
        return self

    def __exit__(self, *_):
        time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        self.process.stderr.close()


def serve(family, port, work):
    """A server that does @work with each connection, in a thread; its socket."""
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    server.listen(8)

    def loop():
        while True:
            try:
                c, _ = server.accept()
            except OSError:
                return
            with c:
                try:
                    work(c)
                except ConnectionError:  # a reset is one of the endings
                    pass
    threading.Thread(target=loop, daemon=True).start()
    return server


def connect(family, port):
    c = socket.socket(family)
    c.settimeout(60)
    c.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    return c


def drain(c):
    n = 0
    while data := c.recv(65536):
        n += len(data)
    return n


def answer(c):
    """Read a request, send much."""
    c.recv(100)
    c.sendall(b"x" * SIZE)


def leave_unread(c):
    time.sleep(0.1)


def talk(family):
    """Conversations that end in every way; ports of the servers."""
    servers = [serve(family, 8001, answer), serve(family, 8002, leave_unread), serve(family, 8003, drain)]
    with connect(family, 8001) as c:
        c.sendall(b"GET")
        got = drain(c)
    report(got == SIZE, "the kernel talks with itself", got)
    with connect(family, 8002) as c:  # closed with our text unread: RST
        c.sendall(b"unread")
        time.sleep(0.3)
    c = connect(family, 8003)  # aborted: RST
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.sendall(b"text")
    time.sleep(0.05)
    c.close()
    try:
        connect(family, 8009)
    except ConnectionRefusedError:
        pass
    half = connect(family, 8003)  # half-closed, and left so
    half.sendall(b"text")
    time.sleep(0.1)
    for s in servers:
        s.close()
    return half


def observe(path):
    p = subprocess.run([str(GANNET), "trace", str(path), "--json"], capture_output=True, text=True, check=False)
    return json.loads(p.stdout) if p.returncode == 0 else {"connections": [], "error": p.stderr}


def to_port(seen, port):
    return [c for c in seen["connections"] if c["b"]["endpoint"].endswith(f":{port}")]


def judge_endings(seen, name):
    """States and resets are those that the programs made."""
    for port, states, reset, remark in [
            (8001, {("CLOSED", "TIME-WAIT")}, None, None),  # the server closes first
            (8002, {("CLOSED", "CLOSED")}, "b", "reset"),
            (8003, {("CLOSED", "CLOSED"), ("ESTABLISHED", "ESTABLISHED")}, "a", None),
            (8009, {("CLOSED", None)}, "b", "refused")]:
        conns = to_port(seen, port)
        have = {(c["a"]["state"], c["b"]["state"]) for c in conns}
        report(have == states, f"{name}: port {port} ends in {sorted(states, key=str)}", f"{have}\n{conns}")
        by = {c["reset"]["by"] for c in conns if "reset" in c}
        report(by == ({reset} if reset else set()), f"{name}: port {port} was reset by {reset}", by)
        report(not remark or all(remark in c["remarks"] for c in conns), f"{name}: port {port} is called {remark}")
    big = to_port(seen, 8001)
    report(bool(big) and big[0]["b"]["bytes"] == SIZE and big[0]["a"]["bytes"] == 3, f"{name}: every octet is counted",
           big)
    whys = [c["reset"]["why"] for c in to_port(seen, 8002) + to_port(seen, 8003) if "reset" in c]
    report(len(whys) == 2 and "without having read" in whys[0] and "aborted" in whys[1],
           f"{name}: a close with unread text, and an abort", whys)


def tshark(path, what):
    p = subprocess.run(["tshark", "-r", str(path), "-Y", what, "-T", "fields", "-e", "frame.number"],
                       capture_output=True, text=True, check=False)
    return len(p.stdout.split())


def judge_counts(seen, path, name):
    """Sums over the whole capture, beside tshark's."""
    def total(*keys):
        return sum(c[x][k] for c in seen["connections"] for x in "ab" for k in keys)
    if not shutil.which("tshark"):
        skip(f"{name}: counts beside tshark", "no tshark here")
        return
    again = tshark(path, "tcp.analysis.retransmission || tcp.analysis.out_of_order")
    ours = total("retransmissions", "out_of_order", "duplicates")
    report(ours == again, f"{name}: {ours} segments came again or late, as tshark says", again)
    dups, mine = tshark(path, "tcp.analysis.duplicate_ack"), total("duplicate_acks")
    # tshark also counts those that come while nothing is under way, which RFC 5681 does not
    report(mine <= dups and dups - mine <= max(5, dups // 4), f"{name}: {mine} duplicate ACKs, tshark {dups}", dups)
    zeros, mine = tshark(path, "tcp.analysis.zero_window"), total("zero_windows")
    report(zeros == mine, f"{name}: {mine} zero windows, as tshark says", zeros)


def quiet_network(tmp):
    for family, name in ((socket.AF_INET, "IPv4"), (socket.AF_INET6, "IPv6")):
        path = tmp / f"{name}.pcap"
        with Listening(path, 200):
            half = talk(family)
        seen = observe(path)
        judge_endings(seen, name)
        judge_counts(seen, path, name)
        half.close()


# Classic BPF on arrival, behind the place where captures are taken: one in 40 is dropped (return 2), others go on.
DROP = "5,32 0 0 4294963256,148 0 0 40,21 0 1 0,6 0 0 2,6 0 0 4294967295"


def lossy_network(tmp):
    if not (ip("tc", "qdisc", "add", "dev", "lo", "clsact") and
            ip("tc", "filter", "add", "dev", "lo", "ingress", "bpf", "da", "bytecode", DROP)):
        skip("a lossy network", "no classifier with BPF here")
        return
    ip("ip", "link", "set", "dev", "lo", "mtu", "1500", "gso_max_segs", "1")  # many small ones, as on a wire
    path = tmp / "lossy.pcap"
    with Listening(path, 128):  # headers only
        servers = [serve(socket.AF_INET, 8011, answer)]
        for _ in range(3):
            with connect(socket.AF_INET, 8011) as c:
                c.sendall(b"GET")
                drain(c)
        servers[0].close()
    ip("tc", "qdisc", "del", "dev", "lo", "clsact")
    seen = observe(path)
    conns = to_port(seen, 8011)
    report(len(conns) == 3 and all(c["b"]["bytes"] == SIZE for c in conns), "lossy: every octet is counted once",
           [c["b"]["bytes"] for c in conns])
    report(sum(c["b"]["retransmissions"] for c in conns) > 0, "lossy: something was sent again",
           [c["b"] for c in conns])
    judge_counts(seen, path, "lossy")


def live(tmp):
    """Our own listening, as tcpdump listens."""
    with open(tmp / "live.json", "w") as out:
        p = subprocess.Popen([str(GANNET), "trace", "-i", "lo", "--json", "tcp", "port", "8021"], stdout=out,
                             stderr=subprocess.PIPE, text=True)
        time.sleep(1.0)
        server = serve(socket.AF_INET, 8021, answer)
        with connect(socket.AF_INET, 8021) as c:
            c.sendall(b"GET")
            drain(c)
        server.close()
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=20)
    if "CAP_NET_RAW" in err:
        skip("listening on lo", "not permitted here")
        return
    seen = json.loads((tmp / "live.json").read_text())
    conns = to_port(seen, 8021)
    report(p.returncode == 0 and len(conns) == 1 and conns[0]["b"]["bytes"] == SIZE and
           conns[0]["b"]["state"] in ("TIME-WAIT", "CLOSED"), "listening on lo tells the same", f"{seen} {err}")


def main():
    if not enter_namespace():
        print("1..0 # SKIP no network namespace can be made here")
        return 0
    if not shutil.which("tcpdump") or not ip("ip", "link", "set", "lo", "up"):
        print("1..0 # SKIP no tcpdump, or no loopback interface")
        return 0
    with tempfile.TemporaryDirectory() as t:
        tmp = pathlib.Path(t)
        tmp.chmod(0o755)
        quiet_network(tmp)
        lossy_network(tmp)
        live(tmp)
    plan()
    return 0


if __name__ == "__main__":
    sys.exit(main())
