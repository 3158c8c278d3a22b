#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure Gannet beside its peer: every row of SUITE by gannet-bench, a table for people,
build/bench.json, and docs/benchmarks.md from tools/bench.md.in."""

import argparse
import datetime
import json
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# (what, arguments of gannet-bench): what is compared, and then Gannet alone where the peer cannot
SUITE = [
    ("64 KiB window", "bulk window=64k"),
    ("64 KiB window, timestamps", "bulk window=64k timestamps=1"),
    ("64 KiB window, octets on loan", "bulk window=64k loan=1"),
    ("256 KiB", "bulk window=256k"),
    ("256 KiB, timestamps", "bulk window=256k timestamps=1"),
    ("1 MiB", "bulk window=1m"),
    ("1 MiB, timestamps", "bulk window=1m timestamps=1"),
    ("4 MiB", "bulk window=4m"),
    ("4 MiB, timestamps", "bulk window=4m timestamps=1"),
    ("super-segments, 256 KiB, timestamps", "bulk super=1 window=256k timestamps=1"),
    ("super-segments, 64 KiB, timestamps, octets on loan",
     "bulk super=1 window=64k timestamps=1 loan=1"),
    ("super-segments, 256 KiB, timestamps, octets on loan",
     "bulk super=1 window=256k timestamps=1 loan=1"),
    ("super-segments, 64 KiB, timestamps, octets on loan, passed by reference",
     "bulk super=1 window=64k timestamps=1 loan=1 gather=1"),
    ("super-segments, 256 KiB, timestamps, octets on loan, passed by reference",
     "bulk super=1 window=256k timestamps=1 loan=1 gather=1"),
    ("super-segments, 1 MiB, timestamps", "bulk super=1 window=1m timestamps=1"),
    ("TIME-WAIT 2 ms, the stack chooses ports", "churn time_wait_ms=2 total=20000"),
    ("TIME-WAIT 60 s, the stack chooses ports", "churn total=10000 runs=5"),
    ("TIME-WAIT 60 s, the program chooses ports", "churn total=200000 own_ports=1"),
    ("TIME-WAIT 60 s, the stack chooses, 200,000 lives",
     "churn total=200000 timestamps=1 stacks=gannet"),
    ("TIME-WAIT 60 s, the stack chooses, 1,000,000 lives",
     "churn total=1000000 timestamps=1 stacks=gannet"),
    ("TIME-WAIT 7 s, one begins and one ends with each life, a million stand",
     "churn total=300000 timestamps=1 time_wait_ms=7000 warm=2200000 stacks=gannet"),
    ("10,000 connections", "idle n=10000"),
    ("100,000 connections", "idle n=100000 stacks=gannet"),
    ("1 connection, one at a time", "ping n=1 at_once=1"),
    ("1,000 connections, 100 at a time", "ping n=1000"),
    ("10,000 connections, 100 at a time", "ping n=10000 pings=50000"),
    ("100,000 connections, 100 at a time", "ping n=100000 stacks=gannet"),
    ("backlog 255", "flood cpu_s=3"),
    ("10,000 connections, no probe due", "timers n=10000 minutes=5"),
    ("10,000 connections, probes each minute", "timers n=10000 minutes=5 keepalive_s=60"),
    ("1,000,000 connections", "scale n=1000000 runs=1 stacks=gannet"),
    ("100,000 connections, no probe due", "timers n=100000 minutes=5 stacks=gannet"),
    ("CUBIC, 1 % loss, 20 ms, 100 Mbit/s", "lossy seconds=20"),
    ("BBR, 1 % loss, 20 ms, 100 Mbit/s", "lossy seconds=20 cc=2"),
    ("CUBIC, no loss, 20 ms, 100 Mbit/s", "lossy loss_ppm=0"),
    ("CUBIC, 1 % reordered, 20 ms, 100 Mbit/s", "lossy loss_ppm=0 reorder_ppm=10000"),
    ("MTU 1500, the device's offloads, CUBIC", "tun seconds=3"),
    ("MTU 1500, the device's offloads, CUBIC, octets read on loan", "tun seconds=3 loan=1"),
    ("hosts in pairs, a thread each", "cores bytes=4g total=200000"),
    ("every kind of link", "links"),
    ("20,000 sockets", "why n=20000"),
    ("100,000 sockets", "why n=100000"),
]
STACKS = ("gannet", "lwip", "null")
# workloads on real paths, where the kernel's TCP is the peer
PATHS = ("gannet", "to-gannet", "kernel")
TITLES = {"gannet": "Gannet", "lwip": "lwIP", "to-gannet": "kernel to Gannet"}
# workloads that are no part of gannet-bench: their scripts, called with the program `gannet`
SCRIPTS = {"why": "bench_why.py", "links": "bench_links.py"}


def run_row(program, arguments, extra):
    """One comparison, as gannet-bench or a script of its own prints it."""
    command = [str(program), *arguments.split(), *extra, "--json"]
    if command[1] in SCRIPTS:
        command[:2] = [str(ROOT / "tools" / SCRIPTS[command[1]]), str(program.parent / "gannet")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if not done.stdout:
        sys.exit(f"bench.py: {' '.join(command)} printed nothing (status {done.returncode})")
    return json.loads(done.stdout)


def column(row, name):
    """The stack's part of a row, or None."""
    return next((s for s in row["stacks"] if s["stack"] == name), None)


