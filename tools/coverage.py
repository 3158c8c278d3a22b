#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lines covered by the tests, per layer and for the files with the most lines not covered."""

import argparse
import collections
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read_counts(build):
    """file: line: how often it was run, summed over all objects of src/."""
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    notes = [str(p.resolve()) for p in (build / "src").rglob("*.gcda")]
    with tempfile.TemporaryDirectory() as directory:
        for note in notes:
            subprocess.run(["gcov", "--json-format", note], cwd=directory, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for report in pathlib.Path(directory).glob("*.gcov.json.gz"):
                with gzip.open(report) as stream:
                    for entry in json.load(stream)["files"]:
                        for line in entry["lines"]:
                            counts[entry["file"]][line["line_number"]] += line["count"]
                report.unlink()
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    layers = collections.defaultdict(lambda: [0, 0])
    worst = []
    for name, lines in read_counts(parser.parse_args().build).items():
        path = pathlib.Path(name)
        if not path.is_relative_to(ROOT / "src"):
            continue
        path = path.relative_to(ROOT)
        run = sum(1 for count in lines.values() if count)
        layers[path.parts[1]][0] += run
        layers[path.parts[1]][1] += len(lines)
        worst.append((len(lines) - run, path, run, len(lines)))
    if not worst:
        sys.exit("coverage.py: no counters; run the tests of a GN_COVERAGE build first")
    for layer, (run, total) in sorted(layers.items()):
        print(f"{layer:12} {100 * run / total:5.1f} %  {run} of {total} lines")
    print()
    for lack, path, run, total in sorted(worst, reverse=True)[:15]:
        print(f"{lack:5} lines not run: {path} ({100 * run / total:.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
