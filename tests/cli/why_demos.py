#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every rule of `gannet why` is reproduced in virtual time: real hosts play a demonstration, and what their STATUS
shows is explained. What is healthy gives no finding."""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, plan, report  # noqa: E402

HEALTHY = ["handshake", "data", "bulk", "close", "half-close", "simultaneous-open", "simultaneous-close", "listen",
           "established", "time-wait", "lost-data", "fast-retransmit", "lost-fin", "lost-last-ack", "keep-alive",
           "zero-window", "nagle", "idle", "keep-alive-late", "limit-cwnd", "nagle-held", "refused", "blind-reset"]


def gannet(*words):
    p = subprocess.run([str(GANNET), *words], capture_output=True, text=True, timeout=120, check=False)
    return p.returncode, p.stdout, p.stderr


def explained(demo, *options):
    """{end: {id: finding}} of one demonstration."""
    code, out, err = gannet("demo", demo, "--why", "--json", *options)
    try:
        ends = json.loads(out)
    except ValueError as e:
        report(False, f"{demo}: JSON", f"{e}\n{err}")
        return {"A": {}, "B": {}}
    if code:
        report(False, f"{demo}: ends where it promised", err)
    return {"AB"[i]: {f["id"]: f for f in end["findings"]} for i, end in enumerate(ends)}


def sound(finding):
    """What is wrong with the form of a finding, or None."""
    for key in ("diagnosis", "evidence", "actor", "confidence"):
        if not finding[key]:
            return f"no {key}"
    if finding["severity"] != "note" and not finding["remedies"]:
        return "no remedy"
    if finding["severity"] != "note" and finding["actor"] == "nobody":
        return "nobody must act, and yet it is a warning"
    if "%" in finding["diagnosis"]:
        return "a hole in the sentence"
    if finding["unknown"] and not finding["settle"]:
        return "nothing would settle what is not known"
    return None


def check_promise(demo, row, found):
    """One rule at one end."""
    name = f"{row['id']}: demo {demo}, {row['end']} is told{' by a note' if row['note'] else ''}"
    f = found[row["end"]].get(row["id"])
    if not f:
        report(False, name, f"found {list(found[row['end']])}")
        return
    good = (f["severity"] == "note") == row["note"] and sound(f) is None
    report(good, name, f"{f['severity']}; {sound(f)}; {f['diagnosis']} {f['evidence']}")


def captured(demo, folder):
    """What `gannet why` says of a capture of one demonstration."""
    file = folder / f"{demo}.pcap"
    gannet("demo", demo, "--json", "--pcap", str(file))
    code, out, err = gannet("why", str(file), "--json")
    try:
        return json.loads(out)
    except ValueError as e:
        report(False, f"{demo}: its capture explained as JSON", f"exit {code}, {e}\n{err}")
        return {"findings": [], "beyond": []}


def check_captures(demos, folder):
    """The same rules on captures of the demonstrations: each is told by one, or is said to be beyond any capture."""
    table, beyond = {}, {}
    seen = {row["id"] for demo in demos for row in demo["why"] if row["end"] == "capture"}
    for demo in demos:
        if not demo["why"]:
            continue
        answer = captured(demo["name"], folder)
        found = {f["id"]: f for f in answer["findings"]}
        said = {b["id"]: b["what"] for b in answer["beyond"]}
        beyond.update(said)
        for row in demo["why"]:
            rule, name = row["id"], f"{row['id']}: a capture of demo {demo['name']}"
            if row["end"] == "capture":
                f, how = found.get(rule), " by a note" if row["note"] else ""
                good = f is not None and (f["severity"] == "note") == row["note"] and sound(f) is None
                report(good, f"{name} tells it{how}",
                       f"{f and (f['severity'], sound(f), f['diagnosis'])}; found {list(found)}")
                table.setdefault(rule, []).append(demo["name"] + how)
            elif rule not in seen:
                report(rule in said, f"{name} says that none tells it", said)
    _, out, _ = gannet("why", "--explain")
    for rule in (line.split()[0] for line in out.splitlines()):
        what = f"a capture of {', '.join(table[rule])}" if rule in table else f"beyond: {beyond.get(rule)}"
        report((rule in table) != (rule in beyond), f"{rule}: told by a capture, or beyond any", what)
        print(f"# {rule:22} {what}")
    for demo in HEALTHY:
        bad = [f["id"] for f in captured(demo, folder)["findings"] if f["severity"] != "note"]
        report(not bad, f"{demo}: no false alarm from its capture", bad)


def main():
    code, out, err = gannet("demo", "--json")
    if code:
        report(False, "gannet demo lists", err)
        return
    demos = json.loads(out)
    for demo in demos:
        name = demo["name"]
        if not demo["why"] and name not in HEALTHY:
            continue
        for options in [()] if name in HEALTHY else [(), ("--ipv6",)]:
            found = explained(name, *options)
            for row in (r for r in demo["why"] if r["end"] != "capture"):
                check_promise(name + " ".join(("", *options)), row, found)
            if name in HEALTHY:
                bad = [f["id"] for end in found.values() for f in end.values() if f["severity"] != "note"]
                report(not bad, f"{name}: no false alarm", bad)
    with tempfile.TemporaryDirectory() as t:
        check_captures(demos, pathlib.Path(t))
    plan()


if __name__ == "__main__":
    sys.exit(main())
