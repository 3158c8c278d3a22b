#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long `gannet why` takes to explain very many sockets of the kernel, beside ss on the same ones.

usage: bench_why.py GANNET [n=100000] [runs=7] [--json]

The sockets are pairs over loopback in a network namespace of their own, spread over as many processes
as their limit on open files needs. The programs take turns; wall time and CPU time (user and system,
of the process) are told as median, least and greatest.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

from bench_common import enter_namespace, figure, options, tell

OTHERS = (("ss -tanpi", ["ss", "-tanpi"]), ("ss -tani, no owners", ["ss", "-tani"]))


def hold(number, listener, done, accepts):
    """A process with so many ends of connections; a byte through done when it has them."""
    pid = os.fork()
    if pid:
        return pid
    sockets = []
    for _ in range(number):
        if accepts:
            sockets.append(listener.accept()[0])
        else:
            sockets.append(socket.create_connection(listener.getsockname()))
    os.write(done, b"x")
    signal.pause()
    os._exit(0)


def populate(number):
    """number sockets, over loopback; the processes that hold them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as f:
        f.write("1024 65000")
    reader, done = os.pipe()
    holders = []
    pairs = number // 2
    while pairs > 0:
        share = min(pairs, hard - 100)
        pairs -= share
        with socket.socket() as listener:
            listener.bind((f"127.0.1.{len(holders) + 1}", 8000))
            listener.listen(1000)
            holders += [hold(share, listener, done, True), hold(share, listener, done, False)]
            for _ in range(2):
                os.read(reader, 1)
    return holders


def measure(command):
    """(wall, CPU) in milliseconds of one run whose output is thrown away."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench_why.py: {' '.join(command)}: status {process.returncode}")
    return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


def compare(gannet, number, runs):
    """All programs over the same sockets."""
    commands = {"gannet why": [gannet, "why", "--json"]}
    commands.update({name: command for name, command in OTHERS if shutil.which(command[0])})
    holders = populate(number)
    try:
        for command in commands.values():
            measure(command)  # /proc makes its entries when they are first asked for
        taken = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                taken[name].append(measure(command))
    finally:
        for pid in holders:
            os.kill(pid, signal.SIGKILL)
    return [{"stack": name, "figures": [figure("wall time", "ms", [t[0] for t in times]),
                                        figure("CPU time", "ms", [t[1] for t in times])]}
            for name, times in taken.items()]


def main():
    gannet, wanted = options("bench_why.py GANNET [n=100000] [runs=7] [--json]",
                             {"n": 100000, "runs": 7})
    row = {"workload": "why"}
    if enter_namespace():
        row["stacks"] = compare(gannet, wanted["n"], wanted["runs"])
    else:
        row["stacks"] = [{"stack": "gannet why",
                          "not_measured": "no network namespace can be made here"}]
    tell(row)


if __name__ == "__main__":
    main()
