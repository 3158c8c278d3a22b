#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every pathology that the kernel can show is found by `gannet why`, and a healthy server is left in peace.

Each scene runs in a process and a network namespace of its own, some side by side; what is judged is
whether the finding comes, not how soon. kernel.py NAME... plays only these.
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import checks
import net
import scenes

ROOT = pathlib.Path(os.environ.get("GN_ROOT", pathlib.Path(__file__).resolve().parents[2]))
GANNET = pathlib.Path(os.environ.get("GN_BUILD", ROOT / "build")) / "bin" / "gannet"
PATIENCE = 150  # seconds until a finding must have come
AT_ONCE = 6
PLAIN = pathlib.Path(os.environ.get("GN_RELEASE", ROOT / "build")) / "bin" / "gannet"  # no sanitizers
ENV = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}


def why(*words, raw=False, user=None, before=None, plain=False):
    """What `gannet why --json` says, parsed; raw: its exit status, output and complaint. user: as whom;
    before: called in the process before it becomes gannet; plain: the program without sanitizers."""
    p = subprocess.run([str(PLAIN if plain else GANNET), "why", "--json", *words], capture_output=True, text=True, timeout=120,
                       check=False, env=ENV, user=user, group=user, extra_groups=[] if user else None,
                       preexec_fn=before)
    if raw:
        return p.returncode, p.stdout, p.stderr
    if p.stderr or p.returncode:
        raise RuntimeError(f"gannet why: exit {p.returncode}: {p.stderr}")
    return json.loads(p.stdout)


def pids(finding):
    """Every process that a finding names."""
    processes = [finding["group"]["process"]] + [c["process"] for c in finding["connections"]]
    return {p["pid"] for p in processes if p}


def judge(found, wanted, pid):
    """Is it the finding that the scene is about? What is wrong, or None."""
    if found["severity"] == "note" and "-v" not in wanted.words:
        return "no more than a note"
    if found["actor"] != wanted.actor:
        return f"{found['actor']} must act, not {wanted.actor}"
    if pid is not None and pid not in pids(found):
        return f"names the processes {sorted(pids(found))}, not {pid}"
    if not found["diagnosis"] or not (found["evidence"] or found["unknown"]):
        return "says too little"
    return None


def play(wanted):
    """Make the trouble, ask until it is found. What is wrong, or None."""
    pid = wanted.make()

    def look():
        report = why(*wanted.words)
        wrong = "not found"
        for found in report["findings"]:
            if found["id"] == wanted.rule:
                wrong = judge(found, wanted, pid)
                if wrong is None:
                    return None
        return f"{wrong}; found: {checks.ids(report)}; states: {report['states']}"
    return checks.until(look, PATIENCE)


def replay(rule, reason):
    """The finding in a recording of a machine where it happened. What is wrong, or the reason for that way."""
    out = subprocess.run([str(GANNET), "why", "--replay", str(ROOT / "tests" / "why" / "tapes" / f"{rule}.tape"), "--json"],
                         capture_output=True, text=True, timeout=60, check=True, env=ENV).stdout
    reports = [json.loads(line) for line in out.splitlines()]
    for report_ in reports:
        found = [f for f in report_["findings"] if f["id"] == rule]
        if not found or found[0]["severity"] == "note" or found[0]["actor"] != "operator":
            return f"found: {checks.ids(report_)}"
    return f"OK {reason}" if reports else "the recording is empty"


def every_rule():
    """Are all rules of the program accounted for?"""
    p = subprocess.run([str(GANNET), "why", "--explain"], capture_output=True, text=True, timeout=60,
                       check=True, env=ENV)
    rules = {line.split()[0] for line in p.stdout.splitlines()}
    have = {s.rule for s in scenes.SCENES} | set(scenes.RECORDED)
    return None if rules == have else f"without a scene: {rules - have}; without a rule: {have - rules}"


def cases():
    """Everything there is to try, by name; each a function that returns what is wrong."""
    found = {s.name: lambda s=s: play(s) for s in scenes.SCENES}
    found.update({rule: lambda r=rule, why_not=reason: replay(r, why_not) for rule, reason in scenes.RECORDED.items()})
    found["Every rule has a scene here, or a recording of one"] = every_rule
    found.update({name: lambda f=f: f(why) for name, f in checks.CHECKS.items()})
    return found


def perform(name):
    """What stage() starts: one case in a namespace of its own, and a line on how it went."""
    net.name_process("scene")
    signal.alarm(2 * PATIENCE)
    try:
        net.enter_new()
        wrong = cases()[name]()
    except BaseException as e:  # pylint: disable=broad-except
        wrong = f"{type(e).__name__}: {e}"
    print(json.dumps(wrong), flush=True)
    time.sleep(60)


def stage(name):
    """perform() in a process group of its own, which goes with it; what is wrong, or None."""
    with subprocess.Popen([sys.executable, __file__, "--stage", name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, start_new_session=True) as p:
        line = p.stdout.readline()
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return json.loads(line) if line else "the process that played it died"


def report(number, name, wrong):
    """One line of TAP, and why. "SKIP reason" and "OK remark" are not wrong."""
    word, _, rest = (wrong or "OK").partition(" ")
    print(f"{'ok' if word in ('OK', 'SKIP') else 'not ok'} {number} - {name}"
          f"{' # SKIP ' + rest if word == 'SKIP' else ''}")
    remark = rest if word == "OK" else wrong if word != "SKIP" else ""
    if remark:
        print("\n".join("# " + line for line in remark.splitlines()))
    sys.stdout.flush()
    return word in ("OK", "SKIP")


def obstacle():
    """Why none of this can be tried here, or None."""
    if os.geteuid() != 0:
        return "network namespaces and raw addresses need root"
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        return "no network namespace can be made here"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no TUN device can be made here"
    return None


def main():
    if sys.argv[1:2] == ["--stage"]:
        perform(sys.argv[2])
        return 0
    wanted = [name for name in cases() if not sys.argv[1:] or name in sys.argv[1:]]
    reason = obstacle()
    print(f"1..{len(wanted)}")
    if reason:
        return 0 if all(report(i, name, "SKIP " + reason) for i, name in enumerate(wanted, 1)) else 1
    good = True
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(stage, name): name for name in wanted}
        for i, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            good &= report(i, jobs[job], job.result())
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
