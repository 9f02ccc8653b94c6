#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare what the passes say with what the crash utility says of the same dumps.

  passes_beside_crash.py --eyrie build/eyrie --crash PROGRAM VMLINUX=DUMP[,DUMP...]...

Beside each other: kmem -i (all its rows but COMMITTED, see docs/analysis.md), kmem -s (objects, slabs and slab size of the
caches shown; allocated not below crash's), runq (who ran, who was queued), ps -m (milliseconds of the blocked tasks),
dis (the bytes' meaning: addresses and names of the instructions shown).

Exit status: 0 the same, 1 not.
"""
import argparse
import json
import re
import subprocess
import sys


def crash(program, vmlinux, dump, commands):
    """The output of each command."""
    script = "".join("echo === %d\n%s\n" % (i, c) for i, c in enumerate(commands)) + "exit\n"
    p = subprocess.run([program, "-s", vmlinux, dump], input=script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                       text=True, timeout=300, check=False)
    return re.split(r"^=== \d+$", p.stdout, flags=re.M)[1:]


def kmem_i(memory, text):
    names = {"TOTAL MEM": memory["total"], "FREE": memory["free"], "USED": memory["used"], "BUFFERS": memory["buffers"],
             "CACHED": memory["cached"], "SLAB": memory["slab_reclaimable"] + memory["slab_unreclaimable"],
             "TOTAL SWAP": memory["swap_total"], "SWAP FREE": memory["swap_free"], "COMMIT LIMIT": memory["commit_limit"]}
    theirs = {m[1]: int(m[2]) for m in re.finditer(r"^ *([A-Z ]+?) +(\d+) ", text, re.M)}
    for name, pages in names.items():
        yield name, pages, theirs.get(name)


def kmem_s(memory, text):
    rows = {}
    for line in text.splitlines():
        w = line.split(None, 6)
        if len(w) == 7 and re.fullmatch("[0-9a-f]{16}", w[0]):
            rows[w[0]] = [int(w[1]), int(w[2]), int(w[3]), int(w[4]), int(w[5].rstrip("k")), w[6]]
    for c in memory["slabs"]:
        t = rows.get(c["address"])
        yield "cache " + c["name"], [c["object_size"], c["objects"], c["slabs"], c["slab_bytes"] // 1024, c["name"]], \
            t and [t[0], t[2], t[3], t[4], t[5]]
        yield "allocated " + c["name"], c["active"] >= t[1] if t else None, True


def runq(cpus, text):
    theirs = {}
    for part in re.split(r"^CPU ", text, flags=re.M)[1:]:
        pids = [int(p) for p in re.findall(r"PID: (\d+)", part)]
        theirs[int(part.split()[0])] = (re.search(r"RUNQUEUE: (\w+)", part)[1], pids[0], sorted(set(pids[1:])))
    for c in cpus:
        queued = sorted(t["pid"] for t in c["queued"] if t["pid"] != c["current"]["pid"])
        yield "cpu %d" % c["cpu"], (c["runqueue"], c["current"]["pid"], queued), theirs.get(c["cpu"])


def ps_m(blocked, text):
    theirs = {}
    for m in re.finditer(r"^\[(\d+) (\d+):(\d+):(\d+)\.(\d+)\] +\[\w+\] +PID: (\d+)", text, re.M):
        d, h, mi, s, ms, pid = (int(x) for x in m.groups())
        theirs[pid] = (((d * 24 + h) * 60 + mi) * 60 + s) * 1000 + ms
    for b in blocked:
        yield "ps -m %d" % b["pid"], b["blocked_ms"], theirs.get(b["pid"])


def dis(code, text):
    theirs = set(re.findall(r"^(0x[0-9a-f]+) <([^>]+)>", text, re.M))
    for line in code["instructions"]:
        m = re.match(r"(0x[0-9a-f]+) <([^>]+)>", line)
        yield "dis " + m[1], m.groups() in theirs, True


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--eyrie", required=True)
    ap.add_argument("--crash", required=True)
    ap.add_argument("pairs", nargs="+", metavar="VMLINUX=DUMP,...")
    a = ap.parse_args()
    bad = total = 0
    for vmlinux, dumps in (p.split("=", 1) for p in a.pairs):
        for dump in dumps.split(","):
            p = subprocess.run([a.eyrie, "analyze", "--with=all", "--format=json", dump], stdout=subprocess.PIPE, check=True)
            r = json.loads(p.stdout)
            waits, code = r.get("waits") or {"blocked": []}, r.get("code")
            pids = " ".join(str(b["pid"]) for b in waits["blocked"]) or "1"
            start = "dis 0x%x 40" % (int(code["address"], 16) - code["offset"]) if code else "sys"
            out = crash(a.crash, vmlinux, dump, ["kmem -i", "kmem -s", "runq", "ps -m " + pids, start])
            rows = list(kmem_i(r["memory"], out[0])) + list(kmem_s(r["memory"], out[1])) + list(runq(r["cpus"], out[2]))
            rows += list(ps_m(waits["blocked"], out[3])) + (list(dis(code, out[4])) if code else [])
            wrong = [row for row in rows if row[1] != row[2]]
            print("%-40s %4d of %d the same" % (dump.rsplit("/", 1)[-1], len(rows) - len(wrong), len(rows)))
            for name, ours, theirs in wrong:
                print("    %s: %s, crash: %s" % (name, ours, theirs))
            bad += len(wrong)
            total += len(rows)
    print("%d of %d" % (total - bad, total))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
