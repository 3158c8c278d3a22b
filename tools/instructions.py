#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How many instructions gannet-bench executes for one segment, one connection, one SYN, against
the counts that are kept in tests/bench/instructions.json. Prints TAP.

Instructions, not time: callgrind counts the same on a busy machine as on an idle one, so a few per
cent more are seen at once. Each workload runs twice, once longer than the other; the difference is
what the additional units cost, and everything that happens once falls out. Left out are the copies
of the C library, whose instructions depend on the processor. Another compiler gives other counts:
then nothing is compared.

A count that has changed by more than the tolerance, up or down, is a failure: what was won is
written down, too. After a change that is meant: tools/instructions.py --write, and commit the file.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "tests/bench/instructions.json"
TOLERANCE = 0.03
MOVERS = 12  # functions to name
NOTED = 0.004  # share of a unit from which on a function is written down

# name: (unit, arguments, key that grows, from, to, units of one step of the key)
MSS = 1 / 1460
COUNTS = {
    "bulk": ("1460 octets", "bulk window=256k timestamps=1", "bytes", 2000000, 10000000, MSS),
    "bulk, 4 MiB": ("1460 octets", "bulk window=4m timestamps=1", "bytes", 8000000, 16000000, MSS),
    "super-segments": ("1460 octets", "bulk super=1 window=256k timestamps=1", "bytes", 8000000,
                       40000000, MSS),
    "churn": ("connection", "churn timestamps=1", "total", 2000, 5000, 1.1),
    "ping": ("ping", "ping n=1 at_once=1 timestamps=1", "pings", 1000, 5000, 1),
    "ping, 1000": ("ping", "ping n=1000 timestamps=1", "pings", 1000, 5000, 1),
    "flood": ("SYN", "flood clients=1 cpu_s=100000", "syns", 2000, 8000, 1),
}
# name: (unit, arguments, figure): exact octets, no instructions
OCTETS = {"idle": ("octets per end", "idle n=10000 timestamps=1 runs=1 stacks=gannet --json",
                   "allocated per end")}
COPIES = re.compile(r"(mem(cpy|move|set|pcpy)|__mem(cpy|move|set))")
NAME = re.compile(r"^fn=\((\d+)\)(?: (.*))?$")


def self_cost(path):
    """Instructions of each function itself, from a callgrind file."""
    names, cost, current, skip = {}, collections.Counter(), None, False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = NAME.match(line)
        if match:
            if match[2]:
                names[match[1]] = match[2]
            current = names[match[1]]
        elif line.startswith("cfn=("):
            number, _, text = line[5:].partition(")")
            if text:
                names[number] = text.strip()
        elif line.startswith("calls="):
            skip = True  # the next line is the cost of the callee
        elif line[:1] in "+-*0123456789" and current:
            fields = line.split()
            if not skip and len(fields) > 1:  # a cost of nothing is left out
                cost[current] += int(fields[1])
            skip = False
    return cost


def plain(name):
    """A function's name without what the compiler appended to it."""
    return re.sub(r"(\.(lto_priv|constprop|part|isra|cold)(\.\d+)*)+$", "", name)


def run(program, arguments):
    """Self costs of one run, all processes together."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "-q", "--tool=callgrind",
                   f"--callgrind-out-file={directory}/out.%p", str(program), *arguments.split(),
                   "runs=1", "stacks=gannet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        total = collections.Counter()
        for path in pathlib.Path(directory).glob("out.*"):
            for name, n in self_cost(path).items():
                if not COPIES.match(name):
                    total[plain(name)] += n
    return total


def count(program, row):
    """{function: instructions per unit} of a row of COUNTS, the sum under ''."""
    _, arguments, key, low, high, factor = row
    more = run(program, f"{arguments} {key}={high}")
    more.subtract(run(program, f"{arguments} {key}={low}"))
    units = (high - low) * factor
    each = {name: n / units for name, n in more.items()}
    total = sum(each.values())
    each = {name: round(n, 1) for name, n in each.items() if abs(n) >= NOTED * total}
    each[""] = round(total, 1)
    return each


def octets(program, row):
    """The figure of a row of OCTETS."""
    done = subprocess.run([str(program), *row[1].split()], capture_output=True, text=True,
                          check=True)
    figures = json.loads(done.stdout)["stacks"][0]["figures"]
    return {"": round(next(f["median"] for f in figures if f["name"] == row[2]), 1)}


def compiler():
    """What the release build was compiled with."""
    cache = (ROOT / "build/CMakeCache.txt").read_text(encoding="utf-8")
    cc = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache, re.M)[1]
    text = subprocess.run([cc, "--version"], capture_output=True, text=True, check=True).stdout
    return f"{os.uname().machine} {text.splitlines()[0]}"


def movers(old, new):
    """The functions whose share has changed most, as lines."""
    moved = {n: new.get(n, 0) - old.get(n, 0) for n in {*old, *new} - {""}}
    names = sorted(moved, key=lambda n: -abs(moved[n]))[:MOVERS]
    return [f"#   {moved[n]:+9.1f}  {n} ({old.get(n, 0):.1f} -> {new.get(n, 0):.1f})"
            for n in names if abs(moved[n]) >= 1]


def judge(number, name, unit, old, new):
    """One TAP line, and what moved if it was too much; True if good."""
    if old is None:
        print(f"not ok {number} - {name}: {new['']} per {unit} is not in {BASELINE.name}")
        return False
    change = new[""] / old[""] - 1
    good = abs(change) <= TOLERANCE
    print(f"{'ok' if good else 'not ok'} {number} - {name}: {new['']} per {unit} "
          f"({change:+.1%} of {old['']})", flush=True)
    if not good:
        print("\n".join(movers(old, new)))
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/gannet-bench")
    parser.add_argument("--baseline", type=pathlib.Path, default=BASELINE)
    parser.add_argument("--write", action="store_true", help=f"keep the counts in {BASELINE.name}")
    parser.add_argument("--only", default="", help="rows whose names begin with this")
    parser.add_argument("--all", action="store_true", help="print every function written down")
    args = parser.parse_args()
    if not shutil.which("valgrind") or not args.program.exists():
        print(f"1..0 # SKIP no valgrind, or no {args.program}")
        return 0
    kept = {}
    if args.baseline.exists():
        kept = json.loads(args.baseline.read_text(encoding="utf-8"))
    ours = compiler()
    if not args.write and kept.get("compiler") != ours:
        print(f"1..0 # SKIP counted with {kept.get('compiler')}, not with {ours}")
        return 0
    rows = {n: (r, count) for n, r in COUNTS.items()} | {n: (r, octets) for n, r in OCTETS.items()}
    good, number, found = True, 0, dict(kept.get("counts", {}))
    for name, (row, measure) in rows.items():
        if not name.startswith(args.only):
            continue
        number += 1
        new = measure(args.program, row)
        good &= judge(number, name, row[0], kept.get("counts", {}).get(name), new)
        found[name] = new
        if args.all:
            for function, n in sorted(new.items(), key=lambda item: -item[1]):
                print(f"#   {n:9.1f}  {function}")
    print(f"1..{number}")
    if args.write:
        args.baseline.write_text(json.dumps({"compiler": ours, "counts": found}, indent=1,
                                            sort_keys=True) + "\n", encoding="utf-8")
        print(f"# written: {args.baseline}")
        return 0
    if not good:
        print("# more or less than 3 %: if the change is meant, run  tools/instructions.py --write"
              "  and commit tests/bench/instructions.json")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
