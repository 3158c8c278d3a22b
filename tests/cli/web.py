#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gannet why --web and --metrics, asked by hand, by promtool and by a headless Chromium, about
connections that this very test leaks; gannet up --web needs a TUN device."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report, skip  # noqa: E402

LEAKED = 40


@contextlib.contextmanager
def serving(*words):
    """gannet, and the port of the URL that it prints last on its first line."""
    p = subprocess.Popen([str(GANNET), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    try:
        line = p.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        yield int(found[1]) if found else None, line
    finally:
        p.terminate()
        p.wait(timeout=30)
        p.stdout.close()
        p.stderr.close()


def ask(port, path, *fields, method="GET", raw=None):
    """(status, head, body) of one request."""
    head = [f"{method} {path} HTTP/1.1", *fields]
    if not any(f.lower().startswith("host:") for f in fields):
        head.append(f"Host: localhost:{port}")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        s.sendall(raw if raw is not None else "\r\n".join([*head, "", ""]).encode())
        answer = b"".join(iter(lambda: s.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0
    return status, head.decode("latin-1"), body.decode()


def leak():
    """Connections that a peer has closed and this process keeps: they stay in CLOSE-WAIT."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=LEAKED)
    kept = []
    for _ in range(LEAKED):
        peer = socket.create_connection(listener.getsockname())
        kept.append(listener.accept()[0])
        peer.close()
    return listener, kept


def check_api(port):
    """The paths of the page, and what they refuse."""
    status, head, body = ask(port, "/")
    report(status == 200 and "text/html" in head and "gannet why" in body, "the page", head)
    report("http" not in re.sub(r"http://www\.w3\.org/\S*", "", body + ask(port, "/page.js")[2])
           .replace("http-equiv", ""), "the page needs nothing from elsewhere", body)
    sample = json.loads(ask(port, "/api/sample")[2])
    mine = [f for f in sample["findings"] if f["id"] == "close-wait-leak"
            and f["group"]["process"] and f["group"]["process"]["pid"] == os.getpid()]
    report(len(mine) == 1 and mine[0]["count"] == LEAKED and mine[0]["actor"] == "process",
           "the finding names the process that leaks", sample["findings"])
    report(sample["states"].get("CLOSE-WAIT", 0) >= LEAKED, "states are counted", sample["states"])
    listed = json.loads(ask(port, "/api/connections?state=CLOSE-WAIT")[2])
    report(len(listed) >= LEAKED and all(c["state"] == "CLOSE-WAIT" for c in listed),
           "connections of a state", listed[:2])
    one = json.loads(ask(port, f"/api/connection?id={listed[0]['id']}")[2])
    report(one["local"] == listed[0]["local"] and one["cwnd"] > 0, "one connection", one)
    status, _, body = ask(port, f"/api/ladder?id={listed[0]['id']}")
    report(status == 404 and "gannet trace" in body, "no ladder: says what would give one", body)
    report("CLOSE-WAIT" in ask(port, "/api/rule?id=close-wait-leak")[2], "the page of a rule")
    for path, status in (("/api/connection?id=zz", 404), ("/api/rule?id=../../x", 404),
                         ("/api/nothing", 404), ("/nothing", 404), ("/../etc/passwd", 403)):
        got = ask(port, path)
        report(got[0] == status, f"{path} is {status}", got)
    report(ask(port, "/", method="POST")[0] == 405, "POST is refused")
    report(ask(port, "/", "Host: evil.example")[0] == 403, "another name for this host is refused")
    report(ask(port, "/", raw=b"nonsense\r\n\r\n")[0] == 400, "nonsense is refused")
    report(ask(port, "/", raw=b"GET / HTTP/1.1\r\nX: " + b"a" * 9000)[0] == 431,
           "a head without end is refused")
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(80)]
    report(ask(port, "/")[0] == 200, "idle clients lock nobody out")
    for s in idle:
        s.close()


def check_metrics(port):
    """Both formats, and what judges them."""
    _, head, text = ask(port, "/metrics")
    report("version=0.0.4" in head and f'pid="{os.getpid()}",state="CLOSE-WAIT"}} {LEAKED}' in text,
           "metrics count this process's sockets", text)
    report(re.search(r'gannet_findings\{id="close-wait-leak"\} [1-9]', text) is not None,
           "metrics count findings", text)
    _, head, opened = ask(port, "/metrics", "Accept: application/openmetrics-text;version=1.0.0")
    report("openmetrics-text" in head and opened.endswith("# EOF\n"), "OpenMetrics is given", head)
    report('process="odd\\"\ufffd",' in text, "a name that is no UTF-8 spoils no figures", text)
    if not shutil.which("promtool"):
        skip("promtool check metrics", "no promtool here (tools/setup.sh web)")
        return
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, check=False)
    report(done.returncode == 0, "promtool check metrics", done.stdout + done.stderr)


def look(url, folder):
    """The document as Chromium shows it after a while."""
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu",
                           f"--user-data-dir={folder}", "--virtual-time-budget=6000",
                           "--window-size=1300,1000", "--dump-dom", url],
                          text=True, capture_output=True, timeout=120, check=False)
    return done.stdout


def check_browser(port):
    """The page draws what the API says."""
    if not shutil.which("chromium"):
        skip("the page in Chromium", "no chromium here (tools/setup.sh web)")
        return
    with tempfile.TemporaryDirectory() as folder:
        dom = look(f"http://127.0.0.1:{port}/#state=CLOSE-WAIT", folder)
    node = re.search(r'<g class="([^"]*)" data-state="CLOSE-WAIT".*?class="count"[^>]*>(\d+)<', dom,
                     re.S)
    report(node is not None and int(node[2]) >= LEAKED and "critical" in node[1]
           or node is not None and "warning" in node[1], "the diagram counts CLOSE-WAIT", dom[:3000])
    report('data-id="close-wait-leak"' in dom and f"[{os.getpid()}]" in dom,
           "the findings are listed", dom[:3000])
    report(dom.count("<td>CLOSE-WAIT</td>") >= LEAKED, "a click on a state lists its connections",
           dom[-3000:])


def check_wrong():
    """Calls that cannot be."""
    for words, text in ((["why", "--listen", "1"], "--listen goes with"),
                        (["why", "--web", "--listen", "x"], "is no address"),
                        (["why", "--web", "--listen", "192.0.2.1:1"], "cannot listen")):
        done = subprocess.run([str(GANNET), *words], text=True, capture_output=True, timeout=30,
                              check=False)
        report(done.returncode in (1, 2) and text in done.stderr and done.stderr.count("\n") == 1,
               f"{' '.join(words)} is refused in one line", done.stderr)


def main():
    """All of it, with the leak standing."""
    pathlib.Path("/proc/self/comm").write_bytes(b'odd"\xff')  # the user of a machine chooses names
    held = leak()
    with serving("why", "--web", "--listen", "0") as (port, line):
        report(port is not None, "gannet why --web says where it is", line)
        if port is None:
            sys.exit(1)
        time.sleep(1.2)  # what the first sample sees is older than a second in the next
        check_api(port)
        check_browser(port)
        check_metrics(port)
    with serving("why", "--metrics", "--listen", "0") as (port, line):
        report(port is not None and ask(port, "/metrics")[0] == 200 and ask(port, "/")[0] == 404,
               "gannet why --metrics serves nothing else", line)
    check_wrong()
    del held
    plan()


main()
