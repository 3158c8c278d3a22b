#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each kind of link carries, and what that costs: `gannet up` on it, the kernel's TCP on the other end.

usage: bench_links.py GANNET [seconds=2] [runs=3] [--json]

Everything is in network namespaces of the script's own. Programs of this script hold the kernel's ends; octets are
counted there, CPU time is that of the process with Gannet, user and system. Congestion control is cubic on both ends.
"""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

from bench_common import enter_namespace, figure, options, tell

# (what, arguments of `gannet up`, is there a veth pair between?, connections)
LINKS = (
    ("tun, one thread", ["--tun", "gnbench"], False, 4),
    ("tun, two threads", ["--tun", "gnbench", "--threads", "2"], False, 4),
    ("packet on veth", ["--link", "packet:gnthere"], True, 1),
    ("packet --no-offload on veth", ["--link", "packet:gnthere", "--no-offload"], True, 1),
    ("xdp on veth", ["--link", "xdp:gnthere"], True, 1),
)
OURS, THEIRS = "10.84.0.2", "10.84.0.1"
SINK, SOURCE = 9, 19
CHUNK = 1 << 20
PATIENCE = 20.0  # seconds for anything to come about


class NotHere(Exception):
    """This machine has no such link."""


def wait_for(condition, what):
    """Until it holds; the link is not to be had otherwise."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise NotHere(what)
        time.sleep(0.02)


def make_veth():
    """A veth pair, one end in a namespace that this process keeps; that process."""
    keeper = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    mine = os.readlink("/proc/self/ns/net")
    wait_for(lambda: os.readlink(f"/proc/{keeper.pid}/ns/net") != mine, "a namespace")
    far = ["nsenter", "-n", "-t", str(keeper.pid), "--"]
    for command in (["ip", "link", "add", "gnhere", "type", "veth", "peer", "name", "gnthere",
                     "netns", str(keeper.pid)],
                    ["ip", "link", "set", "gnhere", "up"],
                    ["ip", "addr", "add", f"{THEIRS}/24", "dev", "gnhere"],
                    [*far, "ip", "link", "set", "gnthere", "up"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            keeper.kill()
            keeper.wait()
            raise NotHere(done.stderr.strip())
    return keeper


def start(gannet, arguments, keeper, log, control):
    """`gannet up`, when it is up."""
    command = [gannet, "up", *arguments, "--addr", f"{OURS}/24", "--sink", str(SINK), "--source", str(SOURCE),
               "--control", control, "-v"]
    if keeper:
        command[:0] = ["nsenter", "-n", "-t", str(keeper.pid), "--"]
    else:
        command += ["--peer-addr", f"{THEIRS}/24"]
    with open(log, "w", encoding="utf-8") as out:
        up = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    text = pathlib.Path(log)
    wait_for(lambda: up.poll() is not None or "gannet: up" in text.read_text(encoding="utf-8"), "gannet up")
    if up.poll() is not None:
        raise NotHere(text.read_text(encoding="utf-8").strip().splitlines()[-1])
    return up


def carry(port, begin, end):
    """One of the kernel's connections, octets from `begin` to `end`."""
    buffer = bytearray(CHUNK)
    octets = 0
    with socket.socket() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        s.settimeout(PATIENCE)
        s.connect((OURS, port))
        while (now := time.monotonic()) < end:
            n = s.send(buffer) if port == SINK else s.recv_into(buffer)
            octets += n if now >= begin else 0
    return octets


def cpu(pid):
    """Seconds that a process has had, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def transfer(up, port, connections, seconds):
    """(Gbit/s, CPU seconds per GB) of so many connections at once, in processes of their own."""
    begin = time.monotonic() + 0.5  # windows are open by then
    end = begin + seconds
    children = []
    for _ in range(connections):
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(writer, str(carry(port, begin, end)).encode())
            os._exit(0)
        os.close(writer)
        children.append((pid, reader))
    time.sleep(max(begin - time.monotonic(), 0))
    spent = cpu(up.pid)
    time.sleep(max(end - time.monotonic(), 0))
    spent = cpu(up.pid) - spent
    octets = 0
    for pid, reader in children:
        with os.fdopen(reader) as f:
            octets += int(f.read() or 0)
        os.waitpid(pid, 0)
    if not octets:
        raise NotHere("nothing was carried")
    return octets * 8e-9 / seconds, spent / (octets * 1e-9)


def measure(gannet, link, wanted, directory):
    """One row: both directions, several times."""
    what, arguments, veth, connections = link
    keeper = up = None
    try:
        keeper = make_veth() if veth else None
        up = start(gannet, arguments, keeper, f"{directory}/log", f"{directory}/control")
        runs = [[transfer(up, port, connections, wanted["seconds"]) for port in (SINK, SOURCE)]
                for _ in range(wanted["runs"])]
    except NotHere as reason:
        return {"stack": what, "not_measured": str(reason)}
    finally:
        if up and up.poll() is None:
            up.send_signal(signal.SIGINT)
            up.wait()
        if keeper:
            keeper.kill()
            keeper.wait()
    figures = []
    for i, way in enumerate(("in", "out")):
        figures += [figure(way, "Gbit/s", [r[i][0] for r in runs]),
                    figure(f"{way}, CPU", "s/GB", [r[i][1] for r in runs])]
    return {"stack": what, "connections": connections, "figures": figures}


def main():
    gannet, wanted = options("bench_links.py GANNET [seconds=2] [runs=3] [--json]", {"seconds": 2, "runs": 3})
    row = {"workload": "links"}
    if enter_namespace():
        with tempfile.TemporaryDirectory() as directory:
            row["stacks"] = [measure(gannet, link, wanted, directory) for link in LINKS]
    else:
        row["stacks"] = [{"stack": link[0], "not_measured": "no network namespace can be made here"}
                         for link in LINKS]
    tell(row)


if __name__ == "__main__":
    main()
