# SPDX-License-Identifier: BSD-2-Clause
"""What the measuring scripts beside gannet-bench share: arguments, a network namespace, figures."""

import json
import os
import statistics
import subprocess
import sys


def options(usage, defaults):
    """The program and KEY=NUMBER of the command line."""
    words = [w for w in sys.argv[1:] if w != "--json"]
    if not words or not os.access(words[0], os.X_OK):
        sys.exit(f"usage: {usage}")
    found = dict(defaults)
    for word in words[1:]:
        key, _, value = word.partition("=")
        if key not in found or not value.isdigit():
            sys.exit(f"{os.path.basename(sys.argv[0])}: '{word}'? {usage}")
        found[key] = int(value)
    return words[0], found


def enter_namespace():
    """Go on in a network namespace that goes with its last process; False: none can be made."""
    if "GN_INSIDE" in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return True
    for unshare in (["unshare", "-n"], ["unshare", "-Urn"]):
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0:
            os.environ["GN_INSIDE"] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    return False


def figure(name, unit, values):
    """As gannet-bench tells one."""
    return {"name": name, "unit": unit, "median": statistics.median(values), "min": min(values),
            "max": max(values)}


def tell(row):
    """As JSON, or a line a figure."""
    if "--json" in sys.argv:
        print(json.dumps(row))
        return
    for part in row["stacks"]:
        if "not_measured" in part:
            print(f"{part['stack']:30} not measured: {part['not_measured']}")
        for f in part.get("figures", []):
            print(f"{part['stack']:30} {f['name']:12} {f['median']:9.3g} {f['unit']} "
                  f"({f['min']:.3g} .. {f['max']:.3g})")
