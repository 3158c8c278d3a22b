#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Has every attack on the list an answer and a test?

tools/security.csv says what is done about each. A test shows an id when its name has it
(t_MAL_29_ack_loop), when a comment above it or a line in it mentions it, or, for scripts and fuzz
targets, when the file does. The last column holds a reason where there is no test.
--write makes docs/security.md; an outdated one is an error.
"""

import csv
import re
import sys

import source

ID = re.compile(r"\b(MAL-\d\d|SEC-[0-9A-Z]+-\d+)\b")
TEST = re.compile(r"^Test\((\w+),\s*(\w+)")
DOC = "docs/security.md"
SHOWN = 3


def names_of(path, line, lines, starts):
    """The name of the test that line (from 0) belongs to, or the file's."""
    before = max((s for s in starts if s <= line), default=None)
    after = min((s for s in starts if s > line), default=None)
    inside = before is not None and not any(text.startswith("}") for text in lines[before:line])
    at = before if inside else after
    if path.suffix == ".c" and at is not None:
        match = TEST.match(lines[at])
        return f"{match[1]}/{match[2]}"
    return path.as_posix()


def shown_by(root, known):
    """id to the names of what shows it, those that carry it in their name first."""
    found = {}
    for path in source.files(root, "tests", suffixes={".c", ".pkt"}):
        lines = source.text(root, path).split("\n")
        starts = [n for n, text in enumerate(lines) if TEST.match(text)]
        for number, text in enumerate(lines):
            for name in set(ID.findall(text)):
                found.setdefault(name, []).append(names_of(path, number, lines, starts))
        for start in starts:
            match = TEST.match(lines[start])
            words = match[2].removeprefix("t_").split("_")
            for name in ("-".join(words[:2]), "-".join(words[:3])):
                if match[2].startswith("t_") and name in known:
                    found.setdefault(name, []).insert(0, f"{match[1]}/{match[2]}")
    return {name: list(dict.fromkeys(tests)) for name, tests in found.items()}


def document(table, shown, end):
    """The text of docs/security.md: the table, and after it what is written by hand."""
    lines = [
        "# Attacks and answers", "",
        "Written by `tools/check_security.py --write` from `tools/security.csv`, the ids in "
        "`tests/`, and `tools/security.md.in`; do not edit.", "",
        "| id | what comes | what Gannet does | shown by |",
        "|---|---|---|---|",
    ]
    for name, threat, answer, untested in table:
        tests = shown.get(name, [])
        cell = "<br>".join(f"`{t}`" for t in tests[:SHOWN])
        if len(tests) > SHOWN:
            cell += f"<br>and {len(tests) - SHOWN} more"
        lines.append(f"| {name} | {threat} | {answer} | {cell or untested} |")
    return "\n".join(lines) + "\n" + end


def options(parser):
    """Options of the command line."""
    parser.add_argument("--write", action="store_true", help=f"write {DOC}")


def main():
    args = source.root_argument(__doc__.split("\n", maxsplit=1)[0], options)
    with open(args.root / "tools" / "security.csv", newline="", encoding="utf-8") as stream:
        table = list(csv.reader(stream))[1:]
    known = {row[0] for row in table}
    shown = shown_by(args.root, known)
    problems = [f"there is no {name}: {shown[name][0]}" for name in sorted(set(shown) - known)]
    for name, _, _, untested in table:
        if name not in shown and len(untested) < 20:
            problems.append(f"{name} has neither a test nor a reason in tools/security.csv")
        elif name in shown and untested:
            problems.append(f"{name} has a test: tools/security.csv needs no reason")
    end = args.root / "tools" / "security.md.in"
    text = document(table, shown, end.read_text(encoding="utf-8") if end.exists() else "")
    if args.write:
        (args.root / DOC).write_text(text, encoding="utf-8")
    elif not (args.root / DOC).exists() or source.text(args.root, DOC) != text:
        problems.append(f"{DOC} is out of date: 'make rfc' writes it")
    return source.report("check_security", problems,
                         f"{len(known & set(shown))} of {len(table)} attacks have a test")


if __name__ == "__main__":
    sys.exit(main())
