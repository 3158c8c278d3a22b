# SPDX-License-Identifier: BSD-2-Clause
"""What `gannet why` owes besides its findings: silence about the healthy, answers without root, other
namespaces, and plain words where something cannot be read.

Each check is called in a network namespace of its own with a function that runs `gannet why --json`;
it returns what is wrong, or None.
"""

import ctypes
import http.client
import os
import pathlib
import resource
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

import net
import scenes

CHECKS = {}
SERVER, CLIENT = "10.8.0.1", "10.8.0.2"


def check(function):
    """Note a function as a check; its first line of documentation is its name."""
    CHECKS[function.__doc__.splitlines()[0].rstrip(".")] = function
    return function


def ids(report):
    """The findings, in short."""
    return [f"{f['id']} ({f['severity']}): {f['diagnosis']}" for f in report["findings"]]


def leak_named(report, pid):
    """Does the report name the process that leaks, among others perhaps? What is wrong, or None."""
    leaks = [f for f in report["findings"] if f["id"] == "close-wait-leak"]
    for f in leaks:
        processes = [f["group"]["process"]] + [c["process"] for c in f["connections"]]
        if any(p and p["pid"] == pid for p in processes):
            return None if f["actor"] == "process" else f"{f['actor']} must act"
    return f"process {pid} is not named: {ids(report)}"


def until(judge, seconds=60):
    """Call judge() until it finds nothing wrong; what it said last, or None."""
    end = time.monotonic() + seconds
    while True:
        wrong = judge()
        if wrong is None or time.monotonic() > end:
            return wrong
        time.sleep(0.5)


# --- healthy ---

def start_nginx(directory):
    """nginx-light in the foreground, two workers, everything of it under the directory."""
    config = pathlib.Path(directory, "nginx.conf")
    config.write_text(f"""user root; daemon off; worker_processes 2; pid {directory}/pid; error_log {directory}/log;
events {{ worker_connections 2000; }}
http {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
keepalive_timeout 30; server {{ listen 80; root {directory}; }} }}
""", encoding="ascii")
    pathlib.Path(directory, "small").write_bytes(b"x" * 500)
    pathlib.Path(directory, "large").write_bytes(b"x" * 3000000)
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    return subprocess.Popen([nginx, "-c", str(config), "-e", directory + "/log"], stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: net.name_process("nginx"))


def browse(path, keep, pause):
    """A client's life: over and over the same file, on one connection or on a new one each time."""
    h = None
    while True:
        try:
            h = h or http.client.HTTPConnection(SERVER, timeout=30)
            h.request("GET", path, headers={} if keep else {"Connection": "close"})
            h.getresponse().read()
        except OSError:
            h = None
        if not keep and h:
            h.close()
            h = None
        time.sleep(pause)


def clients(ready):
    """Forty clients of all kinds, in a namespace of their own."""
    net.enter_new()
    ready()
    time.sleep(1)
    kinds = [("/small", True, 0.02)] * 20 + [("/small", False, 0.05)] * 10 + [("/large", True, 0.3)] * 5 + \
        [("/large", False, 0.5)] * 2 + [("/small", True, 5)] * 3
    for kind in kinds:
        threading.Thread(target=browse, args=kind, daemon=True).start()
    net.sleep_for_ever()


@check
def healthy_nginx(why):
    """nginx under load gives no finding at all, at either end.

    Keep-alive and short connections, small files and large ones, through a cable.
    """
    if not shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"):
        return "SKIP no nginx here"
    directory = tempfile.mkdtemp(prefix="gannet-why-")
    try:
        far = net.spawn("browsers", clients)
        net.neighbour(far, SERVER, CLIENT)
        start_nginx(directory)
        time.sleep(4)
        seen = set()
        for _ in range(8):
            for words in ([], ["--netns", str(far)]):
                report = why(*words)
                if report["findings"]:
                    return f"{words}: {ids(report)}"
                if report["connections"] < 20:
                    return f"{words}: no load: {report['states']}"
                seen |= set(report["states"])
            time.sleep(0.7)
        return None if "ESTABLISHED" in seen and "TIME-WAIT" in seen else f"no load: {seen}"
    finally:
        shutil.rmtree(directory)


# --- without root ---

def many(ready, listener, number, leaked):
    """A server with very many connections, a few of which it has forgotten."""
    ready()
    kept = [listener.accept()[0] for _ in range(number)]
    for s in kept[:leaked]:
        s.recv(1)
    net.sleep_for_ever()


def crowd(ready, number, leaked):
    """The clients of many(); some of them leave."""
    sockets = [net.connect(8080) for _ in range(number)]
    for s in sockets[:leaked]:
        s.close()
    hold = sockets[leaked:]
    ready()
    net.sleep_for_ever()
    del hold


def as_nobody(function):
    """The same, run as a user without any right."""
    def run(*arguments):
        os.setgroups([])
        os.setgid(net.NOBODY)
        os.setuid(net.NOBODY)
        # A change of user hides the process from itself until it says otherwise.
        net.check(net.LIBC.prctl(4, 1, 0, 0, 0))
        function(*arguments)
    return run


