#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run public packetdrill scripts against Gannet and say what came of each.

usage: tools/public_scripts.py PACKETDRILL SCRIPTS [--only TEXT] [-v] [--write]

PACKETDRILL is the program as its authors publish it, SCRIPTS the directory gtests/net/tcp beside
its sources. Neither is part of this tree: fetch and build them elsewhere. A script's shell commands
are not run; the knobs that they (and the defaults.sh that they name) would set in a kernel are set
in Gannet, in as far as it has them. The same image of the shared object is loaded and preloaded, so
that assertions about TCP_INFO hold of Gannet's sockets.

tools/public_scripts.csv has a line for each script that does not pass: what is said about it and,
perhaps, an edit ("pattern=>replacement", several with ";;" between) with which it has to pass.
--write makes docs/packetdrill.md of results and lines. Exit status 1 if a script neither passes nor
has a line, or has one and passes.
"""

import argparse
import collections
import concurrent.futures
import csv
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs/packetdrill.md"
LINES = ROOT / "tools/public_scripts.csv"
SECONDS = 30

COMMAND = re.compile(r"`([^`]*)`", re.S)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|`[^`]*`", re.S)
EVENT = re.compile(r"^[ \t]*[+\d]", re.M)
SHELL = re.compile(r"\S*defaults\.sh\b")
SETTING = re.compile(r"(?:/proc/sys/net/ipv4/|net[./]ipv4[./])(\w+)=(\"[^\"]*\"|[\w.-]+)")
PRODUCT = re.compile(r"\$\(\(([\d* ]+)\)\)")
VERDICTS = {
    "missing": "Gannet has not got it",
    "open": "not judged yet",
    "rfc": "the script wants what an RFC forbids or advises against",
    "linux": "the RFCs leave it open, and Linux does otherwise",
    "old": "Linux 6.18 fails too, and does as Gannet does: the script is of an older one",
    "scope": "a facility of Linux that is no part of TCP as the RFCs have it",
    "door": "packetdrill's door to shared objects has no way to do it",
}
# packetdrill's options and Gannet's flags for each way in which the authors of the scripts run them
COOKIE, COOKIE_V6 = "3021b9d889017eeb", "c1d1e9742a47a9bc"
V4 = ("--local_ip=192.168.0.1 --gateway_ip=192.168.0.1 --netmask_ip=255.255.0.0 "
      f"--remote_ip=192.0.2.1 -DTFO_COOKIE={COOKIE} -DCODE=host_unreachable ")
V6 = ("--local_ip=fd3d:0a0b:17d6::1 --gateway_ip=fd3d:0a0b:17d6:8888::1 "
      f"--remote_ip=fd3d:fa7b:d17d::1 -DTFO_COOKIE={COOKIE_V6} ")
BY_IP = "-DCMSG_LEVEL_IP=SOL_IP -DCMSG_TYPE_RECVERR=IP_RECVERR"
BY_IPV6 = "-DCMSG_LEVEL_IP=SOL_IPV6 -DCMSG_TYPE_RECVERR=IPV6_RECVERR"
VARIANTS = {
    "IPv4": (f"--ip_version=ipv4 {V4} {BY_IP}", []),
    "IPv6": (f"--ip_version=ipv6 {V6} {BY_IPV6}", ["mtu=1520"]),
    "mapped": (f"--ip_version=ipv4-mapped-ipv6 {V4} {BY_IPV6}", []),
}
# Linux has more bits, and passes over them
FASTOPEN_BITS = 0x607
# a knob of Linux that is a number there and a choice here
TRUTH = {"tcp_early_retrans", "tcp_frto"}

# bad: what speaks against it, or against its line; None: nothing
Result = collections.namedtuple("Result", "name result bad verdict")


def knobs():
    """Names and units of Gannet's knobs."""
    text = (ROOT / "include/gannet/conf.def").read_text()
    return dict(re.findall(r"^GN_KNOB\((\w+), (\w+)", text, re.M))


