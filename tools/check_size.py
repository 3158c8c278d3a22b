#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No file over 800 lines, no function over 70.

A function runs from the first line of its signature to its closing brace. What is too long and
cannot be cut at once stands in tools/size_ratchet.txt with its present size (`src/x.c 812`,
`src/x.c:name 75`), which may only fall: an entry that is no longer exact is refused too.
"""

import ast
import re
import sys

import source

FILE_LINES = 800
FUNCTION_LINES = 70
TREES = ("src", "include", "tests", "tools", "bench", "cmake")
SUFFIXES = {".c", ".h", ".def", ".py", ".sh", ".cmake", ""}

NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
SHELL_FUNCTION = re.compile(r"^(?:function\s+)?([A-Za-z_]\w*)\s*\(\)\s*\{?$")


def signature_start(lines, opening):
    """Index of the first line of the declaration whose body opens at lines[opening]."""
    first = opening
    while first > 0:
        above = lines[first - 1].rstrip()
        if not above or above[-1] in ";}" or above.startswith(("#", "{")) or above.endswith("*/"):
            break
        first -= 1
    return first


def c_functions(text):
    """(name, first line, number of lines) of every C function: a body is braced in column 0."""
    lines = source.code_only(text).split("\n")
    opening = None
    for number, line in enumerate(lines):
        if line.startswith("{") and opening is None:
            opening = number
        elif line.startswith("}") and opening is not None:
            first = signature_start(lines, opening)
            head = " ".join(lines[first:opening])
            match = NAME.search(re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head))
            if match:
                name = match[1]
                if name in ("Test", "ParameterizedTest", "Theory"):
                    name = re.sub(r"\s+", " ", head.strip())
                yield name, first + 1, number - first + 1
            opening = None


def python_functions(text):
    """The same for Python."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def shell_functions(text):
    """The same for shell scripts, whose functions end with a brace in column 0."""
    name, first = None, 0
    for number, line in enumerate(text.split("\n"), 1):
        match = SHELL_FUNCTION.match(line)
        if match and name is None:
            name, first = match[1], number
        elif line.rstrip() == "}" and name is not None:
            yield name, first, number - first + 1
            name = None


def functions(path, text):
    """Functions of a file by its language."""
    if path.suffix in (".c", ".h"):
        return c_functions(text)
    if path.suffix == ".py" or "python" in text.split("\n", 1)[0]:
        return python_functions(text)
    return shell_functions(text)


def read_ratchet(root):
    """What is allowed to be too long: name to size."""
    path = root / "tools/size_ratchet.txt"
    allowed = {}
    if path.exists():
        for line in path.read_text().splitlines():
            line = line.split("#", 1)[0].strip()
            if line:
                key, size = line.rsplit(None, 1)
                allowed[key] = int(size)
    return allowed


def judge(key, where, size, limit, allowed):
    """What is wrong with something of that size, or None."""
    if key in allowed:
        grant = allowed.pop(key)
        if size > grant:
            return f"{where}: {key} has grown to {size} lines, the ratchet stands at {grant}"
        if size < grant:
            return f"{where}: {key} has shrunk to {size} lines: lower it in tools/size_ratchet.txt"
        return None
    if size > limit:
        return f"{where}: {key} has {size} lines, at most {limit} are allowed"
    return None


def main():
    root = source.root_argument(__doc__.split("\n", maxsplit=1)[0]).root
    allowed = read_ratchet(root)
    problems, n_files, n_functions = [], 0, 0
    for path in source.files(root, *TREES, suffixes=SUFFIXES):
        text = source.text(root, path)
        n_files += 1
        problems.append(judge(str(path), f"{path}:1", text.count("\n"), FILE_LINES, allowed))
        for name, line, size in functions(path, text):
            n_functions += 1
            problems.append(judge(f"{path}:{name}", f"{path}:{line}", size, FUNCTION_LINES, allowed))
    problems = [p for p in problems if p]
    problems += [f"tools/size_ratchet.txt: {key} does not exist" for key in allowed]
    if n_functions == 0:
        problems.append("no functions found")
    return source.report("check_size", problems, f"{n_files} files, {n_functions} functions")


if __name__ == "__main__":
    sys.exit(main())
