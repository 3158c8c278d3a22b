#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every check of tools/ passes on this tree and refuses each breach planted in a copy of it.

Most copies are small: a check that looks at one file at a time refuses the same among few files.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("GN_ROOT", pathlib.Path(__file__).resolve().parents[2]))
LICENCE = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
CHECKS = ["check_layers.py", "check_size.py", "tidy.py", "check_format", "check_headers",
          "check_pure.sh", "check_rfc.py", "check_security.py", "check_lint"]
# These compare documents with sources and tests, so they need all of them.
WHOLE = ("check_rfc.py", "check_security.py")

# (rule, check, file, its text, what the check must say)
BREACHES = [
    ("the core calls malloc", "check_pure.sh", "src/base/breach.c",
     "#include <stdlib.h>\nvoid *breach(void) { return malloc(8); }\n",
     "core needs malloc from outside: src/base/breach.c"),
    ("the core reads a clock", "check_pure.sh", "src/base/breach.c",
     "#include <time.h>\nlong breach(void) { return (long)time(0); }\n",
     "core needs time from outside: src/base/breach.c"),
    ("the core divides 128-bit numbers", "check_pure.sh", "src/base/breach.c",
     "unsigned __int128 breach(unsigned __int128 a, unsigned __int128 b) { return a / b; }\n",
     "core needs __udivti3 from outside"),
    ("the core owns a zeroed variable", "check_pure.sh", "src/base/breach.c",
     "int breach_count;\n", "core owns writable data: .bss has 4 bytes (breach_count)"),
    ("the core owns a static variable", "check_pure.sh", "src/base/breach.c",
     "int breach(void) { static int n = 7; return n++; }\n", "core owns writable data: .data has 4"),
    ("the core owns a thread's variable", "check_pure.sh", "src/base/breach.c",
     "_Thread_local int breach_tls = 1;\n", "core owns writable data: .tdata has 4"),

    ("wire includes host", "check_layers.py", "src/wire/breach.c",
     '#include "host/host.h"\n', "src/wire/breach.c:1: wire must not include host"),
    ("explain includes tcp", "check_layers.py", "src/explain/breach.c",
     '#include "tcp/tcb.h"\n', "explain must not include tcp"),
    ("link includes host", "check_layers.py", "src/link/breach.c",
     '#include "host/host.h"\n', "link must not include host"),
    ("the core includes stdio", "check_layers.py", "src/tcp/breach.h",
     "#include <stdio.h>\n", "tcp is core and must not include <stdio.h>"),
    ("the core includes the socket door", "check_layers.py", "src/tcp/breach.h",
     "#include <gannet/socket.h>\n", "tcp is core and must not include <gannet/socket.h>"),
    ("the core calls strlen", "check_layers.py", "src/tcp/breach.c",
     "unsigned long f(const char *s) { return strlen(s); }\n", "tcp is core and must not call strlen()"),
    ("a public header includes a private one", "check_layers.py", "include/gannet/breach.h",
     '#include "base/seq.h"\n', "a public header must not include our own base/seq.h"),
    ("an include names no layer", "check_layers.py", "src/base/breach.c",
     '#include "seq.h"\n', 'write the layer too, "base/seq.h"'),
    ("a layer that nobody knows", "check_layers.py", "src/breach/breach.c",
     "int x;\n", "layer breach is not in the table"),

    ("a file of 801 lines", "check_size.py", "src/base/breach.c",
     "int x;\n" * 801, "src/base/breach.c has 801 lines, at most 800"),
    ("a function of 71 lines", "check_size.py", "src/base/breach.c",
     "int breach(int x)\n{\n" + "    x++;\n" * 68 + "}\n",
     "src/base/breach.c:breach has 71 lines, at most 70"),
    ("a test of 71 lines", "check_size.py", "tests/unit/base/breach_test.c",
     "Test(a, b)\n{\n" + "    x++;\n" * 68 + "}\n", "Test(a, b) has 71 lines, at most 70"),
    ("a Python function of 71 lines", "check_size.py", "tools/breach.py",
     "def breach(x):\n" + "    x += 1\n" * 70, "tools/breach.py:breach has 71 lines"),
    ("a ratchet looser than the tree", "check_size.py", "tools/size_ratchet.txt",
     "src/base/seq.h 900\n", "src/base/seq.h has shrunk"),
    ("a file grown beyond its ratchet", "check_size.py", "tools/size_ratchet.txt",
     "src/base/seq.h 9\n", "src/base/seq.h has grown"),

    ("a slip that clang-tidy knows", "check_lint", "src/base/breach.c",
     "int breach(int p);\nint breach(int q)\n{\n    return q;\n}\n",
     "src/base/breach.c:1:5: error: function 'breach' has a definition with different parameter"),
    ("badly formatted code", "check_format", "src/base/breach.c",
     "int  breach( int x ){return x;}\n", "src/base/breach.c: not as clang-format leaves it"),

    ("a header that needs another first", "check_headers", "include/gannet/breach.h",
     "uint32_t breach(void);\n", "gannet/breach.h: does not compile alone with gcc"),
    ("a header that is not C++", "check_headers", "include/gannet/breach.h",
     "struct breach { int class; };\n", "gannet/breach.h: does not compile alone with g++"),
    ("a function named as a struct, which C++ calls shadowing", "check_headers", "include/gannet/breach.h",
     "struct breach { int x; };\nvoid breach(struct breach *b);\n", "gannet/breach.h: does not compile alone with g++"),
    ("two headers that contradict each other", "check_headers", "include/gannet/breach.h",
     "enum { GN_LISTEN = 99 };\n", "the headers do not compile together with gcc"),

    ("sprintf", "tidy.py", "src/cli/breach.c",
     LICENCE + "void f(char *s) { sprintf(s, \"x\"); }\n", "sprintf() is banned"),
    ("strcpy", "tidy.py", "src/cli/breach.c",
     LICENCE + "void f(char *s) { strcpy(s, s); }\n", "strcpy() is banned"),
    ("atoi", "tidy.py", "bench/breach.c",
     LICENCE + "int f(char *s) { return atoi(s); }\n", "atoi() is banned"),
    ("rand", "tidy.py", "tests/unit/base/breach_test.c",
     LICENCE + "int f(void) { return rand(); }\n", "rand() is banned"),
    ("assert.h", "tidy.py", "src/link/breach.c",
     LICENCE + "#include <assert.h>\n", "<assert.h> is off in release builds"),
    ("a buffer cast to a header", "tidy.py", "src/wire/breach.c",
     LICENCE + "void *f(char *p) { return (const struct tcphdr *)p; }\n", "cast to struct tcphdr"),
    ("a packed struct", "tidy.py", "src/wire/breach.h",
     LICENCE + "struct x { char a; } __attribute__((packed));\n", "packed struct"),
    ("assembly", "tidy.py", "src/tcp/breach.c",
     LICENCE + "void f(void) { __asm__ volatile(\"syscall\"); }\n", "__asm__: no assembly"),
    ("a constructor", "tidy.py", "src/tcp/breach.c",
     LICENCE + "__attribute__((constructor)) static void f(void) {}\n", "nothing runs before main()"),
    ("an include of a macro", "tidy.py", "src/wire/breach.c",
     LICENCE + "#define H \"host/host.h\"\n#include H\n", "include of the macro H"),
    ("an unfinished place", "tidy.py", "src/base/breach.c",
     LICENCE + "/* TO" "DO: more */\n", "finish it or leave it out"),
    ("a path of one machine", "tidy.py", "docs/breach.md",
     "see /ho" "me/someone/notes\n", "a path of one machine"),
    ("a blank at the end of a line", "tidy.py", "src/base/breach.c",
     LICENCE + "int x; \n", "src/base/breach.c:2: blanks at the end of the line"),
    ("a tab", "tidy.py", "src/base/breach.c", LICENCE + "\tint x;\n", "src/base/breach.c:2: tab"),
    ("no licence", "tidy.py", "src/base/breach.c", "int x;\n", "no SPDX-License-Identifier"),
    ("no newline at the end", "tidy.py", "docs/breach.md", "text", "no newline at the end"),

    ("fewer requirements covered", "check_rfc.py", "tools/rfc9293_ratchet.txt",
     "120 ids\n", "ids are covered, it was 120 before"),
    ("a requirement that does not exist", "check_rfc.py", "src/tcp/breach.c",
     "/* MUST-99 */\n", "src/tcp/breach.c:1: there is no MUST-99"),
    ("an empty reason", "check_rfc.py", "tools/rfc9293_reasons.csv",
     "id,reason\nMAY-10,no\n", "MAY-10: that is no reason"),
    ("an outdated document", "check_rfc.py", "tools/rfc9293.csv",
     "id,section,meaning\n", "docs/rfc9293.md is out of date"),

    ("an attack without a test", "check_security.py", "tools/security.csv",
     "id,threat,answer,untested\nMAL-99,x,y,\n", "MAL-99 has neither a test nor a reason"),
    ("a test of an attack that is not listed", "check_security.py", "tests/unit/base/breach_test.c",
     "/* MAL-99 */\nTest(a, b)\n{\n}\n", "there is no MAL-99: a/b"),
]


