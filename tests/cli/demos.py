#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every demonstration ends where it promises; all eleven states are shown; captures and drawings are sound."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report, skip  # noqa: E402

SNAPSHOTS = pathlib.Path(__file__).resolve().parent / "snapshots"
STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
          "CLOSING", "LAST-ACK", "TIME-WAIT"]
ENV = {**os.environ, "NO_COLOR": "1", "COLUMNS": "144", "LC_ALL": "C.UTF-8"}
ERROR = 0x00800000  # tshark's severities


def gannet(*words):
    p = subprocess.run([str(GANNET), *words], capture_output=True, text=True, env=ENV, timeout=120, check=False)
    return p.returncode, p.stdout, p.stderr


def path_of(demo, end):
    """The states that one end went through."""
    return [e["to"] for e in demo["events"] if e["kind"] == "state" and e["end"] == end]


def check_demo(name, tmp, reached):
    """One demonstration over IPv4, with a capture, and over IPv6."""
    pcap = tmp / f"{name}.pcap"
    code, out, err = gannet("demo", name, "--json", "--pcap", str(pcap))
    try:
        demo = json.loads(out)
    except ValueError as e:
        report(False, f"{name}: JSON", f"{e}\n{err}")
        return None
    report(code == 0 and demo["final"] == demo["promised"], f"{name}: ends in {' and '.join(demo['promised'])}",
           f"final {demo['final']}\n{err}")
    held = {s["state"] for host in demo["hosts"] for s in host}
    reached.update(demo["final"], path_of(demo, "A"), path_of(demo, "B"))
    wanted = set(demo["promised"]) - {"CLOSED"}
    report(wanted <= held, f"{name}: the status of both hosts shows it", f"wanted {wanted}, status has {held}")
    code, out, err = gannet("demo", name, "--ipv6", "--json")
    report(code == 0 and json.loads(out)["final"] == demo["promised"], f"{name}: the same over IPv6", err)
    return demo, pcap


def check_capture(name, pcap):
    """tshark finds no error in it."""
    if not shutil.which("tshark"):
        skip(f"{name}: capture without expert errors", "no tshark here")
        return
    p = subprocess.run(["tshark", "-r", str(pcap), "-Y", f"_ws.expert.severity >= {ERROR} or _ws.malformed",
                        "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"],
                       capture_output=True, text=True, check=False)
    report(p.returncode == 0 and not p.stdout, f"{name}: capture without expert errors", p.stdout + p.stderr)


def check_snapshot(name, *options):
    """The drawing is what was reviewed. GN_UPDATE=1 writes it anew."""
    code, out, err = gannet("demo", name, *options)
    file = SNAPSHOTS / f"{name}{'-ascii' if '--ascii' in options else ''}.txt"
    if os.environ.get("GN_UPDATE"):
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(out)
    want = file.read_text() if file.exists() else ""
    report(code == 0 and out == want, f"{file.stem}: the drawing is as reviewed", out + err)


def check_drawings(names):
    """Widths are kept, ASCII is ASCII, SVG is XML."""
    for name in names:
        code, out, _ = gannet("demo", name, "--ascii", "--absolute", "--width", "90")
        report(code == 0 and out.isascii(), f"{name}: --ascii is ASCII")
        code, svg, err = gannet("demo", name, "--svg", "-")
        try:
            texts = len(xml.dom.minidom.parseString(svg).getElementsByTagName("text"))
            report(code == 0 and texts > 4, f"{name}: --svg is XML with words", err)
        except Exception as e:  # whatever the parser finds is the answer
            report(False, f"{name}: --svg is XML with words", e)
        _, wide, _ = gannet("demo", name, "--width", "144")
        report(max(map(len, wide.split("\nA now:")[0].splitlines())) <= 144, f"{name}: not wider than asked")


def check_scenes(demos):
    """What single demonstrations are there to show."""
    both = demos["simultaneous-close"]
    tail = ["FIN-WAIT-1", "CLOSING", "TIME-WAIT"]
    report(path_of(both, "A")[-3:] == tail and path_of(both, "B")[-3:] == tail,
           "simultaneous-close: FIN-WAIT-1, CLOSING, TIME-WAIT at both ends")
    crossed = demos["simultaneous-open"]
    tail = ["SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"]
    report(path_of(crossed, "A") == tail and path_of(crossed, "B") == tail,
           "simultaneous-open: SYN-SENT, SYN-RECEIVED, ESTABLISHED at both ends")
    causes = {e["cause"] for e in demos["syn-flood"]["events"] if e["kind"] == "state"}
    report("COOKIE_ACK" in causes, "syn-flood: the honest client comes in by a SYN cookie", causes)
    drops = {e["drop"] for e in demos["blind-reset"]["events"] if e["kind"] == "drop"}
    report(path_of(demos["blind-reset"], "B")[-1] == "ESTABLISHED", "blind-reset: the connection lives on", drops)
    sends = [e for e in demos["lost-fin"]["events"] if e["kind"] == "send" and "F" in e["flags"] and e["end"] == "A"]
    report(len(sends) >= 2 and sends[0]["lost"] and not sends[-1]["lost"], "lost-fin: the FIN is sent again", sends)
    syns = [e for e in demos["connect-timeout"]["events"] if e["kind"] == "send"]
    report(len(syns) == 4, "connect-timeout: the SYN and three retries", [e["t"] for e in syns])
    last = [e for e in demos["time-wait"]["hosts"][0] if e["state"] == "TIME-WAIT"]
    report(bool(last) and 50 < last[0]["timers"]["2MSL"] <= 60, "time-wait: 2MSL is running", last)


def main():
    code, out, err = gannet("demo", "--json")
    if code:
        report(False, "gannet demo lists", err)
        return
    listed = json.loads(out)
    reached, demos = set(), {}
    with tempfile.TemporaryDirectory() as t:
        for row in listed:
            played = check_demo(row["name"], pathlib.Path(t), reached)
            if played:
                demos[row["name"]] = played[0]
                check_capture(row["name"], played[1])
    for state in STATES:
        report(state in reached, f"{state} is reached by some demonstration")
        if state.lower() in demos:
            report(state in demos[state.lower()]["final"], f"{state} is held by the demonstration of its name")
        else:
            report(False, f"{state} has a demonstration of its name")
    if len(demos) == len(listed):
        check_scenes(demos)
    check_snapshot("handshake")
    check_snapshot("handshake", "--ascii", "--absolute", "--width", "90")
    check_snapshot("simultaneous-close")
    check_drawings(["close", "fast-retransmit", "syn-flood", "lost-last-ack"])
    plan()


if __name__ == "__main__":
    sys.exit(main())
