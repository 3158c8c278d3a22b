#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run every libFuzzer target of a directory for so many seconds of CPU time, several side by side.

They begin with the kept inputs, tests/fuzz/corpus/NAME.bin (tools/corpus.py). What they learn stays in
build/fuzz/corpus for the next time, what they find in build/fuzz/found. CPU time is counted, not the
clock, so that an hour is an hour on a busy machine too.

usage: fuzz.py DIRECTORY SECONDS [--jobs N] [TARGET[=SECONDS]...]
"""
import argparse
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "fuzz"
TURN = 120  # seconds by the clock, after which a target's CPU time is looked at
LIMITS = ["-max_len=1500", "-timeout=100", "-print_final_stats=1"]
UNITS = re.compile(r"^stat::number_of_executed_units: (\d+)", re.M)

say_lock = threading.Lock()


def say(text):
    with say_lock:
        print(text, flush=True)


def corpus_of(name):
    """The directory the target learns in, filled with the kept inputs."""
    corpus = WORK / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    kept = ROOT / "tests" / "fuzz" / "corpus" / f"{name}.bin"
    if kept.exists():
        subprocess.run([ROOT / "tools" / "corpus.py", "unpack", kept, corpus], check=True, stdout=subprocess.DEVNULL)
    return corpus


def turn(program, corpus, seconds):
    """One run. Returns what it executed (None: it ended by a finding), its CPU time and its output."""
    command = [program, f"-max_total_time={seconds}", *LIMITS, f"-artifact_prefix={WORK}/found/{program.name}-", corpus]
    log = WORK / f"{program.name}.log"
    with log.open("w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    units = UNITS.search(log.read_text(errors="replace"))
    executed = int(units.group(1)) if units and child.returncode == 0 else None
    return executed, usage.ru_utime + usage.ru_stime, log


def fuzz(program, seconds):
    """Turns of one target until it has had its time. Returns a row of the table."""
    corpus, total, used = corpus_of(program.name), 0, 0.0
    while used < seconds:
        executed, cpu, log = turn(program, corpus, max(1, min(TURN, round(seconds - used))))
        used += cpu
        if executed is None:
            say("".join(log.read_text(errors="replace").splitlines(True)[-40:]))
            return program.name, total, used, f"SOMETHING FOUND: {log}, {WORK}/found"
        total += executed
        say(f"   {program.name:<12} {total:>12} executions, {used:6.0f} of {seconds} s of CPU time")
    return program.name, total, used, "nothing found"


def chosen(arguments):
    """(program, seconds) of each target that is asked for, all if none is named; the longest first."""
    programs = {p.name: p for p in sorted(Path(arguments.directory).resolve().glob("fuzz_*")) if os.access(p, os.X_OK)}
    if not programs:
        sys.exit(f"fuzz.py: no fuzz_* program in {arguments.directory}")
    wanted = []
    for word in arguments.target or programs:
        name, _, seconds = word.partition("=")
        if name not in programs or (seconds and not seconds.isdigit()):
            sys.exit(f"fuzz.py: {word}: TARGET[=SECONDS] wanted, TARGET one of {' '.join(programs)}")
        wanted.append((programs[name], int(seconds or arguments.seconds)))
    return sorted(wanted, key=lambda pair: -pair[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("seconds", type=int)
    parser.add_argument("target", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    (WORK / "found").mkdir(parents=True, exist_ok=True)
    wanted = chosen(arguments)
    say(f"== {len(wanted)} targets, {sum(s for _, s in wanted)} s of CPU time, {arguments.jobs} at a time")
    with ThreadPoolExecutor(arguments.jobs) as pool:
        rows = list(pool.map(lambda pair: fuzz(*pair), wanted))
    table = "".join(f"{n:<12} {e:>12} executions, {c:6.0f} s of CPU time, {what}\n" for n, e, c, what in sorted(rows))
    total = f"{'in all':<12} {sum(r[1] for r in rows):>12} executions, {sum(r[2] for r in rows):6.0f} s of CPU time\n"
    (WORK / "executions").write_text(table + total)
    say("\n" + table + total)
    return 0 if all(r[3] == "nothing found" for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
