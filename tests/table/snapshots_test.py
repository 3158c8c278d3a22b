#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tables of goodput and latency are as reviewed, octet by octet: rows that the optimised program
computes in seconds, all rows with GN_LONG=1 (minutes). tests/table/table_test.c computes a few of
them with all checks on; tools/goodput.py --tables writes them anew."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import ROOT, plan, report  # noqa: E402

RELEASE = pathlib.Path(os.environ.get("GN_RELEASE", ROOT / "build"))
SIM = [str(RELEASE / "bin/gannet"), "sim"]
LONG = [] if os.environ.get("GN_LONG") else ["--quick"]


def sim(*arguments):
    """Lines of `gannet sim ...`, and what is wrong with it."""
    done = subprocess.run([*SIM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.stdout.splitlines(), done.returncode


def differences(kept, now):
    """What is said now and not kept, in the order of the table; a row's name is before its first bar."""
    left, bad = list(kept), []
    for line in now:
        while left and left[0] != line and left[0].split("|")[0] != line.split("|")[0]:
            left.pop(0)
        old = left.pop(0) if left else "(no such row)"
        if old != line:
            bad += [f"- {old}", f"+ {line}"]
    return bad


def main():
    rows = 0
    names, status = sim("--table", "list")
    report(status == 0 and len(names) > 0, "there are tables", names)
    for name in names:
        kept = (ROOT / "tests/table" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        now, status = sim("--table", name, *LONG)
        heading = next((i for i, line in enumerate(now) if " |" in line), 0) + 1
        bad = differences(kept, now)
        if kept[:heading] != now[:heading] or (not LONG and kept != now):
            bad.append("another heading, or rows are missing")
        report(status == 0 and not bad, f"{name}: {len(now) - heading} of {len(kept) - heading} rows",
               "\n".join(bad))
        rows += len(now) - heading
    plan()
    print(f"tables: {rows} rows")


main()