def settings(command, directory):
    """(name, value) of every knob that a command sets in a kernel, in order."""
    command = re.sub(r"(?<!\S)#.*$", "", command, flags=re.M)
    for name in SHELL.findall(command):
        shared = directory / name
        if shared.is_file():
            yield from SETTING.findall(re.sub(r"^\s*#.*$", "", shared.read_text(), flags=re.M))
    yield from SETTING.findall(command)


def knobs_of(command, directory, known):
    """Name to value of the knobs that a command sets, those that Gannet has, as Gannet has them."""
    values = {}
    for name, value in settings(command, directory):
        value = PRODUCT.sub(lambda m: str(math.prod(map(int, m[1].split("*")))), value.strip('"'))
        if name in ("tcp_rmem", "tcp_wmem"):
            _, default, most = value.split()
            values[f"{name}_default"], values[f"{name}_max"] = default, most
        elif name in ("tcp_congestion_control", "tcp_fastopen_key"):
            values[name] = value
        elif known.get(name) in ("COUNT", "BOOL", "BYTES"):
            n = int(value, 0)
            if name == "tcp_fastopen":
                n &= FASTOPEN_BITS
            values[name] = str(int(n != 0) if known[name] == "BOOL" or name in TRUTH else n)
    return values


def translate(text, directory, known):
    """A script's text with the commands between events turned into Gannet's, those before the first
    taken out; and these, as flags of the shared object."""
    flags = {"tcp_congestion_control": "cubic"}
    first = EVENT.search(COMMENT.sub(lambda m: "x" * len(m[0]), text))
    first = first.start() if first else len(text)

    def replaced(match):
        values = knobs_of(match[1], directory, known)
        lines = "\n" * match[0].count("\n")
        if match.start() < first:
            flags.update(values)
            return f"`true{lines}`"
        return f"`{' '.join(['gannet'] + [f'{k}={v}' for k, v in values.items()])} {lines}`"

    return COMMAND.sub(replaced, text), [f"{k}={v}" for k, v in flags.items()]


