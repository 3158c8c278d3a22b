#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Is every numbered requirement of RFC 9293 (Appendix B) done, and tested?

An id (MUST-8, SHLD-3, MAY-12, REC-1) is covered when it stands in a comment of src/ at the line
that does it and in a test of tests/, or when tools/rfc9293_reasons.csv says why not. A script
(*.pkt) may also have it in its name. The number of covered ids may only rise:
tools/rfc9293_ratchet.txt holds it, --raise lifts it.
--write makes docs/rfc9293.md; once all ids are covered, an outdated one is an error.
"""

import csv
import re
import sys

import source

ID = re.compile(r"\b((?:MUST|SHLD|MAY|REC)-\d+)\b")
# Tests of the checks themselves mention ids without testing them.
NOT_A_TEST = "house"
HEAD = re.compile(r"(?=[A-Za-z_])(?:[\w \*]*[ \*])?(\w+)\(")
TEST = re.compile(r"Test\((\w+), (\w+)")
DOC = "docs/rfc9293.md"
RATCHET = "tools/rfc9293_ratchet.txt"


def read_table(root, name, columns):
    """Rows of a CSV file in tools/ whose heading must be these columns."""
    with open(root / "tools" / name, newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    if not rows or rows[0] != columns or any(len(row) != len(columns) for row in rows):
        sys.exit(f"tools/{name}: expected the columns {','.join(columns)}")
    return rows[1:]


def functions(lines):
    """For each line of C the function or test that it is in, or that it stands before; "" if none.

    Functions end with "}" in the first column. The document names them and not lines, so that it
    does not age with every edit.
    """
    names = [""] * len(lines)
    start, name = 0, ""
    for number, line in enumerate(lines):
        head, test = HEAD.match(line), TEST.match(line)
        if head:
            name = f"{test[1]}::{test[2]}" if test else f"{head[1]}()"
        if line.startswith("}"):
            names[start:number + 1] = [name] * (number + 1 - start)
        if line.startswith("}") or line.endswith(";") and line[0] != " ":
            start, name = number + 1, ""
    return names


def places(root, *tops):
    """id to the list of (file, line, function) that mention it, one per file and line."""
    found = {}
    for path in source.files(root, *tops):
        if path.parts[:2] == ("tests", NOT_A_TEST):
            continue
        lines = source.text(root, path).split("\n")
        inside = functions(lines) if path.suffix == ".c" else [""] * len(lines)
        if path.suffix == ".pkt":
            lines[0] += " " + path.stem
        for number, line in enumerate(lines, 1):
            for name in set(ID.findall(line)):
                found.setdefault(name, []).append((path, number, inside[number - 1]))
    return found


def links(found):
    """Places as Markdown links from docs/: the first three functions, the first script."""
    shown = {False: [], True: []}
    for path, _, function in found:
        link = f"[{path.as_posix()}](../{path.as_posix()}) {function}".rstrip()
        kind = shown[path.suffix == ".pkt"]
        if link not in kind:
            kind.append(link)
    more = ["and more"] * (len(shown[False]) > 3 or len(shown[True]) > 1)
    return "<br>".join(shown[False][:3] + shown[True][:1] + more)


def document(table, done, tested, reasons):
    """The text of docs/rfc9293.md."""
    covered = sum(is_covered(row[0], done, tested, reasons) for row in table)
    lines = [
        "# RFC 9293, requirement by requirement", "",
        "Written by `make rfc` from the ids in the comments of `src/` and `tests/`; do not edit.",
        f"{covered} of {len(table)} numbered requirements of Appendix B are covered.", "",
        "| id | section | meaning | done | tested |",
        "|---|---|---|---|---|",
    ]
    for name, section, meaning in table:
        where, test = links(done.get(name, [])), links(tested.get(name, []))
        if name in reasons:
            where = f"{where}<br>{reasons[name]}" if where else reasons[name]
        lines.append(f"| {name} | {section} | {meaning} | {where or '–'} | {test or '–'} |")
    return "\n".join(lines) + "\n"


def is_covered(name, done, tested, reasons):
    """Done and tested, or excused."""
    return name in reasons or (name in done and name in tested)


def check_names(table, done, tested, reasons):
    """Problems with ids that do not exist and with reasons that excuse nothing."""
    known = {row[0] for row in table}
    problems = []
    for found in (done, tested):
        for name in sorted(set(found) - known):
            path, line, _ = found[name][0]
            problems.append(f"{path}:{line}: there is no {name} in RFC 9293")
    for name, reason in reasons.items():
        if name not in known:
            problems.append(f"tools/rfc9293_reasons.csv: there is no {name} in RFC 9293")
        elif len(reason) < 20:
            problems.append(f"tools/rfc9293_reasons.csv: {name}: that is no reason: '{reason}'")
        elif name in done and name in tested:
            problems.append(f"tools/rfc9293_reasons.csv: {name} is done and tested, no reason needed")
    return problems


def check_ratchet(root, covered, lift):
    """The number of covered ids may not fall; with lift, write the new one."""
    path = root / RATCHET
    least = int(path.read_text(encoding="utf-8").split()[0])
    if covered < least:
        return [f"{RATCHET}: only {covered} ids are covered, it was {least} before"]
    if covered > least and lift:
        path.write_text(f"{covered} ids of RFC 9293 are covered; this number may only rise\n",
                        encoding="utf-8")
    elif covered > least:
        print(f"check_rfc: {covered} ids are covered now, "
              f"'tools/check_rfc.py --raise' lifts the ratchet from {least}")
    return []


def options(parser):
    """Options of the command line."""
    parser.add_argument("--write", action="store_true", help=f"write {DOC}")
    parser.add_argument("--raise", dest="lift", action="store_true", help="lift the ratchet")
    parser.add_argument("--missing", action="store_true", help="list what is not covered")


def main():
    args = source.root_argument(__doc__.split("\n", maxsplit=1)[0], options)
    root = args.root
    table = read_table(root, "rfc9293.csv", ["id", "section", "meaning"])
    reasons = dict(read_table(root, "rfc9293_reasons.csv", ["id", "reason"]))
    done, tested = places(root, "src"), places(root, "tests")
    missing = [row for row in table if not is_covered(row[0], done, tested, reasons)]
    covered = len(table) - len(missing)
    if args.missing:
        for name, section, meaning in missing:
            lack = ", ".join(w for w, f in (("not done", done), ("not tested", tested))
                             if name not in f)
            print(f"{name} ({section}): {lack}: {meaning}")
    problems = check_names(table, done, tested, reasons)
    problems += check_ratchet(root, covered, args.lift)
    text = document(table, done, tested, reasons)
    if args.write:
        (root / DOC).write_text(text, encoding="utf-8")
    elif not missing and (not (root / DOC).exists() or source.text(root, DOC) != text):
        problems.append(f"{DOC} is out of date: 'make rfc' writes it")
    ids = {row[0] for row in table}
    return source.report(
        "check_rfc", problems,
        f"{covered} of {len(table)} ids covered ({len(ids & set(done))} in src/, "
        f"{len(ids & set(tested))} in tests/, {len(reasons)} with a reason)")


if __name__ == "__main__":
    sys.exit(main())
