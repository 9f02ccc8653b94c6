#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what eyrie analyze says of the sample dumps with what it should say.

  test_golden.py --eyrie build/eyrie DUMP...           compare with golden/NAME.json
  test_golden.py --eyrie build/eyrie --write DUMP...   write golden/NAME.json anew

The expectation holds what a person would look at: the event, the panic task and its stack, the modules, some tasks, the
system, and a hash of the log. Read the difference before writing anew. The text is looked at as well: it has crash's
sections, in its order, and the same stack.

Exit status: 0 the same, 1 not.
"""
import argparse
import difflib
import hashlib
import json
import os
import re
import subprocess
import sys

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
# How crash users know them: sys (first, without a heading), bt, bt -a, log, ps, mod.
SECTIONS = ["bt: the panic task", "bt -a: what the other CPUs did", "log", "ps", "mod"]
# What the passes add stands before the log, in the order of their table.
PASS_SECTIONS = ["dis: the code of the exception", "waits: who waits for whom", "foreach UN bt", "runq: what the CPUs ran",
                 "kmem -i: how memory was used", "kmem -s: the largest slab caches", "the OOM killer"]
PASSES = ["code", "cpus", "memory", "waits"]
SYS = ["DUMPFILE", "CPUS", "DATE", "UPTIME", "LOAD AVERAGE", "TASKS", "NODENAME", "RELEASE", "VERSION", "MACHINE", "MEMORY"]


def frame(f):
    name = "%s+%#x/%#x" % (f["function"], f["offset"], f["size"]) if f["function"] else f["address"]
    return name + (" [%s]" % f["module"] if f["module"] else "") + (" *" if f.get("interrupted") else "")


def digest(record):
    """What of the record is compared, as plain data."""
    stack = record["stacks"][0] if record["stacks"] else {"frames": []}
    tasks = record["tasks"]
    return {
        "dump": record["dump"],
        "gaps": record["gaps"],
        "system": record["system"],
        "inventory": record["inventory"],
        "identity": record["identity"],
        "event": record["event"],
        "panic_task": record["panic_task"],
        "panic_stack": [frame(f) for f in stack["frames"]],
        "other_stacks": [[frame(f) for f in s["frames"]] for s in record["stacks"][1:]],
        "modules": ["%(name)s %(base)s %(size)d %(taint)s" % m for m in record["modules"]],
        "task_count": len(tasks),
        "some_tasks": tasks[:3] + tasks[-2:],
        "passes": {name: record.get(name) for name in PASSES},
        "log_lines": record["log"].count("\n"),
        "log_sha256": hashlib.sha256(record["log"].encode()).hexdigest(),
    }


def analyze(eyrie, dump, form):
    p = subprocess.run([eyrie, "analyze", "--with=all", "--format=" + form, dump], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode:
        raise SystemExit("%s: exit status %d: %s" % (dump, p.returncode, p.stderr.decode(errors="replace").strip()))
    return p.stdout.decode()


def check_text(text, record):
    """Problems of the text's layout."""
    parts = re.split(r"^---- (.*) ----$", text, flags=re.M)
    at = SECTIONS.index("log")
    sections = SECTIONS[:at] + PASS_SECTIONS + SECTIONS[at:]
    if parts[1::2] != sections:
        return ["sections %s, not %s" % (parts[1::2], sections)]
    section = dict(zip(["sys"] + parts[1::2], parts[0::2]))
    problems = []
    labels = re.findall(r"^ *([A-Z ]+): \S", section["sys"], re.M)
    if [label for label in labels if label in SYS] != SYS:
        problems.append("sys has %s, not %s" % (labels, SYS))
    bt = section[SECTIONS[0]]
    task = record["panic_task"]
    line = r'^PID: %d +TASK: %s +CPU: %d +COMMAND: "%s"$' % (
        task["pid"], task["address"].removeprefix("0x"), task["cpu"], re.escape(task["comm"]))
    if not re.search(line, bt, re.M):
        problems.append("no line " + line)
    # What an exception interrupted is shown by its registers.
    frames = record["stacks"][0]["frames"]
    calls = [(f["function"], f["address"].removeprefix("0x")) for f in frames if not f.get("interrupted")]
    shown = re.findall(r"^ *#\d+ \[[0-9a-f]{16}\] (\S+) at ([0-9a-f]{16})", bt, re.M)
    if shown != calls:
        problems.append("bt shows %s, the record has %s" % (shown, calls))
    for f in frames:
        if f.get("interrupted") and "RIP: " + f["address"].removeprefix("0x") not in bt:
            problems.append("bt does not show where %s was interrupted" % f["function"])
    rows = section["ps"].strip().splitlines()
    if rows[0].split() != ["PID", "PPID", "CPU", "TASK", "ST", "%MEM", "VSZ", "RSS", "COMM"]:
        problems.append("ps begins with " + rows[0])
    if len(rows) - 1 != len(record["tasks"]):
        problems.append("ps has %d tasks, the record %d" % (len(rows) - 1, len(record["tasks"])))
    if section["log"].strip() != record["log"].strip():
        problems.append("log is not the record's")
    return problems


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--eyrie", required=True)
    ap.add_argument("--write", action="store_true")
    ap.add_argument("dumps", nargs="+", metavar="DUMP")
    a = ap.parse_args()
    failed = 0
    for dump in a.dumps:
        name = os.path.basename(dump).removesuffix(".vmcore")
        path = os.path.join(GOLDEN, name + ".json")
        record = json.loads(analyze(a.eyrie, dump, "json"))
        got = json.dumps(digest(record), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        if a.write:
            with open(path, "w") as f:
                f.write(got)
            continue
        with open(path) as f:
            expected = f.read()
        problems = check_text(analyze(a.eyrie, dump, "text"), record)
        print("%-4s %s" % ("FAIL" if problems or got != expected else "ok", name))
        failed += bool(problems or got != expected)
        diff = difflib.unified_diff(expected.splitlines(), got.splitlines(), path, "eyrie analyze", lineterm="")
        for line in list(diff) + ["text: " + p for p in problems]:
            print("     " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
