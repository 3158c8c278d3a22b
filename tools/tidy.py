#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What no file of this tree may contain: the house rules that a pattern can see."""

import re
import sys

import source

C_SUFFIXES = {".c", ".h", ".def"}
SOURCE_SUFFIXES = C_SUFFIXES | {".py", ".sh", ".cmake"}
# Files that are data of tests, not text of ours.
DATA = {".pcap", ".pcapng", ".bin", ".svg", ".png", ".snap", ".patch"}
TABS_ALLOWED = {"Makefile"}

# In C code, comments and strings taken out: (pattern, what is wrong).
C_RULES = [
    (re.compile(r"\b(v?sprintf|strcpy|strcat|strncpy|strtok|gets|ato[ifl]|atoll|s?rand|alloca)\s*\("),
     "{0}() is banned"),
    (re.compile(r"#\s*include\s*<assert\.h>"),
     "<assert.h> is off in release builds: use ASSERT of base/assert.h"),
    (re.compile(r"\(\s*(?:const\s+)?struct\s+(\w*(?:hdr|header)\w*)\s*\*\s*\)"),
     "cast to struct {0}: read bytes with get16(), get32(), ... instead"),
    (re.compile(r"__attribute__\s*\(\(\s*(?:__)?packed"),
     "packed struct: wire formats are read and written byte by byte"),
    (re.compile(r"\b(asm|__asm|__asm__)\b(?:\s*(?:volatile|__volatile__))?\s*\("),
     "{0}: no assembly, which no other check sees through"),
    (re.compile(r"__attribute__\s*\(\(\s*(?:__)?((?:con|de)structor)"),
     "{0}: nothing runs before main() or after it"),
    (re.compile(r"^[ \t]*#[ \t]*include[ \t]+([A-Za-z_]\w*)", re.M),
     "include of the macro {0}: name the file, that its layer can be seen"),
]
# In the text of any file. Written so that they do not match themselves.
TEXT_RULES = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"), "{0}: finish it or leave it out"),
    (re.compile(r"(?<![\w.$}])(/(?:ho" r"me|ro" r"ot|wo" r"rk)/\w*)"), "{0}: a path of one machine"),
    (re.compile(r"([ \t]+)$", re.M), "blanks at the end of the line"),
    (re.compile(r"\r"), "carriage return"),
    (re.compile(r"\A((?:<<<<<<<|>>>>>>>) )", re.M), "conflict marker"),
]
TAB = re.compile(r"\t")
SPDX = "SPDX-License-Identifier: BSD-2-Clause"


def find(path, text, pattern, message):
    """One problem for each match."""
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: {message.format(*match.groups())}"


def needs_licence(path, text):
    """Is this a source file, by suffix or by its first line?"""
    return path.suffix in SOURCE_SUFFIXES or text.startswith("#!") or \
        path.name in ("CMakeLists.txt", "Makefile")


def check(root, path):
    """All that is wrong with a file."""
    text = source.text(root, path)
    problems = []
    if needs_licence(path, text) and SPDX not in "\n".join(text.split("\n", 2)[:2]):
        problems.append(f"{path}:1: no {SPDX} in the first two lines")
    if text and not text.endswith("\n"):
        problems.append(f"{path}: no newline at the end")
    if text.endswith("\n\n"):
        problems.append(f"{path}: empty line at the end")
    for pattern, message in TEXT_RULES:
        problems += find(path, text, pattern, message)
    if path.name not in TABS_ALLOWED:
        problems += find(path, text, TAB, "tab")
    if path.suffix in C_SUFFIXES:
        code = source.code_only(text)
        for pattern, message in C_RULES:
            problems += find(path, code, pattern, message)
    return problems


def is_text(root, path):
    """Not data of tests, and no NUL in it."""
    return path.suffix not in DATA and b"\0" not in (root / path).read_bytes()[:4096]


def main():
    root = source.root_argument(__doc__).root
    paths = [p for p in source.files(root) if is_text(root, p)]
    problems = [problem for path in paths for problem in check(root, path)]
    if not paths:
        problems.append("no files found")
    return source.report("tidy", problems, f"{len(paths)} files")


if __name__ == "__main__":
    sys.exit(main())
