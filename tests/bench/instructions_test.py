#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Instructions per segment, connection and SYN are those that were written down (the counts of
tools/instructions.py, which says what to do if they are meant to change), and a change is noticed."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("GN_ROOT", pathlib.Path(__file__).resolve().parents[2]))
TOOL = ROOT / "tools/instructions.py"
KEPT = ROOT / "tests/bench/instructions.json"
ROW = "flood"


def run(*arguments):
    """The tool's output and status."""
    done = subprocess.run([TOOL, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout, done.returncode


def noticed(factor, word):
    """Is a count that differs by a factor reported, with the function that it is due to?"""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    kept["counts"][ROW][""] *= factor
    kept["counts"][ROW]["a_function"] = 100.0
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "other.json"
        path.write_text(json.dumps(kept), encoding="utf-8")
        text, status = run("--baseline", path, "--only", ROW)
    return status == 1 and f"not ok 1 - {ROW}" in text and word in text and "--write" in text


def main():
    text, status = run()
    lines = text.splitlines()
    if not status and lines and "# SKIP" in lines[-1]:
        print(text, end="")
        return 0
    print("\n".join(lines[:-1] if lines[-1].startswith("1..") else
                    [line for line in lines if not line.startswith("1..")]))
    number = sum(line.startswith(("ok ", "not ok ")) for line in lines)
    for factor, what in ((1.1, "less"), (0.9, "more")):
        number += 1
        good = noticed(factor, "-100.0  a_function (100.0 -> 0.0)")
        print(f"{'ok' if good else 'not ok'} {number} - instructions that are {what} are noticed")
        status |= not good
    print(f"1..{number}")
    return status


if __name__ == "__main__":
    sys.exit(main())
