#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gannet why --watch, --record and --replay, about connections that this very test leaks, more of
them from sample to sample; recordings that make no sense; the live view on a terminal."""

import json
import os
import pathlib
import pty
import random
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report  # noqa: E402


def gannet(*words):
    """Status, standard output and standard error of one call."""
    p = subprocess.run([str(GANNET), "why", *words], capture_output=True, timeout=120, check=False)
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")


class Leak(threading.Thread):
    """Connections that a peer has closed and this process keeps; a few more every 100 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.kept = []
        self.stop = threading.Event()
        self.more(30)

    def more(self, n):
        for _ in range(n):
            peer = socket.create_connection(self.listener.getsockname())
            self.kept.append(self.listener.accept()[0])
            peer.close()

    def run(self):
        while not self.stop.wait(0.1) and len(self.kept) < 3000:
            self.more(2)


def mine(sample):
    """The finding about this process, or None."""
    return next((f for f in sample["findings"] if f["id"] == "close-wait-leak"
                 and f["group"]["process"] and f["group"]["process"]["pid"] == os.getpid()), None)


def check_record(tape):
    """What was recorded is what is replayed."""
    code, out, err = gannet("--record", str(tape), "--count", "3", "--interval", "1", "--json")
    samples = [json.loads(line) for line in out.splitlines()]
    report(code == 0 and len(samples) == 3, "three samples", err)
    found = [mine(s) for s in samples]
    report(found[2] and found[1] and found[2]["count"] > found[1]["count"] > 0, "the leak grows",
           [f and f["count"] for f in found])
    report(found[2] and found[2].get("before") == found[1]["count"], "compared with the one before",
           found[2])
    code, out, err = gannet("--replay", str(tape), "--json")
    again = [json.loads(line) for line in out.splitlines()]
    for s in samples + again:
        s.pop("what")
    report(code == 0 and again == samples, "the replay says the same", err + out[:500])
    code, out, _ = gannet("--replay", str(tape))
    report(code == 0 and out.count("== ") == 3 and f"pid {os.getpid()}" in out, "as text", out)


def check_broken(folder, tape):
    """Recordings that are none: a clear line, never a crash."""
    whole, bad = tape.read_bytes(), folder / "bad"
    rng = random.Random(1)
    bad.write_bytes(b"nonsense\n")
    code, _, err = gannet("--replay", str(bad))
    report(code == 1 and "is no recording" in err, "another file is refused", err)
    bad.write_bytes(whole[:len(whole) // 2])
    code, out, err = gannet("--replay", str(bad), "--json")
    report(code == 1 and out.count("\n") >= 1 and "is cut off" in err,
           "a cut recording gives its whole samples, and says so", err)
    wrong = []
    for _ in range(150):
        spoilt = bytearray(whole)
        for _ in range(rng.randrange(1, 40)):
            spoilt[rng.randrange(15, len(spoilt))] = rng.choice(b"0189 =%/:\n\0zc\xff")
        bad.write_bytes(bytes(spoilt))
        code, _, err = gannet("--replay", str(bad))
        if code not in (0, 1) or err.count("\n") > 1:
            wrong.append((code, err))
    report(not wrong, "150 spoilt recordings: no crash, one line at most", wrong[:3])


def screen(fd, until, seconds=20):
    """What the terminal gets until a pattern has come."""
    seen, end = "", time.monotonic() + seconds
    while time.monotonic() < end and not re.search(until, seen):
        if select.select([fd], [], [], 0.2)[0]:
            try:
                seen += os.read(fd, 65536).decode("utf-8", "replace")
            except OSError:
                break
    return seen


def check_live():
    """The view, and its keys."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LINES="40", COLUMNS="120")
        os.execv(GANNET, [str(GANNET), "why", "--watch", "--interval", "1"])
    seen = screen(fd, r"close-wait-leak")
    report("close-wait-leak" in seen and "CLOSE-WAIT" in seen, "the live view shows the leak", seen)
    os.write(fd, b"s")
    time.sleep(0.5)
    os.write(fd, b" ")
    report("held" in screen(fd, "held"), "a key holds it", seen)
    os.write(fd, b"q")
    screen(fd, "never comes", 3)
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    report(os.waitstatus_to_exitcode(status) == 0, "q ends it", status)


def check_full_disk():
    """A recording that cannot be written is an error, however many samples follow."""
    code, out, err = gannet("--record", "/dev/full", "--interval", "1", "--count", "2", "--json")
    report(code == 1 and out.count("\n") == 2 and "/dev/full cannot be written" in err and err.count("\n") == 1,
           "a full disk is told, the samples go on", (code, err))


def check_wrong():
    """Options that do not go together."""
    for words, text in ((["--count", "3"], "goes with --watch"),
                        (["--watch", "--web"], "one of --for"),
                        (["--replay", "x", "--up"], "nothing else"),
                        (["--replay", "/nonexistent"], "cannot read"),
                        (["--record", "/nonexistent/x"], "cannot write"),
                        (["--watch", "--interval", "0"], "is no number of seconds")):
        code, _, err = gannet(*words)
        report(code in (1, 2) and text in err and err.count("\n") == 1, f"{' '.join(words)} is refused",
               err)


def main():
    """All of it, while the leak grows."""
    leak = Leak()
    leak.start()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_record(folder / "tape")
        check_broken(folder, folder / "tape")
    check_live()
    check_full_disk()
    check_wrong()
    leak.stop.set()
    leak.join()
    plan()


main()
