#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run_cases.py EYRIE CASE...: each case is a kernel log with its expected verdict at the top.

Lines "# key: value" say what the first event must have ("next-key": the second, "third-key"; "events: N"
counts them; "none:" wants no event; "part.key" looks into an object of the event, "lines.cpu" say).
"fatal: KIND|yes|no" is what --fatal must answer. Each line that an event names for a field must hold
that field. Every case is also fed in other dresses (syslog, journal, /dev/kmsg, dmesg's ways to
print the time, a serial line, ...), which must not change the answer, and cut off at every line,
which must not crash.
"""
import json, re, subprocess, sys


def run(eyrie, text, *options):
    p = subprocess.run([eyrie, "oops", *options], input=text.encode(), capture_output=True)
    if p.returncode:
        raise SystemExit(f"exit code {p.returncode}: {p.stderr.decode()}")
    return [json.loads(line) for line in p.stdout.decode().splitlines()]


def value(event, key):
    v = event
    for part in key.split("."):
        v = v.get(part) if isinstance(v, dict) else None
    if isinstance(v, list):
        return " ".join(map(str, v))
    return "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)


def misplaced(event, lines):
    """The fields whose line of the log does not hold them."""
    bad = []
    places = [(f, event.get(f), n) for f, n in event.get("lines", {}).items() if f != "title"]
    places += [("frame", f["function"], f["line"]) for f in event["frames"]]
    for field, v, n in places:
        line = lines[n - 1] if 0 < n <= len(lines) else ""
        # What is blamed may have another name: without suffixes, one for all ways of a wait, and
        # Rust's as in its source.
        if field == "guilty":
            v = re.sub(r"^(smp_call_function|synchronize_rcu).*", "", v).split("::")[-1]
        if str(v) not in line:
            bad.append(f"{field} is {v!r}, and line {n} says {line!r}")
    return bad


def dressed_line(line, n, seconds, micros, text, style):
    """One line "[seconds.micros] text" as the road named style would hand it down."""
    return {
        "syslog": f"Nov 23 12:00:00 web-01 kernel: {line}",
        "rfc3339": f"2026-11-23T12:00:00.123456+00:00 web-01 kernel: {line}",
        "journal": f"[{seconds}.{micros}] web-01 kernel: {text}",
        "kmsg": f"4,{n + 100},{int(seconds) * 1000000 + int(micros)},-;{text}",
        "netconsole": f"4,{n + 100},{int(seconds) * 1000000 + int(micros)},-,caller=T7;{text}",
        "pstore": f"<4>{line}",
        "dmesg -T": f"[Mon Nov 23 12:00:00 2026] {text}",
        "dmesg -d": f"[{seconds:>5}.{micros} <    0.000001>] {text}",
        "dmesg -e": f"[  +0.000001] {text}" if n else f"[Nov23 12:00] {text}",
        "dmesg -x": f"kern  :alert : {line}",
        "printk caller": f"[{seconds:>5}.{micros}][   T12] {text}",
        "serial line": line + "\r",
        "old addresses": re.sub(r"^(\[[^]]*\] +)(\? )?(\w[\w.]*\+0x[0-9a-f]+/0x)",
                                r"\1[<ffffffff81234567>] \g<2>\3", line),
        "upper case": re.sub(r"\b[0-9a-f]{16}\b", lambda m: m[0].upper(), line),
    }[style]


DRESSES = ("syslog", "rfc3339", "journal", "kmsg", "netconsole", "pstore", "dmesg -T", "dmesg -d",
           "dmesg -e", "dmesg -x", "printk caller", "serial line", "old addresses", "upper case")


def dress(lines, style):
    out = []
    for line in lines:
        m = re.match(r"\[ *(\d+)\.(\d+)\] ?(.*)", line)
        if not m or re.match(r"\[ *[\d.]+\]\[ *[TC]", line):
            return None
        out.append(dressed_line(line, len(out), m[1], m[2], m[3], style))
    return "\n".join(out) + "\n"


def check(eyrie, path):
    want, lines = [], []
    for line in open(path, encoding="utf-8", errors="surrogateescape").read().splitlines():
        m = re.match(r"# ([a-z_.-]+): ?(.*)", line)
        if m and not lines:
            want.append((m[1], m[2]))
        else:
            lines.append(line)
    if not want:
        return ["no verdict at the top"]
    text = "\n".join(lines) + "\n"
    events, bad = run(eyrie, text), []
    for key, expected in want:
        index, name = 0, key
        for n, word in ((1, "next"), (2, "third")):
            if key.split("-")[0] == word:
                index, name = n, key[len(word) + 1:] or "kind"
        if key == "source":
            continue
        if key == "none":
            got, expected = len(events), 0
        elif key == "events":
            got, expected = len(events), int(expected)
        elif key == "fatal":
            fatal = run(eyrie, text, "--fatal")
            kind = fatal[0]["kind"] if fatal else "no"
            got = "yes" if expected == "yes" and kind != "no" else kind
        else:
            got = value(events[index], name) if len(events) > index else "no event"
            if name == "offset" and got.isdigit():
                got = hex(int(got))
        if got != expected:
            bad.append(f"{key} is {got!r}, expected {expected!r}")
    for e in events:
        bad += misplaced(e, lines)
    keys = [(e["signature"], e["reason"]) for e in events]
    dressed = {style: dress(lines, style) for style in DRESSES}
    asked = [json.dumps({"id": style, "log": log}) for style, log in dressed.items() if log]
    for answer in run(eyrie, "\n".join(asked), "--batch"):
        if [(e["signature"], e["reason"]) for e in answer["events"]] != keys:
            bad.append(f"another answer in the dress of {answer['id']}")
    cuts = [json.dumps({"id": n, "log": "\n".join(lines[:n])}) for n in range(1, len(lines))]
    if len(run(eyrie, "\n".join(cuts), "--batch")) != len(cuts):
        bad.append("a cut log went wrong")
    return bad


def main():
    failed = 0
    for path in sys.argv[2:]:
        for text in check(sys.argv[1], path):
            print(f"{path}: {text}")
            failed += 1
    print(f"{len(sys.argv) - 2} cases, {failed} failures")
    return 1 if failed or len(sys.argv) < 3 else 0


sys.exit(main())
