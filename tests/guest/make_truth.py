#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write what the crash utility and the kernel itself say of a dump, as a truth file to score an analyser against.

  make_truth.py --vmlinux FILE [--crash PROGRAM] DUMP.vmcore...   run crash, write DUMP.truth.json beside each dump
  make_truth.py --text CRASH_OUTPUT [-o OUT]                      parse output that is already there

The output of crash must come from the commands sys, bt, bt -a, log, ps and mod, in this order (crash -s -i FILE).
Use crash 8.0.6 or later: 8.0.2 lists only a few tasks of kernels that received the newer pid structures.

What cannot be told is null or empty, and is then not scored: a dump taken from outside of a running machine has no
panic task and no fatal event.

Exit status: 0 written; 1 usage; 2 crash said nothing useful of a dump.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys

COMMANDS = "sys\nbt\nbt -a\nlog\nps\nmod\nexit\n"

# panic() messages that report an event whose place is the RIP printed before them, not the caller of panic().
RIP_MESSAGES = (
    "Fatal exception",
    "softlockup",
    "Hard LOCKUP",
    "panic_on_warn set",
    "kernel: panic_on_warn set",
)

STAMP = re.compile(r"^\[ *[\d.]+\](?:\[ *[TC]\d+\])? ?")
FRAME = re.compile(r"^ *#\d+ \[[0-9a-f]+\] (\S+) at ([0-9a-f]{16})(?: \[(\w+)\])?")
HEADER = re.compile(r'^PID: (\d+) +TASK: ([0-9a-f]{16}) +CPU: (\d+) +COMMAND: "(.*)"')
RIP = re.compile(r"RIP: 0010:([\w.]+)\+0x([0-9a-f]+)/0x([0-9a-f]+)(?: \[(\w+)\])?")
TRACE_FRAME = re.compile(r"\s+(\?\s+)?([\w.]+)\+0x([0-9a-f]+)/0x[0-9a-f]+")
TASK = re.compile(r"^(>?) +(\d+) +(\d+) +(\d+) +([0-9a-f]{16}) +([A-Z?]{2}) +[\d.]+ +(\d+) +(\d+)  (.*)$")
MODULE = re.compile(r"^[0-9a-f]{16} +(\S+) +[0-9a-f]{16} +(\d+) ")
PRINTING = ("dump_stack_lvl", "dump_stack", "show_stack")


def parse_sys(lines):
    """The table of `sys`; keys as in the truth files."""
    keys = {
        "CPUS": "cpus",
        "DATE": "date",
        "UPTIME": "uptime",
        "TASKS": "tasks",
        "NODENAME": "nodename",
        "RELEASE": "release",
        "VERSION": "version",
        "PANIC": "panic",
    }
    out = {}
    for line in lines:
        key, _, value = line.strip().partition(": ")
        if key in keys:
            # "2 [OFFLINE: 1]" counts the ones that are there
            out[keys[key]] = value.split(" [")[0] if key == "CPUS" else value.strip()
    return out


def parse_stacks(lines):
    """Each backtrace in the order of the output: the panic task's of `bt`, then one for each CPU of `bt -a`."""
    stacks = []
    for line in lines:
        m = HEADER.match(line)
        if m:
            stacks.append(
                {
                    "pid": int(m.group(1)),
                    "task": m.group(2),
                    "cpu": int(m.group(3)),
                    "comm": m.group(4),
                    "frames": [],
                    "exception_rips": [],
                }
            )
            continue
        if not stacks:
            continue
        m = FRAME.match(line)
        if m:
            stacks[-1]["frames"].append({"function": m.group(1), "address": m.group(2), "module": m.group(3)})
            continue
        m = re.search(r"\[exception RIP: ([\w.]+)\+(\d+)\]", line)
        if m:
            stacks[-1]["exception_rips"].append([m.group(1), int(m.group(2))])
    return stacks


def bare(line):
    return STAMP.sub("", line)


def call_traces(log):
    """All call traces of a log, each a list of (function, offset, reliable), innermost first."""
    traces, cur = [], None
    for line in map(bare, log):
        if line.startswith("Call Trace:"):
            cur = []
            traces.append(cur)
            continue
        if cur is None:
            continue
        m = TRACE_FRAME.match(line)
        if m:
            cur.append((m.group(2), int(m.group(3), 16), not m.group(1)))
        elif line.strip() and not re.match(
            r"\s*(<|RIP|RSP|RAX|RDX|RBP|R10|R13|CS|ORIG|Code|FS|DR|CR|\s)", line
        ):
            cur = None
    return traces


def log_rips(log):
    """Each kernel RIP that the log prints: function, offset, size, module; the second printing of one is dropped."""
    out = []
    for line in log:
        m = RIP.search(line)
        if m:
            entry = [m.group(1), int(m.group(2), 16), int(m.group(3), 16), m.group(4)]
            if entry not in out:
                out.append(entry)
    return out