def number(value):
    """A figure with the digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def cell(part, figure=0):
    """median (min .. max), or a dash."""
    if part is None or "figures" not in part:
        return "–"
    f = part["figures"][figure]
    return f"{number(f['median'])} ({number(f['min'])}–{number(f['max'])})"


def ratio(row):
    """How many times the peer's figure is Gannet's, or a dash."""
    ours, peer = column(row, "gannet"), column(row, "lwip")
    if not all(p and "figures" in p for p in (ours, peer)):
        return "–"
    return f"{peer['figures'][0]['median'] / ours['figures'][0]['median']:.2f}"


def unit(row):
    """Of the first figure."""
    for part in row["stacks"]:
        if "figures" in part:
            return f"{part['figures'][0]['name']}, {part['figures'][0]['unit']}"
    return "–"


def further(row, names=("gannet", "lwip")):
    """All figures but the first, of each stack."""
    parts = []
    for name in names:
        title = TITLES.get(name, name)
        figures = (column(row, name) or {}).get("figures", [])
        if figures:
            parts.append(f"{title}: " + "; ".join(
                f"{f['name']} {number(f['median'])} {f['unit']}".strip() for f in figures[1:]))
    return ". ".join(parts)


def machine():
    """What the figures were measured on."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    compiler = subprocess.run(["cc", "--version"], stdout=subprocess.PIPE, text=True,
                              check=False).stdout.split("\n", maxsplit=1)[0]
    cores = len([1 for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
                 .splitlines() if line.startswith("processor")])
    return {"processor": model, "cores": cores, "kernel": platform.release(),
            "compiler": compiler, "day": datetime.date.today().isoformat()}


def on_a_path(row):
    """Is it a workload between Gannet and the kernel?"""
    return column(row, "kernel") is not None


def path_table(rows):
    """Markdown: who sends to whom, and each direction's ratio to the kernel alone."""
    out = [f"### {rows[0]['workload']}: {unit(rows[0])}", "",
           "| | Gannet to kernel | kernel to Gannet | kernel to kernel | ratios to the last |",
           "|---|---|---|---|---|"]
    for row in rows:
        cells = [row["what"]] + [cell(column(row, s)) for s in PATHS] + [path_ratios(row)]
        out.append("| " + " | ".join(cells) + " |")
    out += ["", "The other figures (medians):", ""]
    out += [f"- `{row['arguments']}`: {further(row, PATHS)}" for row in rows]
    return out + [f"\nNot measured: {part['stack']}: {part['not_measured']}."
                  for row in rows for part in row["stacks"] if "not_measured" in part] + [""]


def why_table(rows):
    """Markdown: wall and CPU time of each program over the same sockets."""
    names = [s["stack"] for s in rows[0]["stacks"]]
    out = ["### why: wall time and CPU time, ms", "", "| | " + " | ".join(names) + " |",
           "|---" * (len(names) + 1) + "|"]
    for row in rows:
        for i, what in enumerate(("wall", "CPU")):
            cells = [cell(column(row, name), i) for name in names]
            out.append("| " + " | ".join([f"{row['what']}, {what}"] + cells) + " |")
    return out + [f"\nNot measured: {part['not_measured']}."
                  for part in rows[0]["stacks"] if "not_measured" in part] + [""]


def cores_table(rows):
    """Markdown: what hosts in as many threads as there are processors do together."""
    out = []
    for row in rows:
        one, every = column(row, "one-core"), column(row, "all-cores")
        threads = next(f["median"] for f in every["figures"] if f["name"] == "threads")
        out += [f"### cores: {row['what']}", "",
                f"| | one core | {threads:.0f} cores | ratio |", "|---|---|---|---|"]
        for i, f in enumerate(one["figures"]):
            if f["name"] == "threads":
                continue
            times = "" if f["name"] == "of the time" else f"{every['figures'][i]['median'] / f['median']:.2f}"
            out.append(f"| {f['name']}, {f['unit']} | {cell(one, i)} | {cell(every, i)} | {times} |")
        out += ["", f"`{row['arguments']}`", ""]
    return out


