#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An include goes down or stays: check every #include of src/, include/ and bench/."""

import re
import sys

import source

# layer: the layers whose headers it may include besides its own
BELOW = {
    "base": set(),
    "wire": {"base"},
    "congestion": {"base"},
    "recovery": {"base", "congestion"},
    "tcp": {"base", "wire", "recovery", "congestion"},
    "ip": {"base", "wire"},
    "host": {"base", "wire", "ip", "tcp"},
    "explain": {"base", "wire"},
    "link": {"base", "wire"},
    "loop": {"base", "host", "link"},
    "socket": {"base", "host", "loop"},
    "lab": {"base", "wire", "congestion", "recovery", "tcp", "host", "explain", "loop"},
    "probe": {"explain"},
    "cli": {"base", "link", "loop", "explain", "lab", "probe"},
    "packetdrill": {"base", "link", "loop", "socket"},
}
CORE = {"base", "wire", "congestion", "recovery", "tcp", "ip", "host", "explain"}
CORE_SYSTEM = {"stdint.h", "stdbool.h", "stddef.h", "string.h"}
# The compiler's own: intrinsics and the sanitizer's interface. They bring no libc.
COMPILER = re.compile(r"^(\w+mmintrin|immintrin|arm_\w+|sanitizer/\w+)\.h$")
# Public headers that promise no I/O; the core may include no other.
CORE_PUBLIC = {"types", "conf", "frame", "host", "freeze", "status", "trace", "explain",
               "err", "drop", "cause", "mib"}
# Public headers of the outer layers may name the system's types, these may not.
PUBLIC_SYSTEM = {"stdint.h", "stdbool.h", "stddef.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
LIBC = re.compile(r"\b(str(?:n?len|n?cpy|n?cat|n?cmp|r?chr|str|spn|cspn|tok|dup)|memchr|memccpy)\s*\(")


def includes(text):
    """(line number, is it in quotes, name) of every include."""
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1] == '"', match[2]


def judge_public(layer, name):
    """May a file of that layer include the public header gannet/NAME? What is wrong, or None."""
    stem = name.split("/", 1)[1].rsplit(".", 1)[0]
    if layer in CORE and stem not in CORE_PUBLIC:
        return f"{layer} is core and must not include <{name}>"
    return None


def judge_layer(root, layer, name):
    """May a file of that layer include "NAME"? What is wrong, or None."""
    target = name.split("/", 1)[0]
    if "/" not in name:
        return f'"{name}": write the layer too, "{layer}/{name}"'
    if target != layer and target not in BELOW[layer]:
        return f"{layer} must not include {target} ({name})"
    if not (root / "src" / name).is_file():
        return f'"{name}": no such file in src/'
    return None


def check_source(root, path):
    """All that is wrong with the includes of a file of src/."""
    layer = path.parts[1]
    if layer not in BELOW:
        return [f"{path}: layer {layer} is not in the table of check_layers.py"]
    text = source.text(root, path)
    problems = []
    for line, quoted, name in includes(text):
        wrong = None
        if name.startswith("gannet/"):
            wrong = judge_public(layer, name)
        elif quoted:
            wrong = judge_layer(root, layer, name)
        elif layer in CORE and name not in CORE_SYSTEM and not COMPILER.match(name):
            wrong = f"{layer} is core and must not include <{name}>"
        if wrong:
            problems.append(f"{path}:{line}: {wrong}")
    if layer in CORE:
        code = source.code_only(text)
        for match in LIBC.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {layer} is core and must not call {match[1]}()")
    return problems


def check_public(root, path):
    """All that is wrong with the includes of a public header."""
    core = path.stem in CORE_PUBLIC
    problems = []
    for line, quoted, name in includes(source.text(root, path)):
        wrong = None
        if quoted or name.split("/")[0] in BELOW:
            wrong = f"a public header must not include our own {name}"
        elif core and not name.startswith("gannet/") and name not in PUBLIC_SYSTEM:
            wrong = f"a header of the core must not include <{name}>"
        elif core and name.startswith("gannet/"):
            wrong = judge_public("host", name)
        if wrong:
            problems.append(f"{path}:{line}: {wrong}")
    return problems


def main():
    root = source.root_argument(__doc__).root
    problems, n = [], 0
    for path in source.files(root, "src", suffixes={".c", ".h", ".def"}):
        problems += check_source(root, path)
        n += 1
    for path in source.files(root, "include", suffixes={".h", ".def"}):
        problems += check_public(root, path)
        n += 1
    if n == 0:
        problems.append("no source files found")
    return source.report("check_layers", problems, f"{n} files, every include goes down or stays")


if __name__ == "__main__":
    sys.exit(main())
