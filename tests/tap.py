# SPDX-License-Identifier: BSD-2-Clause
"""What test scripts share: where things are, and results as TAP lines for tools/run_tests.py."""

import os
import pathlib

ROOT = pathlib.Path(os.environ.get("GN_ROOT", pathlib.Path(__file__).resolve().parents[1]))
BUILD = pathlib.Path(os.environ.get("GN_BUILD", ROOT / "build"))
GANNET = BUILD / "bin" / "gannet"
LINES = 40  # of an explanation
_reported = 0


def _line(good, text):
    global _reported
    _reported += 1
    print(f"{'ok' if good else 'not ok'} {_reported} - {text}", flush=True)


def report(good, name, why=""):
    """One result; if it is not good, @why says what was there instead."""
    _line(good, name)
    if not good and why:
        print("\n".join("# " + line[:2000] for line in str(why).splitlines()[:LINES]), flush=True)


def skip(name, why):
    """What cannot be tested here."""
    _line(True, f"{name} # SKIP {why}")


def plan():
    """The last line: how many there were."""
    print(f"1..{_reported}", flush=True)