def fatal_event(log):
    """Where the event is that ended the kernel, as a list of the accepted [function, offset], empty if none is."""
    message, at = None, len(log)
    for i, line in enumerate(log):
        m = re.match(r"Kernel panic - not syncing: (.*)", bare(line))
        if m:
            message, at = m.group(1), i
    caller = []
    if message is not None and not message.startswith(RIP_MESSAGES):
        for trace in reversed(call_traces(log)):
            frames = [f for f in trace if f[2]]
            for i, frame in enumerate(frames[:-1]):
                if frame[0] in ("panic", "vpanic") and frames[i + 1][0] != "panic":
                    caller = caller or [list(frames[i + 1][:2])]
        if not message.startswith("RCU Stall"):  # a lockup, and a panic: either place is right
            return caller
    start = re.compile(
        r"BUG: |kernel BUG at|Oops|general protection|divide error|invalid opcode|stack segment|"
        r"WARNING: CPU|double fault|int3|watchdog: |PANIC: |rcu: INFO: |Unable to handle|unchecked MSR|traps: "
    )
    found = None
    for line in log[:at]:
        if found is None and "RIP: 0010:" in line:
            # The first one; in the call trace follow those of the contexts that were interrupted.
            m = RIP.search(line)
            found = [[m.group(1), int(m.group(2), 16)]] if m else []
        elif start.match(bare(line)):
            found = None
    return caller + (found or [])


def kernel_trace(log):
    """Reliable frames of the last call trace, without the functions that only printed it; None if there is none."""
    traces = call_traces(log)
    return [f for f, _, reliable in traces[-1] if reliable and f not in PRINTING] if traces else None


def split_output(text):
    """The parts of the output: before the log, the log, ps, mod."""
    lines = text.split("\n")
    log = next((i for i, l in enumerate(lines) if re.match(r"^\[ *\d+\.\d+\]", l)), None)
    ps = next((i for i, l in enumerate(lines) if re.match(r"^ +PID +PPID +CPU +TASK", l)), None)
    if log is None or ps is None or log > ps:
        raise ValueError("no log or no task list in the output of crash")
    mod = next((i for i, l in enumerate(lines) if i > ps and re.match(r"^ +MODULE +NAME", l)), len(lines))
    return lines[:log], lines[log:ps], lines[ps:mod], lines[mod:]


def make_truth(text, live=False):
    """The truth of a dump from the output of crash; @live for a machine that had not crashed."""
    head, log, ps, mod = split_output(text)
    log = [line.rstrip() for line in log]
    stacks = parse_stacks(head)
    tasks = []
    for m in filter(None, map(TASK.match, ps)):
        comm = m.group(9)
        comm = comm[1:-1] if comm.startswith("[") and comm.endswith("]") else comm
        tasks.append(
            {
                "pid": int(m.group(2)),
                "ppid": int(m.group(3)),
                "cpu": int(m.group(4)),
                "task": m.group(5),
                "state": m.group(6),
                "vsz_kib": int(m.group(7)),
                "rss_kib": int(m.group(8)),
                "comm": comm,
                "running": m.group(1) == ">",
            }
        )
    first = stacks[0] if stacks and not live else None
    return {
        "sys": parse_sys(head),
        "panic_task": {k: first[k] for k in ("pid", "comm", "cpu", "task")} if first else None,
        "stacks": stacks,
        "log_lines": len(log),
        "log_sha256": hashlib.sha256("\n".join(log).encode()).hexdigest(),
        "log_rips": log_rips(log),
        "ps": tasks,
        "modules": [
            {"name": m.group(1), "size": int(m.group(2))} for m in filter(None, map(MODULE.match, mod))
        ],
        "log": log,
        "kernel_trace": None if live else kernel_trace(log),
        "fatal": [] if live else fatal_event(log),
    }


def run_crash(crash, vmlinux, dump):
    path = "/tmp/make-truth.%d" % os.getpid()
    with open(path, "w", encoding="ascii") as f:
        f.write(COMMANDS)
    try:
        p = subprocess.run(
            [crash, "-s", "-i", path, vmlinux, dump],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )
    finally:
        os.unlink(path)
    return p.stdout.decode(errors="replace")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--vmlinux", help="the kernel with debuginfo that the dumps belong to")
    ap.add_argument(
        "--crash", default=os.environ.get("CRASH", "crash"), help="program to run (default: $CRASH, crash)"
    )
    ap.add_argument("--text", help="parse this output of crash instead of running it")
    ap.add_argument(
        "--live", action="store_true", help="the machine had not crashed: no panic task, no event"
    )
    ap.add_argument("-o", "--output", help="truth file (with --text)")
    ap.add_argument("dumps", nargs="*", metavar="DUMP")
    a = ap.parse_args()
    if bool(a.text) == bool(a.dumps) or (a.dumps and not a.vmlinux):
        ap.error("give --text, or --vmlinux and at least one dump")
    status = 0
    for dump in a.dumps or [None]:
        if a.text:
            with open(a.text, encoding="utf-8", errors="replace") as f:
                text = f.read()
            out = a.output or re.sub(r"(\.crash)?\.txt$", "", a.text) + ".truth.json"
        else:
            text = run_crash(a.crash, a.vmlinux, dump)
            out = re.sub(r"\.vmcore$", "", dump) + ".truth.json"
        try:
            truth = make_truth(text, a.live)
        except ValueError as e:
            print("%s: %s" % (a.text or dump, e), file=sys.stderr)
            status = 2
            continue
        with open(out, "w", encoding="utf-8") as f:
            json.dump(truth, f, indent=1)
            f.write("\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
