#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run_tests.py counts what happened, and never calls a bad end good."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("GN_ROOT", pathlib.Path(__file__).resolve().parents[2]))

# A stand-in for a Criterion program: writes the report that it was made with, then ends as told.
STAND_IN = """#!/bin/sh
for arg in "$@"; do
    case $arg in --tap=*) report=${{arg#--tap=}} ;; esac
done
cat >"$report" <<'END'
{report}
END
{end}
"""
GOOD = "1..2\nok - a::one  (0.01s)\nok - a::two  # SKIP no device"
BAD = "1..2\nok - a::one  (0.01s)\nnot ok - a::two  (0.01s)"

# (name, Criterion programs as (report, end), TAP scripts, last line, what else must be said)
CASES = [
    ("passed and skipped are counted", [(GOOD, "exit 0")], [],
     "1 passed, 0 failed, 1 skipped", "a::two: no device"),
    ("nothing skipped is not mentioned", [("1..1\nok - a::one", "exit 0")], [],
     "1 passed, 0 failed", ""),
    ("a failed case counts and its output is shown", [(BAD, "echo why it failed; exit 1")], [],
     "1 passed, 1 failed", "why it failed"),
    ("a program that dies is a failure", [("1..1\nok - a::one", "kill -SEGV $$")], [],
     "1 passed, 1 failed", "killed by SIGSEGV"),
    ("a report that stops early is a failure", [("1..9\nok - a::one", "exit 0")], [],
     "1 passed, 1 failed", "planned 9 tests, reported 1"),
    ("an exit status without a failed case is a failure", [(GOOD, "exit 3")], [],
     "1 passed, 1 failed, 1 skipped", "exit status 3"),
    ("a leak after the tests is a failure",
     [(GOOD, "echo '==1==ERROR: LeakSanitizer: detected memory leaks'")], [],
     "1 passed, 1 failed, 1 skipped", "LeakSanitizer"),
    ("a program without tests is a failure", [("", "exit 0")], [],
     "0 passed, 1 failed", "reported no test"),
    ("a program that hangs is a failure", [("1..1\nok - a::one", "sleep 60")], [],
     "1 passed, 1 failed", "still running after 2 s"),
    ("a script's TAP is counted", [],
     ["echo 'ok 1 - fine'; echo 'not ok 2 - broken'; echo 'ok 3 - x # SKIP no root'; exit 1"],
     "1 passed, 1 failed, 1 skipped", "x: no root"),
    ("what is counted is said again at the end, nothing that is none",
     [("1..1\nok - a::one", "echo 'matrix: 12 cells'; echo 'matrix: 0 cells'")], [],
     "1 passed, 0 failed", "counted:\n  matrix: 12 cells\n\n"),
    ("a script that bails out is a failure", [], ["echo 'ok 1 - fine'; echo 'Bail out! no disk'"],
     "1 passed, 1 failed", "Bail out! no disk"),
    ("no test at all is a failure", [], [], "0 passed, 0 failed", "no test ran"),
    ("whoever runs it, a test does all of its work", [],
     ["echo ok 1 - fine; echo \"part: 1${GN_SMALL:-0} seeds\""], "1 passed, 0 failed",
     "counted:\n  part: 10 seeds\n\n1 passed"),
]
# the same with --small
SMALL = [
    ("--small asks for less and says so", [],
     ["echo ok 1 - fine; echo \"part: 1${GN_SMALL:-0} seeds\""], "1 passed, 0 failed",
     "counted:\n  part: 11 seeds\n\nsmall: test-sim and test-explore do only a part of their work\n"),
]


def write_script(path, text):
    """An executable file."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def run_case(directory, programs, scripts, options):
    """Exit status and output of run_tests.py over stand-ins."""
    build, tests = directory / "build", directory / "tests"
    build.mkdir()
    (tests / "kind").mkdir(parents=True)
    listed = []
    for number, (report, end) in enumerate(programs):
        path = build / f"test-{number}"
        write_script(path, STAND_IN.format(report=report, end=end))
        listed.append(str(path))
    (build / "tests.list").write_text("\n".join(listed) + "\n", encoding="utf-8")
    for number, body in enumerate(scripts):
        write_script(tests / "kind" / f"t{number}.sh", f"#!/bin/sh\n{body}\n")
    done = subprocess.run([str(ROOT / "tools/run_tests.py"), "--build", str(build), "--tests",
                           str(tests), "--timeout", "2", *options], text=True, check=False,
                          env={**os.environ, "GN_SMALL": "of another"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def main():
    bad = False
    for number, (name, programs, scripts, last, said) in enumerate(CASES + SMALL, 1):
        options = ["--small"] if number > len(CASES) else []
        with tempfile.TemporaryDirectory() as directory:
            status, output = run_case(pathlib.Path(directory), programs, scripts, options)
        expected = 0 if " 0 failed" in last and not last.startswith("0 passed") else 1
        good = status == expected and output.rstrip().split("\n")[-1] == last and said in output
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            bad = True
            print("\n".join(f"# {line}" for line in [f"exit status {status}"] + output.split("\n")))
    print(f"1..{len(CASES + SMALL)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
