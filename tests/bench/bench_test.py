#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every workload of gannet-bench runs with each stack that can, and all octets are right. Sizes are
tiny and nothing here judges speed."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import BUILD, ROOT, plan, report, skip  # noqa: E402

PROGRAM = BUILD / "bin/gannet-bench"
HAS_LWIP = (BUILD / "lib/libgannet-bench-lwip.so").exists()

# (arguments, stacks that can, {figure of Gannet: value})
RUNS = [
    ("bulk bytes=1m check=1", "gannet lwip null", {}),
    ("bulk bytes=1m check=1 timestamps=1", "gannet null", {}),
    ("bulk bytes=1m check=1 sack=0", "gannet lwip null", {}),
    ("bulk bytes=4m check=1 window=4m timestamps=1", "gannet null", {}),
    ("bulk bytes=1000003 check=1 window=5000", "gannet null", {}),
    ("bulk bytes=4m check=1 window=1m super=1", "gannet null", {}),
    ("bulk bytes=1m check=1 loan=1", "gannet lwip null", {}),
    ("bulk bytes=1000003 check=1 loan=1 window=5000", "gannet null", {}),
    ("bulk bytes=4m check=1 window=1m super=1 loan=1", "gannet null", {}),
    ("bulk bytes=4m check=1 window=64k super=1 loan=1 gather=1", "gannet null", {}),
    ("bulk bytes=1000003 check=1 gather=1 window=5000", "gannet null", {}),
    ("churn total=300 at_once=7", "gannet lwip", {"in TIME-WAIT at the end": 330}),
    ("churn total=300 timestamps=1", "gannet", {"in TIME-WAIT at the end": 330}),
    ("churn total=300 own_ports=1", "gannet lwip", {"in TIME-WAIT at the end": 330}),
    ("churn total=300 warm=50", "gannet lwip", {"in TIME-WAIT at the end": 350}),
    ("churn total=300 time_wait_ms=2", "gannet lwip", {}),
    ("idle n=100", "gannet lwip", {}),
    ("ping n=50 pings=500", "gannet lwip", {}),
    ("ping n=1 pings=500 at_once=1", "gannet lwip", {}),
    ("flood syns=3000 clients=10", "gannet lwip", {"clients served": 10}),
    ("scale n=200 pings=500", "gannet lwip", {"ends": 400}),
    ("timers n=50 keepalive_s=20", "gannet lwip", {}),
    ("cores bytes=1m total=300", "one-core all-cores", {}),
    ("lossy seconds=1", "gannet to-gannet kernel", {}),
    ("lossy seconds=1 cc=0 loss_ppm=0 reorder_ppm=20000", "gannet to-gannet kernel", {}),
    ("tun seconds=1", "gannet to-gannet kernel", {}),
    ("tun seconds=1 loan=1", "gannet to-gannet kernel", {}),
]
WRONG = [
    (["nonsense"], "no workload 'nonsense'"),
    (["bulk", "bytes=much"], "'bytes=much'"),
    (["bulk", "colour=1"], "'colour=1'"),
    (["bulk", "window=1"], "out of bounds"),
    (["bulk", "stacks=gannet,x"], "unknown stack in 'gannet,x'"),
    (["lossy", "cc=3"], "out of bounds"),
]


def check_run(arguments, can, expected):
    """One comparison of all stacks: a test for each."""
    done = subprocess.run([PROGRAM, *arguments.split(), "runs=1", "--json"], text=True,
                          capture_output=True, check=False)
    try:
        columns = {s["stack"]: s for s in json.loads(done.stdout)["stacks"]}
    except ValueError:
        report(False, f"{arguments}: JSON", done.stdout + done.stderr)
        return
    for stack, column in columns.items():
        name = f"{arguments}: {stack}"
        if stack == "lwip" and not HAS_LWIP:
            skip(name, "no liblwip-dev when this was built")
        elif any(text in column.get("not_measured", "") for text in ("no TUN device", "one processor")):
            skip(name, column["not_measured"])
        elif stack not in can.split():
            report("not_measured" in column, f"{name} says why it is not measured", str(column))
        else:
            figures = {f["name"]: f["median"] for f in column.get("figures", [])}
            good = bool(figures) and all(v >= 0 for v in figures.values())
            if stack == "gannet":
                good = good and all(figures.get(k) == v for k, v in expected.items())
            report(good, name, f"{column}\n{done.stderr}")


def check_why():
    """`gannet why` beside ss: each program has both its figures, over few sockets."""
    done = subprocess.run([ROOT / "tools/bench_why.py", BUILD / "bin/gannet", "n=40", "runs=2", "--json"],
                          text=True, capture_output=True, check=False)
    try:
        for column in json.loads(done.stdout)["stacks"]:
            name = f"why n=40: {column['stack']}"
            if "not_measured" in column:
                skip(name, column["not_measured"])
            else:
                report([f["name"] for f in column["figures"]] == ["wall time", "CPU time"], name, str(column))
    except ValueError:
        report(False, "why: JSON", done.stdout + done.stderr)


def main():
    for run in RUNS:
        check_run(*run)
    check_why()
    for arguments, text in WRONG:
        done = subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, check=False)
        report(done.returncode == 2 and text in done.stderr and done.stderr.count("\n") == 1,
               f"{' '.join(arguments)} is refused in one line", done.stdout + done.stderr)
    plan()


main()
