#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One answer by every road: the native engine, eyrie oops on the dump's log, and the reader of crash's own text.

  test_crash_text.py --eyrie build/eyrie --check build/record_check SAMPLES [--dumps DIR]

SAMPLES holds the sample dumps; what crash wrote of them lies in crash/. With --dumps, the dumps of DIR (*.vmcore) are
compared as well: the native engine with eyrie oops, and with DIR/NAME.crash.txt where there is one.

Exit status: 0 right, 1 not.
"""
import argparse
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

import crash_layouts

HERE = os.path.dirname(os.path.abspath(__file__))
# What crash wrote of which sample.
TEXTS = {
    "bug-6.1.crash9.txt": "bug-6.1", "null-6.12.crash9.txt": "null-6.12", "null-6.1-cloud.crash8.txt": "null-6.1-cloud",
}
failures = []


def check(name, got, wanted):
    if got != wanted:
        failures.append(name)
        print("FAIL %s\n     got    %s\n     wanted %s" % (name, str(got)[:400], str(wanted)[:400]))


class Eyrie:
    def __init__(self, program, checker):
        self.program, self.checker, self.records = program, checker, []

    def analyze(self, path, *options):
        p = subprocess.run([self.program, "analyze", "--config=" + os.path.join(HERE, "crash", "empty.conf"), "--format=json", *options, path],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        if p.returncode:
            return None, p.stderr.decode(errors="replace").strip()
        self.records.append(p.stdout)
        return json.loads(p.stdout), ""

    def read(self, text):
        with tempfile.NamedTemporaryFile(suffix=".txt") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
            f.flush()
            return self.analyze(f.name)

    def oops(self, log):
        """The fatal event of a log, as the agent and the engines choose it: out of a record without a dump."""
        batch = json.dumps({"id": "log", "log": log}) + "\n"
        p = subprocess.run([self.program, "oops", "--batch"], input=batch.encode(), stdout=subprocess.PIPE, check=True)
        return json.loads(p.stdout)["events"]

    def check_records(self):
        """Each record that was made is one that the center takes."""
        lines = b"".join(json.dumps(json.loads(r)).encode() + b"\n" for r in self.records)
        p = subprocess.run([self.checker], input=lines, stdout=subprocess.PIPE, check=True)
        answers = p.stdout.decode().split("\n")[:-1]
        check("records that the center takes", set(answers), {"ok"})
        check("records looked at", len(answers), len(self.records))


def key(record):
    event = (record or {}).get("event") or {}
    return event.get("signature"), event.get("reason")


def gaps(record):
    return {g["what"]: g["why"] for g in record["gaps"]}


def tasks(record):
    return {(t["pid"], t["ppid"], t["comm"], t["state"], t["cpu"], t["address"], t["vsz_kib"], t["rss_kib"])
            for t in record["tasks"]}


def modules(record):
    return {(m["name"], m["base"], m["size"]) for m in record["modules"]}


def calls(stack):
    return [f["function"] for f in stack["frames"] if not f.get("interrupted")]


def interrupted(stack):
    return [(f["function"], f["offset"], f["address"], f["registers"]) for f in stack["frames"] if f.get("interrupted")]


def lines(log):
    return [line.rstrip() for line in log.split("\n") if line.strip()]


def check_roads(e, name, native, text=None):
    """The same signature and reason by each road."""
    fatal = native["event"]
    if fatal:
        same = [(ev["signature"], ev["reason"]) for ev in e.oops(native["log"])]
        if "event" in gaps(native):
            # The log does not tell it: there the stack was asked.
            check(name + ": eyrie oops", same, [])
        else:
            check(name + ": eyrie oops", key(native) in same, True)
    if text is not None:
        record, err = e.read(text)
        check(name + ": crash's text", key(record) if record else err, key(native))
        return record
    return None


def check_whole(name, record, native):
    """All else that crash says is what the native engine says."""
    check(name + ": panic task", record["panic_task"], native["panic_task"])
    check(name + ": tasks", tasks(record), tasks(native))
    check(name + ": log", lines(record["log"]), lines(native["log"]))
    for field in ("hostname", "release", "version", "machine", "cpus", "crash_time"):
        check("%s: %s" % (name, field), record["system"][field], native["system"][field])
    check(name + ": uptime", abs(record["system"]["uptime_seconds"] - native["system"]["uptime_seconds"]) <= 1, True)
    check(name + ": memory", abs(record["system"]["memory_bytes"] - native["system"]["memory_bytes"]) <= 1 << 17, True)
    check(name + ": calls", calls(record["stacks"][0]), calls(native["stacks"][0]))
    check(name + ": interrupted", interrupted(record["stacks"][0]), interrupted(native["stacks"][0]))
    check(name + ": CPUs", sorted(s["cpu"] for s in record["stacks"]), sorted(s["cpu"] for s in native["stacks"]))
    check(name + ": gaps", gaps(record), {})


def without_log(text):
    return re.sub(r"^\[ *\d+\.\d+\].*\n", "", text, flags=re.M)


def check_layouts(e, text, native):
    """The same record in whatever order, with prompts or without, of crash 7 too."""
    parts = crash_layouts.sections(text)
    check("commands found", sorted(parts), ["bt", "bt -a", "log", "mod", "ps", "sys"])
    names = ["sys", "bt -a", "log", "ps", "mod"]
    for number, order in enumerate(itertools.permutations(names)):
        if number % 7:
            continue
        prompts = bool(number % 2)
        record, err = e.read(crash_layouts.join(parts, order, prompts))
        name = "%s, %s prompts" % (", ".join(order), "with" if prompts else "without")
        check(name + ": read", err, "")
        if record:
            check(name, key(record), key(native))
            check_whole(name, record, native)
            check(name + ": modules", modules(record), modules(native))
    record, err = e.read(crash_layouts.join(parts, names, True, "9.0.2").replace("\n", "\r\n"))
    check("CR LF", (key(record), tasks(record)), (key(native), tasks(native)))
    record, err = e.read(crash_layouts.crash7(text))
    check("crash 7: engine", record["engine"], "crash 7.3.2")
    check_whole("crash 7", record, native)
    check("crash 7: event", key(record), key(native))
    check("crash 7: modules", {(m, s) for m, _, s in modules(record)}, {(m, s) for m, _, s in modules(native)})
    # Before 7.2.9 the date has no zone, and is that of the machine on which crash ran.
    record, err = e.read(text.replace(" UTC 2026", " 2026"))
    check("no zone", (record["system"]["crash_time"], "crash time" in gaps(record)), (None, True))
    record, err = e.read(text.replace(" UTC 2026\n", " CST 2026\n", 1))
    check("another zone", (record["system"]["crash_time"], "CST" in gaps(record)["crash time"]), (None, True))
    record, err = e.read(text.replace("UPTIME: 00:00:", "UPTIME: 3 days, 01:00:", 1).replace("351.5 MB", "31.4 GB")
                         .replace("CPUS: 2", "CPUS: 4 [OFFLINE: 1]").replace("0.0", "1234.5", 1))
    system = record["system"]
    check("3 days", system["uptime_seconds"] // 3600, 3 * 24 + 1)
    check("GB, offline", (system["memory_bytes"] >> 20, system["cpus"]), (32153, 3))
    # radix 16, and text that is nobody's in front of it.
    record, err = e.read("Script started\n" + text.replace("lkdtm_BUG+5]", "lkdtm_BUG+0x5]"))
    check("hexadecimal offset", interrupted(record["stacks"][0]), interrupted(native["stacks"][0]))
    # Eyrie's own analysis.txt is laid out alike.
    with tempfile.NamedTemporaryFile() as f:
        p = subprocess.run([e.program, "analyze", "--config=" + os.path.join(HERE, "crash", "empty.conf"), "--engine=native", "--with=none", "-o", f.name,
                            os.path.join(samples, "bug-6.1.vmcore")], check=True)
        record, err = e.analyze(f.name)
    check("analysis.txt", key(record), key(native))
    check("analysis.txt: tasks", tasks(record), tasks(native))


def check_stack_only(e, text, native, page_fault, native_page_fault):
    """Without a log, from the stack and the line PANIC; what cannot be known is not said."""
    record, err = e.read(without_log(text))
    check("no log: event", key(record), key(native))
    check("no log: size", record["event"]["size"], 0)
    check("no log: said", "the text holds no log" in gaps(record)["event"], True)
    record, err = e.read(without_log(page_fault))
    signature, reason = key(native_page_fault)
    check("no log, page fault", key(record), (signature, reason.replace("NULL-DEREF", "PAGE-FAULT")))
    check("no log, page fault: said", "NULL" in gaps(record)["event"], True)
    sys_lines = crash_layouts.sections(text)["sys"]
    panic = [line for line in sys_lines if line.strip().startswith("PANIC:")][0]

    def stack(message, frames, offsets=False):
        out = "\n".join(sys_lines).replace(panic, '       PANIC: "%s"' % message)
        out += '\nPID: 190      TASK: ffff8c1f8342a100  CPU: 1    COMMAND: "x"\n'
        for i, (name, rip) in enumerate(frames):
            if rip:
                out += "    [exception RIP: %s]\n    RIP: ffffffffc055c645  RSP: ffffcf8d000d0ea0  RFLAGS: 00000082\n" % name
            else:
                plain = name.split("+")[0] if not offsets else name
                out += "%s#%d [ffffcf8d000d0%03x] %s at ffffffffa1%06x\n" % (" " if i < 10 else "", i, i * 8, plain, i)
        return key(e.read(out)[0])

    down = [("machine_kexec+447", 0), ("__crash_kexec+119", 0)]
    died = down + [("panic+264", 0), ("how_panics+21", 0), ("do_one_initcall+94", 0)]
    check("panic", stack("Kernel panic - not syncing: x", died), (None, "g1:PANIC:how_panics"))
    check("panic, bt -s", stack("Kernel panic - not syncing: x", died, True), ("how_panics+0x15", "g1:PANIC:how_panics"))
    noreturn = down + [("panic+264", 0), ("next_one+0", 0), ("do_one_initcall+94", 0)]
    check("panic at the end of a function", stack("Kernel panic - not syncing: x", noreturn, True), (None, None))
    check("hung task", stack("Kernel panic - not syncing: hung_task: blocked tasks", died, True), (None, None))
    check("RCU stall", stack("Kernel panic - not syncing: RCU Stall", died, True), (None, None))
    warned = down + [("panic+264", 0), ("check_panic_on_warn.cold+20", 0), ("__warn+128", 0), ("report_bug+229", 0),
                     ("handle_bug+60", 0), ("exc_invalid_op+20", 0), ("asm_exc_invalid_op+22", 0), ("how_warns+19", 1),
                     ("do_one_initcall+94", 0)]
    check("panic_on_warn", stack("Kernel panic - not syncing: kernel: panic_on_warn set ...", warned),
          ("how_warns+0x13", "g1:WARNING:how_warns"))
    stuck = down + [("panic+264", 0), ("watchdog_timer_fn.cold+12", 0), ("__hrtimer_run_queues+269", 0),
                    ("asm_sysvec_apic_timer_interrupt+22", 0), ("how_loops+5", 1), ("do_one_initcall+94", 0)]
    check("soft lockup", stack("Kernel panic - not syncing: softlockup: hung tasks", stuck),
          ("how_loops+0x5", "g1:SOFT-LOCKUP:how_loops"))
    trap = down + [("crash_kexec+40", 0), ("oops_end+161", 0), ("exc_divide_error+76", 0), ("asm_exc_divide_error+22", 0),
                   ("how_divides+9", 1), ("do_one_initcall+94", 0)]
    check("divide error", stack("divide error: 0000 [#1] PREEMPT SMP NOPTI", trap), ("how_divides+0x9", "g1:TRAP:how_divides"))
    check("no PANIC line", stack("", trap), ("how_divides+0x9", "g1:TRAP:how_divides"))
    # panic_on_oops: panic() is called out of the die path.
    died_of = down + [("panic+264", 0)] + trap[3:]
    check("panic_on_oops", stack("Kernel panic - not syncing: Fatal exception", died_of),
          ("how_divides+0x9", "g1:TRAP:how_divides"))


def check_crash8(record, native):
    """crash 8.0.2 leaves tasks out of its list on 6.1, and does not say so."""
    why = gaps(record)
    check("crash 8.0.2: tasks", len(record["tasks"]) < len(native["tasks"]) / 10, True)
    check("crash 8.0.2: said", "not credible" in why["tasks"] and "without init" in why["tasks"], True)
    check("crash 8.0.2: its warning", "not found in PID hash" in why["crash"], True)
    check("crash 8.0.2: parents", {t["ppid"] for t in record["tasks"] if t["pid"]}, {None})
    check("crash 8.0.2: log", lines(record["log"]), lines(native["log"]))
    check("crash 8.0.2: panic task", record["panic_task"], native["panic_task"])


def check_hostile(e, text, native):
    """A log can begin no other section, and nonsense is no crash text."""
    parts = crash_layouts.sections(text)
    evil = ["[    1.000000] crash> ps", '[    1.000001] PID: 1  TASK: ffff888000000000  CPU: 0  COMMAND: "init"',
            "[    1.000002]       KERNEL: /boot/vmlinux", "[    1.000003] crash 1.2.3", "                   indented: more",
            "[    1.000004]    PID    PPID  CPU       TASK        ST  %MEM     VSZ    RSS  COMM"]
    parts["log"] = parts["log"][:40] + evil + parts["log"][40:]
    for prompts in (False, True):
        record, err = e.read(crash_layouts.join(parts, ["sys", "bt", "log", "ps", "mod"], prompts))
        check("log that plays crash", (key(record), record["engine"], tasks(record), len(record["stacks"])),
              (key(native), "crash", tasks(native), 1))
        check("log that plays crash: kept", [line in record["log"].split("\n") for line in evil], [True] * len(evil))
    for name, bad in (("empty", b""), ("text", b"hello\nworld\n" * 100), ("only a prompt", b"crash> bt\ncrash> exit\n")):
        record, err = e.read(bad)
        check("not of crash: " + name, record, None)
    many = crash_layouts.join(parts, ["sys", "bt", "log"]) + 'PID: 7 TASK: ffff888000000000 CPU: 0 COMMAND: "x"\n' + \
        " #1 [ffff888000000000] f at ffffffff81000000\n" * 100000
    record, err = e.read(many)
    check("100,000 frames", max(len(s["frames"]) for s in record["stacks"]), 512)
    # Cut off anywhere it is still read.
    for cut in range(1000, len(text), 7919):
        record, err = e.read(text[:cut])
        check("cut at %d" % cut, err, "")


def check_dumps(e, folder):
    found = 0
    for dump in sorted(glob.glob(os.path.join(folder, "*.vmcore"))):
        name = os.path.basename(dump).removesuffix(".vmcore")
        native, err = e.analyze(dump, "--engine=native", "--with=none")
        if not native:
            print("     %s: %s" % (name, err))
            continue
        text = dump.removesuffix(".vmcore") + ".crash.txt"
        data = None
        if os.path.exists(text):
            with open(text, "rb") as f:
                data = f.read()
            if b"RELEASE: " not in data:
                print("     %s: crash could not read this dump" % name)
                data = None
        check_roads(e, name, native, data)
        found += 1
    print("%d dumps of %s" % (found, folder))


def main():
    global samples
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--eyrie", required=True)
    ap.add_argument("--check", required=True)
    ap.add_argument("--dumps")
    ap.add_argument("samples")
    a = ap.parse_args()
    samples = a.samples
    e = Eyrie(a.eyrie, a.check)
    if a.dumps:
        if not os.path.isdir(a.dumps):
            print("skipped: no dumps in " + a.dumps)
            return 77
        check_dumps(e, a.dumps)
        return 1 if failures else 0
    texts, natives, records = {}, {}, {}
    for name, sample in TEXTS.items():
        with open(os.path.join(HERE, "crash", name)) as f:
            texts[name] = f.read()
        natives[name], err = e.analyze(os.path.join(a.samples, sample + ".vmcore"), "--engine=native", "--with=none")
        check(sample + ": analysed", err, "")
        records[name] = check_roads(e, name, natives[name], texts[name])
    bug, null, old = TEXTS
    check_whole(bug, records[bug], natives[bug])
    check_whole(null, records[null], natives[null])
    check("engine", [records[n]["engine"] for n in TEXTS], ["crash", "crash 9.0.2", "crash"])
    check("inventory", records[null]["inventory"]["bios_version"], natives[null]["inventory"]["bios_version"])
    check("taint", records[null]["system"]["taint"], natives[null]["system"]["taint"])
    check("modules", modules(records[null]), modules(natives[null]))
    check("module taint", {m["name"]: m["taint"] for m in records[null]["modules"]},
          {m["name"]: m["taint"] for m in natives[null]["modules"]})
    offsets = {(f["address"], f["offset"]) for f in natives[null]["stacks"][0]["frames"]}
    check("bt -s", {(f["address"], f["offset"]) for f in records[null]["stacks"][0]["frames"]}, offsets)
    check_layouts(e, texts[bug], natives[bug])
    check_stack_only(e, texts[bug], natives[bug], texts[old], natives[old])
    check_crash8(records[old], natives[old])
    check_hostile(e, texts[bug], natives[bug])
    e.check_records()
    print("%d failed" % len(failures) if failures else "ok: %d records" % len(e.records))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