def links_table(rows):
    """Markdown: both directions over each kind of link."""
    parts = rows[0]["stacks"]
    out = ["### links: what each carries, and CPU s/GB of the process with Gannet", "",
           "| link | connections | in, Gbit/s | CPU s/GB | out, Gbit/s | CPU s/GB |", "|---" * 6 + "|"]
    out += ["| " + " | ".join([p["stack"], str(p["connections"])] + [cell(p, i) for i in range(4)]) + " |"
            for p in parts if "figures" in p]
    return out + [f"\nNot measured: {p['stack']}: {p['not_measured']}." for p in parts if "not_measured" in p] + [""]


def path_ratios(row):
    """Gannet's goodput, sending and receiving, to the kernel's own."""
    parts = [column(row, s) for s in PATHS]
    if not all("figures" in p for p in parts):
        return "–"
    sends, receives, alone = (p["figures"][0]["median"] for p in parts)
    return f"{sends / alone:.2f}, {receives / alone:.2f}"


def tables(rows):
    """Markdown: one table a workload, then what could not be measured."""
    out, reasons = [], {}
    for workload in dict.fromkeys(r["workload"] for r in rows):
        mine = [r for r in rows if r["workload"] == workload]
        own = {"why": why_table, "cores": cores_table, "links": links_table}.get(workload)
        if own or on_a_path(mine[0]):
            out += (own or path_table)(mine)
            continue
        floor = any("figures" in (column(r, "null") or {}) for r in mine)
        head = ["", "Gannet", "lwIP", "lwIP : Gannet"] + (["no protocol"] if floor else [])
        out += [f"### {workload}: {unit(mine[0])}", "", "| " + " | ".join(head) + " |",
                "|---" * len(head) + "|"]
        for row in mine:
            cells = [row["what"], cell(column(row, "gannet")), cell(column(row, "lwip")),
                     ratio(row)] + ([cell(column(row, "null"))] if floor else [])
            out.append("| " + " | ".join(cells) + " |")
            peer = column(row, "lwip")
            why = (peer or {"not_measured": "not asked: it would take hours, or has too few ports"})
            if "not_measured" in why:
                reasons.setdefault(why["not_measured"], []).append(row["what"])
        out += ["", "The other figures (medians):", ""]
        out += [f"- `{row['arguments']}`: {further(row)}" for row in mine]
        for reason, where in reasons.items():
            out += ["", f"lwIP not measured ({reason}): {'; '.join(where)}."]
        reasons.clear()
        out.append("")
    return "\n".join(out).rstrip()


def document(data):
    """docs/benchmarks.md"""
    text = (ROOT / "tools/bench.md.in").read_text(encoding="utf-8")
    for key, value in data["machine"].items():
        text = text.replace(f"@{key}@", str(value))
    return text.replace("@tables@", tables(data["rows"]))


def show(row, seconds):
    """A line in the terminal."""
    path = on_a_path(row)
    plain = path or row["workload"] not in (*SCRIPTS, "cores")
    names = [s["stack"] for s in row["stacks"]] if not plain else PATHS if path else STACKS
    cells = " ".join(f"{cell(column(row, s)):>28}" for s in names)
    print(f"{row['workload']:7}{row['what']:51}{cells}  {(path_ratios if path else ratio)(row):>6}"
          f"  [{seconds:.0f} s]", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/gannet-bench")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench.json")
    parser.add_argument("--doc", type=pathlib.Path, default=ROOT / "docs/benchmarks.md")
    parser.add_argument("--only", default="", help="rows whose arguments begin with this")
    parser.add_argument("extra", nargs="*", metavar="KEY=VALUE", help="for every row")
    args = parser.parse_args()
    if not args.program.exists():
        sys.exit(f"bench.py: {args.program} is missing: build first")

    rows = []
    columns = " ".join(f"{s:>28}" for s in STACKS)
    print(f"{'median (min–max)':58}{columns}   ratio")
    heading = STACKS
    for what, arguments in SUITE:
        if not arguments.startswith(args.only):
            continue
        start = time.monotonic()
        row = run_row(args.program, arguments, args.extra)
        row.update(what=what, arguments=arguments)
        rows.append(row)
        if on_a_path(row) and heading == STACKS:
            heading = PATHS
            print(f"{'':58}" + " ".join(f"{s:>28}" for s in PATHS) + "   ratios to kernel")
        show(row, time.monotonic() - start)
    data = {"machine": machine(), "rows": rows}
    args.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if not args.only and not args.extra:
        args.doc.write_text(document(data), encoding="utf-8")
        print(f"\nwritten: {args.json} and {args.doc}")


if __name__ == "__main__":
    main()
