#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run our scripts with packetdrill as its authors publish it, against libgannet-packetdrill.so.

usage: tools/stock_scripts.py PACKETDRILL [--so FILE] [--only TEXT]

PACKETDRILL is no part of this tree: fetch and build it elsewhere. stock_scripts.csv names the scripts that
stock packetdrill cannot run, with the reason; all others have to pass. Exit status 1 if one does
not, or if one that is named passes.
"""
import argparse
import concurrent.futures
import csv
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tests/script"
REASONS = ROOT / "tools/stock_scripts.csv"
SO = ROOT / "build/lib/libgannet-packetdrill.so"
SECONDS = 60
COMMAND = re.compile(r"`([^`]*)`")
MTU = re.compile(r"^--mtu=(\d+)", re.M)


def flags_of(text):
    """--so_flags: what gannet-script has by default, and the knobs that the script sets."""
    flags = {"tso": "0", "tcp_quickacks": "0"}
    for command in COMMAND.findall(text):
        for word in command.split():
            name, equals, value = word.removeprefix("net.ipv4.").partition("=")
            if equals:
                flags[name] = value
    if mtu := MTU.search(text):
        flags["mtu"] = mtu[1]
    return ",".join(f"{name}={value}" for name, value in flags.items())


def run(packetdrill, so, script):
    """What packetdrill complained of; empty: it passes."""
    command = [packetdrill, f"--so_filename={so}", f"--so_flags={flags_of(script.read_text())}", str(script)]
    preloaded = {**os.environ, "LD_PRELOAD": str(so)}  # for assertions about TCP_INFO
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=preloaded, check=False)
    except subprocess.TimeoutExpired:
        return f"not over after {SECONDS} s"
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return "" if done.returncode == 0 else (said or [f"status {done.returncode}"])[0]


def reason(name, reasons):
    """Why stock packetdrill cannot run it, or None."""
    return next((why for pattern, why in reasons if fnmatch.fnmatch(name, pattern)), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("packetdrill")
    parser.add_argument("--so", type=pathlib.Path, default=SO)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    with REASONS.open(newline="", encoding="utf-8") as file:
        reasons = [(row["script"], row["reason"]) for row in csv.DictReader(file)]
    scripts = [p for p in sorted(SCRIPTS.rglob("*.pkt")) if "errors" not in p.parts and args.only in str(p)]
    passed = named = wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for script, said in zip(scripts, pool.map(lambda s: run(args.packetdrill, args.so.resolve(), s), scripts)):
            name = str(script.relative_to(SCRIPTS))
            why = reason(name, reasons)
            passed += not said
            named += bool(said and why)
            if bool(said) != bool(why):
                wrong += 1
                print(f"{name}: {said or 'passes, but stock_scripts.csv says: ' + why}")
    print(f"{passed} passed, {named} cannot be run by stock packetdrill (stock_scripts.csv), {wrong} wrong")
    return 1 if wrong or not scripts else 0


if __name__ == "__main__":
    sys.exit(main())
