#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`gannet why` on this machine's own sockets and on a running `gannet up`: filters, forms, bad input."""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report, skip  # noqa: E402

LEAKS = 25


def why(*words, env=None):
    p = subprocess.run([str(GANNET), "why", *words], capture_output=True, text=True, timeout=60, check=False,
                       env={**os.environ, "NO_COLOR": "1", **(env or {})})
    return p.returncode, p.stdout, p.stderr


def as_json(*words):
    code, out, err = why("--json", *words)
    try:
        return json.loads(out)
    except ValueError as e:
        report(False, f"gannet why --json {' '.join(words)}: JSON", f"exit {code}, {e}\n{err}")
        return {"findings": [], "connections": 0, "healthy": 0}


def found(answer, rule):
    return next((f for f in answer["findings"] if f["id"] == rule), None)


def leak():
    """A listener of ours and connections that their peers have closed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=LEAKS)
    held = []
    for _ in range(LEAKS):
        with socket.create_connection(listener.getsockname()):
            held.append(listener.accept()[0])
    return listener, held


def check_leak():
    """A program that leaks is named, with the rule and who must act."""
    listener, held = leak()
    port = str(listener.getsockname()[1])
    time.sleep(1.2)
    answer = as_json("--port", port)
    f = found(answer, "close-wait-leak")
    if not f:
        report(False, "a leaking program is found", answer)
        return
    report(f["severity"] != "note" and f["actor"] == "process" and f["count"] == LEAKS, "a leak is found, and whose", f)
    report((f["group"]["process"] or {}).get("pid") == os.getpid(), "the process is named", f["group"])
    report({c["state"] for c in f["connections"]} == {"CLOSE-WAIT"} and len(f["connections"]) == LEAKS,
           "all its connections are listed", f["connections"][:2])
    code, out, err = why("--port", port, "-w", "80")
    own = [line for line in out.splitlines() if "127.0.0.1" not in line]
    report(code == 0 and max(map(len, own)) <= 80 and "close-wait-leak" in out, "text keeps the width", out + err)
    code, out, _ = why("--port", port, "--ascii", "--all")
    report(code == 0 and out.isascii(), "--ascii is ASCII", out)
    code, out, _ = why("--port", port, "-v")
    report(out.count("CLOSE-WAIT  ") >= LEAKS, "-v shows every connection", out)
    code, out, _ = why("--port", port, "--color", "always")
    report("\x1b[" in out, "--color always colours", out)
    report(found(as_json("--pid", str(os.getpid())), "close-wait-leak") is not None, "--pid finds it")
    report(as_json("--pid", "1", "--port", port)["connections"] == 0, "--pid of another does not")
    report(found(as_json("state", "established", "sport", "=", f":{port}"), "close-wait-leak") is None,
           "a filter by state leaves it out")
    report(found(as_json("state", "close-wait", "sport", "=", f":{port}"), "close-wait-leak") is not None,
           "filters in the words of ss find it")
    report(as_json("-6", "--port", port)["connections"] == 0, "-6 leaves IPv4 out")
    for c in held:
        c.close()
    listener.close()


def check_words():
    """Bad arguments get one line and exit code 2."""
    for words, text in [(["state", "foo"], "no state is called 'foo'"), (["blah"], "'blah' is no"),
                        (["--port", "70000"], "'70000' is no port"), (["--pid", "x"], "'x' is no process number"),
                        (["-w", "5"], "is no width"), (["--color", "red"], "--color is always, never or auto"),
                        (["sport"], "what after 'sport'?"), (["--web", "8080"], "--listen 8080 serves")]:
        code, out, err = why(*words)
        report(code == 2 and text in err and err.count("\n") == 1 and not out, f"why {' '.join(words)}: exit 2, one line",
               f"{code}\n{out}{err}")
    for words, text in [(["--host", "/nonexistent/x.sock"], "/nonexistent/x.sock"),
                        (["--netns", "no-such-namespace"], "no-such-namespace"),
                        (["-i", "nosuchif0"], "nosuchif0")]:
        code, out, err = why(*words)
        report(code == 1 and text in err and err.count("\n") == 1 and not out, f"why {' '.join(words)}: exit 1, said why",
               f"{code}\n{out}{err}")


def check_no_tcp(tmp):
    """A capture without TCP: its packets are counted, not passed over."""
    udp = bytes([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]) + bytes(8)
    broken = b"\x45" + bytes(3)
    with open(tmp / "none.pcap", "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for i, p in enumerate([udp] * 3 + [broken] * 2):
            f.write(struct.pack("<IIII", i, 0, len(p), len(p)) + p)
    code, out, err = why(str(tmp / "none.pcap"), "-w", "200")
    report(code == 0 and "Of 5 packets 3 are not TCP and 2 malformed" in out, "a capture without TCP is said to be one",
           f"{code}\n{out}{err}")


def impostor(path, text):
    """A control socket that answers nonsense, once."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(path))
    s.listen(1)
    p = subprocess.Popen([str(GANNET), "why", "--host", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    c, _ = s.accept()
    c.recv(100)
    c.sendall(text)
    c.close()
    s.close()
    out, err = p.communicate(timeout=20)
    return p.returncode, out, err


def check_impostors(tmp):
    """What a control socket says is not believed blindly."""
    answers = {"nothing": b"", "no line": b"ok", "no sense": b"ok\nc local=\n", "no equals": b"ok\nc hello\nk a=1\n",
               "half": b"ok\ns InSegs=1\n", "state": b"ok\nk a=1\nc state=99 local=1.2.3.4/5 remote=1.2.3.4/5\n",
               "history": b"ok\nk a=1\nc " + b"was=1:2:3:4 " * 20 + b"\n", "binary": b"ok\n" + bytes(range(256)) * 10}
    for name, text in answers.items():
        code, out, err = impostor(tmp / f"{name}.sock", text)
        report(code == 1 and err.startswith("gannet: ") and not out, f"an answer of {name} is refused with a line",
               f"{code}\n{out}{err}")
    code, out, err = impostor(tmp / "later.sock", b"ok\ns new=1\nk tcp_retries2=15 newer=2\n"
                              b"c local=1.2.3.4/5 remote=1.2.3.4/6 state=4 surprise=7 opt_sack=9\n")
    report(code == 0 and "1 ESTABLISHED" in out, "names of a later version are passed over", f"{code}\n{out}{err}")


def check_host(tmp):
    """A running host: its listeners are seen, by control socket and by being the only one."""
    sock = tmp / "up.sock"
    up = subprocess.Popen([str(GANNET), "up", "--netns", "--tun", "gwhy0", "--echo", "7", "--control", str(sock)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = [up.stdout.readline() for _ in range(2)]
        if not any("up on" in line for line in lines):
            skip("gannet why --host", "no TUN device here: " + lines[0].strip())
            return
        answer = as_json("--host", str(sock))
        report(answer["source"] == "gannet" and answer["states"] == {"LISTEN": 1}, "gannet why --host asks a running host",
               answer)
        code, out, err = why("--host", str(sock), "-v")
        report(code == 0 and "1 LISTEN" in out, "and tells it as text", out + err)
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(20)


def main():
    check_words()
    check_leak()
    with tempfile.TemporaryDirectory() as t:
        check_no_tcp(pathlib.Path(t))
        check_impostors(pathlib.Path(t))
        check_host(pathlib.Path(t))
    plan()


if __name__ == "__main__":
    sys.exit(main())