class Tap:
    """Numbers the results, prints them, remembers whether one was bad."""

    def __init__(self):
        self.count = 0
        self.bad = False

    def result(self, good, name, output):
        """One test; the output of what was run explains a failure."""
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            self.bad = True
            for line in output.splitlines()[:40]:
                print(f"# {line}")
        sys.stdout.flush()


def run(check, root):
    """Exit status and output of a check on the tree at root."""
    argument = root / "include" if check == "check_headers" else root
    done = subprocess.run([str(ROOT / "tools" / check), str(argument)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def copy_tree(target, small):
    """What the checks look at; of the sources only base if small."""
    shutil.copytree(ROOT / "include", target / "include")
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(ROOT / name, target)
    skip = shutil.ignore_patterns("__pycache__", "house", "corpus")
    for part in ["src/base"] if small else ["src", "tests", "tools", "bench", "docs"]:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=skip)


def plant(tap, tree, breach):
    """Write the breach, see it refused with the right words, take it out again."""
    rule, check, name, text, message = breach
    path = tree / name
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    status, output = run(check, tree)
    good = status != 0 and message in output
    tap.result(good, f"{check} refuses: {rule}", f"exit status {status}, expected '{message}'\n{output}")
    if before is None:
        path.unlink()
        if path.parent.name == "breach":
            path.parent.rmdir()
    else:
        path.write_bytes(before)


def main():
    tap = Tap()
    for check in CHECKS:
        status, output = run(check, ROOT)
        tap.result(status == 0, f"this tree passes {check}", output)
        for number in re.findall(r"^check_rfc: (\d+) of \d+ ids covered", output, re.M):
            print(f"# rfc9293: {number} ids covered")
    with tempfile.TemporaryDirectory() as directory:
        whole, small = pathlib.Path(directory) / "whole", pathlib.Path(directory) / "small"
        for tree in (whole, small):
            tree.mkdir()
            copy_tree(tree, tree is small)
        for check in CHECKS:
            status, output = run(check, whole if check in WHOLE else small)
            tap.result(status == 0, f"the copy passes {check}", output)
        for breach in BREACHES:
            plant(tap, whole if breach[1] in WHOLE else small, breach)
    print(f"1..{tap.count}")
    return 1 if tap.bad else 0


if __name__ == "__main__":
    sys.exit(main())
