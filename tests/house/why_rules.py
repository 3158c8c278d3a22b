#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every rule of `gannet why` has a page in docs/why with all its parts, stands in the index, and is reproduced in
virtual time: by a demonstration (tests/cli/why_demos.py plays them) or a test in tests/why whose name has its id."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import GANNET, ROOT, plan, report  # noqa: E402

PAGES = ROOT / "docs" / "why"
PARTS = ["What it is", "Why it happens", "How other tools show it", "Who must act", "What helps, and its price", "See it"]


def gannet(*words):
    p = subprocess.run([str(GANNET), *words], capture_output=True, text=True, timeout=60, check=False)
    return p.returncode, p.stdout, p.stderr


def rules():
    """{id: title} as the table of rules has it."""
    table = (ROOT / "src" / "explain" / "rules.def").read_text()
    rows = re.findall(r"^RULE(?:_HOST)?\((.*)\)$", table, re.M)
    return dict(re.findall(r'"([^"]*)"', row) for row in rows)


def wrong_with(page, rule, title, known):
    """What is wrong with the page of a rule, or None."""
    if not page.is_file():
        return "there is none"
    text = page.read_text()
    if not text.startswith(f"# {rule}\n\n{title}.\n"):
        return "it does not begin with id and title"
    if re.findall(r"^## (.*)$", text, re.M) != PARTS:
        return f"its parts are not {PARTS}"
    if any(len(part.strip()) < 8 for part in re.split(r"^## .*$", text, flags=re.M)[1:]):
        return "a part is empty"
    if not re.search(r"RFC\s+\d+", text):
        return "it refers to nothing"
    named = re.findall(r"\bgannet demo ([a-z0-9-]+)", text)
    strange = [d for d in named if rule not in known.get(d, [])]
    if strange:
        return f"demo {strange} does not show it"
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        try:
            compile(block, str(page), "exec")
        except SyntaxError as e:
            return f"its Python: {e}"
    if not named and "```python" not in text:
        return "nothing shows it"
    return None


def main():
    table = rules()
    report(len(table) >= 30, f"{len(table)} rules are in the table")
    code, out, err = gannet("why", "--explain")
    listed = dict(line.split(None, 1) for line in out.splitlines())
    report(code == 0 and listed == table, "gannet why --explain lists them all", err)
    code, out, err = gannet("why", "--explain", "--markdown")
    report(code == 0 and out == (PAGES / "README.md").read_text(),
           "docs/why/README.md is what gannet why --explain --markdown prints", err)
    demos = {d["name"]: [w["id"] for w in d["why"]] for d in json.loads(gannet("demo", "--json")[1])}
    shown = {i for ids in demos.values() for i in ids}
    tests = "".join(p.read_text() for p in (ROOT / "tests" / "why").glob("*_test.c"))
    for rule, title in table.items():
        wrong = wrong_with(PAGES / f"{rule}.md", rule, title, demos)
        report(wrong is None, f"{rule}: its page is whole", wrong)
        code, out, err = gannet("why", "--explain", rule)
        page = PAGES / f"{rule}.md"
        report(code == 0 and page.is_file() and out == page.read_text(), f"{rule}: the program carries its page", err)
        report(rule in shown or re.search(rf"^Test\(why, {rule.replace('-', '_')}\w*\)", tests, re.M) is not None,
               f"{rule}: a test in virtual time reproduces it")
    strays = {p.stem for p in PAGES.glob("*.md")} - set(table) - {"README"}
    report(not strays and shown <= set(table), "no page and no demonstration of a rule that does not exist",
           [strays, shown - set(table)])
    code, _, err = gannet("why", "--explain", "no-such-rule")
    report(code == 1 and "no finding 'no-such-rule'" in err, "an unknown id is said to be so", err)
    plan()


if __name__ == "__main__":
    sys.exit(main())
