#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the tables of tests/table and docs/goodput.md, with its plots, from a built gannet.

usage: tools/goodput.py [--tables] [--program PROGRAM] [NAME...]

Without --tables, the page alone is written, from the tables that there are. All of them take some
minutes (goodput-10g longest).
"""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDER = ["goodput", "goodput-10g", "burst", "reorder", "ackloss", "share", "bloat", "tail"]
TITLE = {
    "goodput": "Loss, round-trip time and rate",
    "goodput-10g": "The same at 10 Gbit/s",
    "burst": "Bursts of losses",
    "reorder": "Reordering",
    "ackloss": "Lost ACKs",
    "share": "Fairness and convergence",
    "bloat": "Queues that are too long",
    "tail": "Short flows",
}
PLOTS = {
    "goodput-clean.svg": ["--rate", "20000", "--rtt", "40", "--seconds", "30"],
    "goodput-lossy.svg": ["--rate", "20000", "--rtt", "40", "--loss", "1000", "--seconds", "30"],
    "goodput-bbr.svg": ["--cc", "bbr", "--rate", "20000", "--rtt", "40", "--seconds", "30"],
    "goodput-bbr-lossy.svg": ["--cc", "bbr", "--rate", "20000", "--rtt", "40", "--loss", "10000",
                              "--seconds", "30"],
}
BEGINNING = """# Goodput

Written by `tools/goodput.py` from `tests/table/*.txt`; `make test` computes most of the rows again and
compares them octet by octet, all of them with `GN_LONG=1`. Everything happens in virtual time between
two hosts with a bottleneck between them, so the figures are the same on every machine. Knobs have
their defaults, but for the largest buffer sizes, which are no limit here; buffers grow by themselves.
A full segment carries 1448 octets: 1460 less timestamps. The column `%` sets what was reached against
the limit; a flow that lives on losses at random can be lucky and pass 100. `rto` counts timeouts,
`resent` segments sent again. Response functions ignore timeouts, so that at 3 % they promise more than
any algorithm of their kind can hold.

`gannet sim --table NAME` prints a table, `gannet sim --plot FILE.svg` draws one flow.

![one flow without losses but those of the queue](goodput-clean.svg)

![one flow with 0.1 % loss](goodput-lossy.svg)

BBR has no response function, so its limit is the link. It paces at what it measures while round trips
near the lowest show that no queue stands, and one percent below it otherwise; where none is near the
lowest for five seconds, it halves its flight for 200 ms to measure one, which is another 2 %. Losses at
random below 2 % (its LossThresh) cost no more than they are, for a count of them must be beyond chance
to be taken for congestion (the draft's way, `tcp_bbr_loss_spread=0`: 88 % at 1 %, 20 ms and 100
Mbit/s); where few segments are in flight each loss counts. Beyond 2 % it gives way, the sooner the more
segments are in flight.

A row is one short run, and BBR's rows have luck in them: a start-up that overran the queue, or a probe
that took losses for too much in flight, costs up to 30 % until the next probe, one to three seconds
later. At 300 ms the probes are few.

![one flow of BBR](goodput-bbr.svg)

![one flow of BBR with 1 % loss](goodput-bbr-lossy.svg)
"""


def sim(program, *arguments):
    """Standard output of `gannet sim ...`."""
    return subprocess.run([program, "sim", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def section(name):
    """One table as it stands in the page, or nothing if it was never computed."""
    path = ROOT / "tests/table" / f"{name}.txt"
    if not path.is_file():
        return ""
    lines = path.read_text().splitlines()[1:]
    body = next(i for i, line in enumerate(lines) if " |" in line)
    return "\n".join([f"\n## {TITLE[name]}\n", *lines[:body], "\n```", *lines[body:], "```", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="compute the tables (or those named)")
    parser.add_argument("--program", default=str(ROOT / "build/bin/gannet"))
    parser.add_argument("name", nargs="*", choices=[[], *ORDER], default=[])
    wanted = parser.parse_args()
    if wanted.tables:
        for name in wanted.name or ORDER:
            text = sim(wanted.program, "--table", name)
            (ROOT / "tests/table" / f"{name}.txt").write_text(text)
    for name, arguments in PLOTS.items():
        sim(wanted.program, "--plot", str(ROOT / "docs" / name), *arguments)
    (ROOT / "docs/goodput.md").write_text(BEGINNING + "".join(map(section, ORDER)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