@check
def leak_in_a_crowd(why):
    """Among 20000 sockets an ordinary user finds the leak and its process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    number = min(10000, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    net.sysctl("ipv4.ip_local_port_range", "1024 65000")
    listener = net.listen(8080)
    pid = net.spawn("leaky", as_nobody(many), listener, number, 40)
    listener.close()
    net.spawn("crowd", as_nobody(crowd), number, 40)

    def judge():
        begin = time.monotonic()
        report = why(user=net.NOBODY)
        judge.seconds = time.monotonic() - begin
        if report["connections"] < 2 * number - 40:
            return f"sees {report['connections']} connections only"
        return leak_named(report, pid)
    wrong = until(judge)
    return wrong or f"OK {2 * number} sockets: {judge.seconds:.2f} s with this build, on this machine as it is"


@check
def other_users(why):
    """What belongs to other users is found all the same, and said to be unnamed."""
    scenes.close_wait_leak()

    def judge():
        report = why(user=net.NOBODY)
        for f in report["findings"]:
            if f["id"] == "close-wait-leak":
                if f["group"]["process"]:
                    return "it names a process that it cannot know"
                if "uid 0" not in f["diagnosis"]:
                    return f"the user is not named: {f['diagnosis']}"
                if not report["partial"] or not any("root" in gap for gap in report["gaps"]):
                    return f"gaps: {report['gaps']}"
                return None
        return f"no leak found: {ids(report)}"
    return until(judge)


# --- other namespaces ---

def far_leak(ready, pipe):
    """A leak in another namespace; the pid of the process that leaks goes through the pipe."""
    net.enter_new()
    os.write(pipe, struct.pack("I", scenes.close_wait_leak()))
    ready()
    net.sleep_for_ever()


@check
def namespaces(why):
    """Another namespace by process, path and name; all of them at once."""
    reader, writer = os.pipe()
    far = net.spawn("far", far_leak, writer)
    leaky = struct.unpack("I", os.read(reader, 4))[0]
    net.private_mounts()
    os.makedirs("/run/netns", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True, timeout=20)
    pathlib.Path("/run/netns/distant").touch()
    subprocess.run(["mount", "--bind", f"/proc/{far}/ns/net", "/run/netns/distant"], check=True, timeout=20)
    if why()["connections"]:
        return "sees another namespace's connections without being asked"
    for words in (["--netns", str(far)], ["--netns", f"/proc/{far}/ns/net"], ["--netns", "distant"], ["--all-netns"]):
        wrong = until(lambda words=words: leak_named(why(*words), leaky))
        if wrong:
            return f"{words}: {wrong}"
    return None


@check
def no_such_namespace(why):
    """A namespace that is not there, or not to be entered: one line and exit 1."""
    for name in ("nowhere", "/dev/null", "4294967"):
        status, out, err = why("--netns", name, raw=True)
        if status != 1 or out or err.count("\n") != 1 or name not in err:
            return f"{name}: exit {status}, {out!r}, {err!r}"
    status, out, err = why("--netns", str(os.getpid()), raw=True, user=net.NOBODY)
    if status != 1 or out or err.count("\n") != 1 or "root" not in err:
        return f"as an ordinary user: exit {status}, {out!r}, {err!r}"
    return None


# --- what cannot be read ---

def deny_netlink():
    """A seccomp filter: socket(AF_NETLINK, ...) gives EPERM."""
    code = [(0x20, 0, 0, 0), (0x15, 0, 3, 41),    # A = number; not socket(): allow
            (0x20, 0, 0, 16), (0x15, 0, 1, socket.AF_NETLINK),
            (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(program)))
    net.check(net.LIBC.prctl(38, 1, 0, 0, 0))
    net.check(net.LIBC.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(head)), 0, 0))


@check
def no_netlink(why):
    """A sandbox without netlink: one line and exit 1."""
    if os.uname().machine != "x86_64":
        return "SKIP the filter knows the system calls of x86_64 only"
    status, out, err = why(raw=True, before=deny_netlink)
    if status != 1 or out or err.count("\n") != 1 or "seccomp" not in err:
        return f"exit {status}, {out!r}, {err!r}"
    return None


def hide_proc():
    """No /proc for this process."""
    net.private_mounts()
    subprocess.run(["mount", "-t", "tmpfs", "none", "/proc"], check=True, timeout=20)


@check
def no_proc(why):
    """Without /proc the sockets are listed all the same, and the rest is said to be missing."""
    scenes.close_wait_leak()

    def judge():
        report = why(before=hide_proc, plain=True)  # sanitizers cannot do without /proc
        if not report["partial"] or not any("/proc" in gap for gap in report["gaps"]):
            return f"gaps: {report['gaps']}"
        found = [f for f in report["findings"] if f["id"] == "close-wait-leak"]
        return None if found else f"no leak found: {ids(report)}"
    return until(judge)


def come_and_go(ready):
    """Processes that hold a socket for a moment."""
    ready()
    while True:
        pid = os.fork()
        if pid == 0:
            s = net.listen(0)
            time.sleep(0.002)
            s.close()
            os._exit(0)
        os.waitpid(pid, 0)


@check
def vanishing_processes(why):
    """Processes and sockets that come and go meanwhile disturb nothing."""
    for _ in range(4):
        net.spawn("mayfly", come_and_go)
    for _ in range(15):
        report = why()
        if report["findings"] or report["partial"]:
            return f"{ids(report)}, {report['gaps']}"
    return None
