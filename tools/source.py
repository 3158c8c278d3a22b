# SPDX-License-Identifier: BSD-2-Clause
"""What the checks share: which files there are, and C text without comments and strings."""

import argparse
import pathlib
import re
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
SKIP_DIRS = {".git", "build", ".cache", "__pycache__", "corpus"}

_NOISE = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def root_argument(doc, options=None):
    """Parse the command line of a check: an optional root, and what options(parser) adds."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=HOME,
                        help="tree to check (default: this one)")
    if options:
        options(parser)
    return parser.parse_args()


def files(root, *tops, suffixes=None):
    """All files below the given directories (or the whole tree), sorted, relative to root."""
    found = []
    for top in tops or (".",):
        base = root / top
        candidates = [base] if base.is_file() else base.rglob("*")
        for path in candidates:
            relative = path.relative_to(root)
            if not SKIP_DIRS.isdisjoint(relative.parts[:-1]) or not path.is_file():
                continue
            if suffixes is None or path.suffix in suffixes:
                found.append(relative)
    return sorted(set(found))


def text(root, path):
    """The text of a file; a file that is not UTF-8 gives replacement characters."""
    return (root / path).read_text(encoding="utf-8", errors="replace")


def code_only(source):
    """C source with comments and literals blanked, every line where it was."""
    def blank(match):
        word = match[0]
        if word[0] in "\"'":
            return word[0] + " " * (len(word) - 2) + word[0]
        return re.sub(r"[^\n]", " ", word)
    return _NOISE.sub(blank, source)


def report(name, problems, good):
    """Print what is wrong, or that all is well; the exit status."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{name}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
        return 1
    print(f"{name}: {good}")
    return 0