def last_words(text):
    """What packetdrill complained of: its last line that names the script, without the path, and the
    assertion that did not hold."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if ".pkt:" in line] or lines[-1:] or ["no output"]
    broken = [line for line in lines if line.startswith(("AssertionError", "assert "))]
    where = [line for line in said if "error in Python code" in line]
    if broken and where:
        said = [f"{where[-1].split(': ')[0]}: {' '.join(broken)}"]
    return re.sub(r"^\S*/([^/]+\.pkt)", r"\1", said[-1])


def play(path, variant, args, known, edit):
    """One script over one family of addresses; what packetdrill complained of, None: nothing."""
    options, flags = VARIANTS[variant]
    text = path.read_text()
    for part in edit.split(";;") if edit else ():
        text = re.sub(*part.split("=>", maxsplit=1), text, flags=re.M)
    if variant == "IPv6": # some have the cookie of the IPv4 addresses written out
        text = text.replace(COOKIE, COOKIE_V6)
    text, knob_flags = translate(text, path.parent, known)
    flags = ",".join(knob_flags + flags)
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / path.name
        copy.write_text(text)
        argv = [str(args.packetdrill), "--send_omit_free", *options.split(),
                f"--so_filename={args.so}", f"--so_flags={flags}", str(copy)]
        env = dict(os.environ, LD_PRELOAD=str(args.so))
        try:
            done = subprocess.run(argv, env=env, cwd=directory, text=True, errors="replace",
                                  timeout=SECONDS, stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            bad, said = done.returncode, done.stdout
        except subprocess.TimeoutExpired:
            bad, said = True, f"{path.name}: still running after {SECONDS} s"
    if args.verbose and bad:
        print(f"--- {path} {variant}\n{' '.join(argv)}\n{said}")
    return last_words(said) if bad else None


def run_all(path, args, known, edit=None):
    """One script, over all families that it can be run over: what each complained of."""
    failed = {}
    only_v4 = "frag_needed" in path.read_text() # an error that IPv6 does not have
    for variant in VARIANTS:
        if variant == "IPv6" and only_v4:
            continue
        if not path.name.endswith("v4.pkt" if variant == "IPv6" else "v6.pkt"):
            failed[variant] = play(path, variant, args, known, edit)
    return [f"{variant}: {words}" for variant, words in failed.items() if words is not None]


def run(path, args, known, lines):
    """One script as it is and, if it fails and has an edit, edited."""
    name = path.relative_to(args.scripts).as_posix()
    said = run_all(path, args, known)
    line = lines.get(name)
    if not said:
        return Result(name, "passes", "passes, but has a line" if line else None, "")
    over = "" if len(said) == len(VARIANTS) else " over " + ", ".join(w.split(":")[0] for w in said)
    if not line:
        return Result(name, "fails" + over, f"{said[0]} ({len(said)})", "")
    edited = run_all(path, args, known, line["edit"]) if line["edit"] else []
    if edited:
        return Result(name, "fails", f"edited, {edited[0]} ({len(edited)})", "")
    return Result(name, "passes once edited" if line["edit"] else "fails" + over, None, line["verdict"])


def document(results, said):
    """The text of docs/packetdrill.md."""
    counts = collections.Counter(r.result.split(" over")[0] for r in results)
    lines = [
        "# Public packetdrill scripts", "",
        "Written by `tools/public_scripts.py PACKETDRILL SCRIPTS --write` from what came of running "
        "them and, for those that do not pass, `tools/public_scripts.csv`; do not edit.", "",
        "The scripts of [google/packetdrill](https://github.com/google/packetdrill) "
        "(`gtests/net/tcp`) are tests of Linux. Stock packetdrill runs them against "
        "`libgannet-packetdrill.so` in virtual time, over IPv4, IPv6 and IPv4 on IPv6 sockets, with "
        "the knobs that they set; assertions about `TCP_INFO` are run too. A script *passes once "
        "edited* if it does so over all three when what the remark names, and nothing else, is "
        "changed in it.", "",
        f"{len(results)} scripts: {counts['passes']} pass, {counts['passes once edited']} pass once "
        f"edited, {counts['fails']} fail. Of those that do not pass as they are:", "",
    ]
    for verdict, meaning in VERDICTS.items():
        lines.append(f"- {sum(r.verdict == verdict for r in results)} *{verdict}*: {meaning}")
    lines += ["", "| script | result | verdict | RFC | remark |", "|---|---|---|---|---|"]
    for r in results:
        row = said.get(r.name, {"verdict": "", "rfc": "", "note": ""})
        lines.append(f"| {r.name} | {r.result} | {row['verdict']} | {row['rfc']} | {row['note']} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("packetdrill", type=pathlib.Path, help="the program")
    parser.add_argument("scripts", type=pathlib.Path, help="a directory of .pkt files")
    parser.add_argument("--so", type=pathlib.Path,
                        default=ROOT / "build/lib/libgannet-packetdrill.so")
    parser.add_argument("--only", metavar="TEXT", default="", help="scripts whose name contains TEXT")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true", help="all that failing ones say")
    parser.add_argument("--write", action="store_true", help="write docs/packetdrill.md")
    args = parser.parse_args()
    args.packetdrill, args.scripts, args.so = (
        p.resolve() for p in (args.packetdrill, args.scripts, args.so))

    known = knobs()
    said = {row["script"]: row for row in csv.DictReader(LINES.open())}
    paths = sorted(p for p in args.scripts.rglob("*.pkt") if args.only in str(p))
    if not paths:
        sys.exit(f"public_scripts.py: no script in {args.scripts}")
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(lambda p: run(p, args, known, said), paths))
    for r in results:
        if r.bad:
            print(f"{r.name}: {r.bad}")
    bad = sum(r.bad is not None for r in results)
    print(f"{len(results)} scripts, {sum(r.result == 'passes' for r in results)} pass, "
          f"{sum(r.result == 'passes once edited' for r in results)} pass once edited, "
          f"{bad} need a look at {LINES.name}")
    if args.write and bad == 0:
        DOC.write_text(document(results, said))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
