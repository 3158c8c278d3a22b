# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces and processes of a scene's own: they go when the scene's process goes."""

import ctypes
import os
import signal
import socket
import struct
import subprocess
import time
import traceback

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
NOBODY = 65534
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
LIBC = ctypes.CDLL(None, use_errno=True)


def check(result):
    """Raise what a libc call that failed left in errno."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_new():
    """A fresh network namespace for this process, loopback up."""
    check(LIBC.unshare(CLONE_NEWNET))
    ip("link", "set", "lo", "up")


def ip(*words):
    """The command of iproute2."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def neighbour(pid, here, there):
    """Join this namespace and that of a process by a cable: address here/24 and there/24."""
    ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(pid))
    for words in (["ip"], ["nsenter", "-t", str(pid), "-n", "ip"]):
        address = here if words == ["ip"] else there
        subprocess.run([*words, "addr", "add", address + "/24", "dev", "cable"], check=True, timeout=20)
        subprocess.run([*words, "link", "set", "cable", "up"], check=True, timeout=20)


def private_mounts():
    """What is mounted from now on, nobody else sees."""
    check(LIBC.unshare(CLONE_NEWNS))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, timeout=20)


def sysctl(name, value):
    """Set net.NAME of this namespace."""
    with open("/proc/sys/net/" + name.replace(".", "/"), "w", encoding="ascii") as f:
        f.write(str(value))


def name_process(name):
    """What /proc/PID/comm and so the finding will say; and die with the parent."""
    check(LIBC.prctl(PR_SET_NAME, name.encode(), 0, 0, 0))
    check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


def spawn(name, function, *arguments, **options):
    """Run function(ready, ...) in a process called name; its pid once it has called ready()."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            name_process(name)
            function(lambda: os.write(writer, b"x"), *arguments, **options)
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    if os.read(reader, 1) != b"x":
        raise RuntimeError(f"{name} ended before it was ready")
    os.close(reader)
    return pid


def sleep_for_ever():
    """What a program that has forgotten something does."""
    while True:
        time.sleep(3600)


def listen(port, address="127.0.0.1", backlog=4096, reuseport=False):
    """A listening socket."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, port))
    s.listen(backlog)
    return s


def connect(port, address="127.0.0.1", **options):
    """A connected socket; options: rcvbuf, sndbuf (octets), nowait."""
    s = socket.socket()
    for option, kind in (("rcvbuf", socket.SO_RCVBUF), ("sndbuf", socket.SO_SNDBUF)):
        if option in options:
            s.setsockopt(socket.SOL_SOCKET, kind, options[option])
    s.setblocking(not options.get("nowait"))
    try:
        s.connect((address, port))
    except BlockingIOError:
        pass
    return s


def abort(s):
    """Close with a reset."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
