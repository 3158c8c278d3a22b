#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run every test of a build directory and say what came out.

Two kinds of programs: Criterion programs, listed in BUILD/tests.list (counted from their TAP
report), and executable tests/*/*.sh and tests/*/*.py, which print TAP: `ok N - name`,
`not ok N - name`, `ok N - name # SKIP reason`, diagnostics as `# ...`, optionally a plan `1..N`.
Scripts find the tree in GN_ROOT, the build under test in GN_BUILD, the optimised one in GN_RELEASE.

--small is for a build beside another whose tests run whole: the tests that take minutes, test-sim and
test-explore, then do a part of their work (tests/part.h). How much they say in what they count, and
that it was a part is said before the first result and after the last.

The last line is `N passed, N failed` or `N passed, N failed, N skipped`. Exit status 1 if anything
failed or if nothing ran. A program that dies, hangs, leaks or reports nothing counts as one failure
more.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TAP_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*(?:-\s*)?(.*?)(?:\s+#\s*SKIP\b\s*(.*))?$", re.I)
TAP_PLAN = re.compile(r"^1\.\.(\d+)(?:\s+#\s*SKIP\b\s*(.*))?$", re.I)

# What a program says it has counted: "matrix: 187569 cells", "# scripts: 268 run, 0 failed"
COUNTED = re.compile(r"^(?:# )?([\w-]+: [1-9]\d* [a-z]+(?:[ ,]+(?:\d+|[a-z]+))*)$", re.M)
LONG = ("test-sim", "test-explore", "builds.sh")
PART = "small: test-sim and test-explore do only a part of their work"
SANITIZER = re.compile(r"(ERROR: \w+Sanitizer: .*|\S+: runtime error: .*)")

Outcome = collections.namedtuple("Outcome", "name passed failed skipped output seconds")


def run_program(argv, env, timeout):
    """Run argv in a process group of its own, stdin empty; (exit status or None if it hung, text)."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env=env, cwd=ROOT,
                                   start_new_session=True)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        if status is None or status < 0:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        out.seek(0)
        return status, out.read().decode("utf-8", "replace")


def ended_badly(status, timeout):
    """Why a program counts as failed whatever it reported, or None."""
    if status is None:
        return f"still running after {timeout} s"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return None


def count_tap(text, passed, failed, skipped):
    """Sort the lines of a TAP report into the three lists; what is wrong with the report, or None."""
    plan, seen = None, 0
    for line in text.splitlines():
        match = TAP_PLAN.match(line)
        if match:
            plan = int(match[1])
            if plan == 0 and match[2]:
                skipped.append(("all of it", match[2]))
            continue
        if line.startswith("Bail out!"):
            return line
        match = TAP_LINE.match(line)
        if not match:
            continue
        seen += 1
        name = re.sub(r"\s*\(\d+\.\d+s\)$", "", match[2])
        if match[1]:
            failed.append(name)
        elif match[3] is not None:
            skipped.append((name, match[3] or "no reason given"))
        else:
            passed.append(name)
    if plan is not None and plan != seen:
        return f"planned {plan} tests, reported {seen}"
    if seen == 0 and not skipped:
        return "reported no test"
    return None


def judge(name, status, output, report, start, timeout):
    """The outcome of a program from its exit status, what it printed and its TAP report."""
    passed, failed, skipped = [], [], []
    wrong = count_tap(report, passed, failed, skipped)
    wrong = ended_badly(status, timeout) or wrong
    if wrong is None and not failed:
        # The leak check runs when a test process exits, after its test was reported as passed.
        finding = SANITIZER.search(output)
        if finding:
            wrong = finding[0]
        elif status != 0:
            wrong = f"exit status {status}, though no test failed"
    if wrong:
        failed.append(f"(the program) {wrong}")
    return Outcome(name, passed, failed, skipped, output, time.monotonic() - start)


def run_criterion(path, args):
    """One Criterion program."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        tap = pathlib.Path(directory) / "report.tap"
        status, output = run_program([str(path), "-j1", f"--timeout={args.timeout}",
                                      f"--tap={tap}"], test_env(args), args.timeout)
        report = tap.read_text(errors="replace") if tap.exists() else ""
    return judge(path.name, status, output, report, start, args.timeout)


def run_script(path, args):
    """One TAP script."""
    start = time.monotonic()
    status, output = run_program([str(path)], test_env(args), args.timeout)
    name = f"{path.parent.name}/{path.name}"
    return judge(name, status, output, output, start, args.timeout)


def test_env(args):
    """Environment of every test program."""
    env = dict(os.environ)
    env.pop("GN_SMALL", None)  # nothing but --small makes less of a test
    if args.small:
        env["GN_SMALL"] = "1"
    env.update(GN_ROOT=str(ROOT), GN_BUILD=str(args.build), GN_RELEASE=str(ROOT / "build"),
               ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1",
               UBSAN_OPTIONS="print_stacktrace=1", LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
    return env


def find_jobs(args):
    """(function, path) of everything to run: what takes minutes first, so that no core waits for it at
    the end, then the scripts."""
    jobs = []
    if not args.programs_only:
        for path in sorted(args.tests.glob("*/*")):
            if path.suffix in (".sh", ".py") and path.is_file() and os.access(path, os.X_OK):
                jobs.append((run_script, path))
    listing = args.build / "tests.list"
    if not listing.exists():
        sys.exit(f"run_tests.py: {listing} is missing: configure {args.build} with GN_TESTS=ON")
    for line in listing.read_text().split():
        jobs.append((run_criterion, pathlib.Path(line)))
    jobs.sort(key=lambda job: job[1].name not in LONG)
    return [job for job in jobs if not args.only or args.only in str(job[1])]


def run_job(job, args):
    """One job, where a program that cannot be started is a failure like another."""
    function, path = job
    try:
        return function(path, args)
    except OSError as error:
        return Outcome(path.name, [], [f"(the program) cannot be run: {error}"], [], "", 0.0)


def show(outcome):
    """The line of one program, and everything it said if it failed."""
    mark = "FAIL" if outcome.failed else "ok  "
    skipped = f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
    print(f"{mark} {outcome.name}: {len(outcome.passed)} passed, {len(outcome.failed)} failed"
          f"{skipped} ({outcome.seconds:.1f} s)")
    for line in COUNTED.findall(outcome.output):
        print(f"     {line}")
    if outcome.failed:
        for line in outcome.output.splitlines():
            if not line.startswith("ok "):
                print(f"     | {line}")
    sys.stdout.flush()


def summary(outcomes, small):
    """The lists at the end; returns the exit status."""
    passed, failed, skipped = (sum(len(getattr(o, k)) for o in outcomes)
                               for k in ("passed", "failed", "skipped"))
    counted = sorted({line for outcome in outcomes for line in COUNTED.findall(outcome.output)})
    if counted:
        print("\ncounted:")
        for line in counted:
            print(f"  {line}")
    if skipped:
        print("\nskipped:")
        for outcome in outcomes:
            for name, reason in outcome.skipped:
                print(f"  {outcome.name} {name}: {reason}")
    if failed:
        print("\nfailed:")
        for outcome in outcomes:
            for name in outcome.failed:
                print(f"  {outcome.name} {name}")
    if passed + failed == 0:
        print("\nno test ran")
    if small:
        print(f"\n{PART}")
    tail = f", {skipped} skipped" if skipped else ""
    print(f"\n{passed} passed, {failed} failed{tail}")
    return 1 if failed or passed == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("--tests", type=pathlib.Path, default=ROOT / "tests", help="scripts' tree")
    parser.add_argument("--programs-only", action="store_true", help="no scripts")
    parser.add_argument("--small", action="store_true",
                        help="test-sim: a tenth of the seeds; test-explore: half of the scenarios, "
                             "those with few states; for a build beside one that does all of it")
    parser.add_argument("--only", metavar="TEXT", help="only programs whose path contains TEXT")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one program")
    args = parser.parse_args()
    args.build = args.build.resolve()
    args.tests = args.tests.resolve()

    if args.small:
        print(PART)
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        pending = [pool.submit(run_job, job, args) for job in find_jobs(args)]
        for future in concurrent.futures.as_completed(pending):
            outcomes.append(future.result())
            show(outcomes[-1])
    outcomes.sort(key=lambda o: o.name)
    return summary(outcomes, args.small)


if __name__ == "__main__":
    sys.exit(main())
