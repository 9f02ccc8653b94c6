#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Feed eyrie analyze with bad dumps, and check that each costs an analysis at most.

  test_bad_input.py --eyrie build/eyrie [--keep FOLDER] [-v] GOOD.vmcore [CASE...]

For every case of make_broken.py, as JSON and as text: it ends by itself within 20 seconds, with status 0 or 2 and
never by a signal (nor does the child that reads the dump), in under 1 GiB. Status 2 comes with one line on standard error, and nothing on standard output.
Status 0 comes with a record whose frames all stand in the good dump's record: a frame may be missing, none may be
invented. What the case demands beyond that stands in make_broken.py.

Exit status: 0 all right, 1 not, 77 no good dump to start from.
"""
import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kdump  # noqa: E402
import make_broken  # noqa: E402

TIME_LIMIT = 20

# What the parent says of a child that did not end well: the sandbox held, and the parser is wrong all the same.
STOPPED = (
    "died of signal",
    "ended without an answer",
    "was stopped",
    "were stopped",
)
MEMORY_LIMIT_KIB = 1 << 20


def run(argv):
    """Run a command: (status, stdout, stderr, seconds, peak RSS in KiB); status is None where it had to be killed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - start > TIME_LIMIT:
                os.killpg(p.pid, signal.SIGKILL)
                _, status, usage = os.wait4(p.pid, 0)
                break
            time.sleep(0.005)
        seconds = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
        out.seek(0)
        err.seek(0)
        code = None if seconds > TIME_LIMIT else p.returncode
        return code, out.read(), err.read(), seconds, usage.ru_maxrss


def frames_of(record):
    """For each stack by (pid, cpu): its functions in order, but for the addresses that have no name."""
    out = {}
    for stack in record.get("stacks") or []:
        names = [f.get("function") for f in stack.get("frames") or []]
        out[(stack.get("pid"), stack.get("cpu"))] = [n for n in names if n]
    return out


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(any(x == y for y in rest) for x in part)


def check_text_safe(text):
    """Nothing of a dump may drive a terminal."""
    return [c for c in text if c < 0x20 and c not in (0x09, 0x0A)] or 0x7F in text


def check(name, expect, keeps, eyrie, path, good):
    """Problems of one case, as sentences, and a word on how it went."""
    problems = []
    code, out, err, seconds, rss = run([eyrie, "analyze", "--format=json", path])
    err_text = err.decode(errors="replace").strip()
    word = "%5.2f s %4d MiB " % (seconds, rss >> 10)
    if code is None:
        return ["took more than %d s" % TIME_LIMIT], word
    if rss > MEMORY_LIMIT_KIB:
        problems.append("took %d MiB" % (rss >> 10))
    if code < 0:
        return problems + ["died of signal %d: %s" % (-code, err_text[:200])], word
    if code not in (0, 2):
        return problems + ["exit status %d: %s" % (code, err_text[:200])], word
    if check_text_safe(err):
        problems.append("control characters on standard error")
    if code == 2:
        word += "rejected: " + err_text[:110]
        if not err_text or "\n" in err_text:
            problems.append("%d lines on standard error, not one" % len(err_text.splitlines()))
        if out:
            problems.append("status 2 with output")
        if any(words in err_text for words in STOPPED):
            problems.append("the analysis did not end by itself: " + err_text[:200])
        if keeps:
            problems.append("rejected, but has its %s" % " and ".join(keeps))
    else:
        try:
            record = json.loads(out)
        except ValueError as e:
            return problems + ["status 0 and no JSON: %s" % e], word
        problems += check_record(record, expect, keeps, good)
        word += "%d gaps%s" % (len(record["gaps"]), "".join("; " + g["what"] for g in record["gaps"])[:100])
        if expect == make_broken.REJECT:
            problems.append("analysed, but should be rejected")
    text_code, text, _, text_seconds, _ = run([eyrie, "analyze", "--format=text", path])
    if text_code != code:
        problems.append("status %s as text, %s as JSON (%.1f s)" % (text_code, code, text_seconds))
    if check_text_safe(text):
        problems.append("control characters in the text")
    return problems, word


def check_record(record, expect, keeps, good):
    problems = []
    gaps = record.get("gaps")
    if not isinstance(gaps, list) or any(not g.get("what") or not g.get("why") for g in gaps):
        return ["no list of gaps with what and why"]
    if expect == make_broken.DEGRADE and not gaps and record.get("dump", {}).get("complete", True):
        problems.append("names no gap")
    known = frames_of(good)
    for key, functions in frames_of(record).items():
        if key in known and not is_subsequence(functions, known[key]):
            problems.append("stack of %s: %s, good: %s" % (key, functions, known[key]))
        invented = set(functions) - {f for fs in known.values() for f in fs}
        if invented:
            problems.append("invented frames: %s" % ", ".join(map(str, sorted(invented, key=str))))
    if "log" in keeps and record.get("log") != good["log"]:
        problems.append(
            "the log is not the good one's (%d of %d bytes)" % (len(record.get("log") or ""), len(good["log"]))
        )
    if "stack" in keeps and (record.get("stacks") or [{}])[0].get("frames") != good["stacks"][0]["frames"]:
        problems.append("the panic stack is not the good one's")
    pids = [(t.get("pid"), t.get("address")) for t in record.get("tasks") or []]
    if len(pids) != len(set(pids)):
        problems.append("tasks listed twice")
    return problems


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--eyrie", required=True, help="the program to test")
    ap.add_argument("--keep", metavar="FOLDER", help="leave the bad dumps in this folder")
    ap.add_argument("-v", action="store_true", help="a line for each case")
    ap.add_argument("good", metavar="GOOD.vmcore")
    ap.add_argument("cases", nargs="*", metavar="CASE")
    a = ap.parse_args()
    make_broken.register_memory_cases()
    if not os.path.exists(a.good):
        print("%s is not there: nothing to break" % a.good)
        return 77
    if "kallsyms_num_syms" not in kdump.Dump(a.good).symbols:
        print("%s: its kernel does not say where kallsyms is (before 6.0): memory cannot be damaged on purpose" % a.good)
        return 77
    help_code, _, _, _, _ = run([a.eyrie, "analyze", "--help"])
    code, out, err, seconds, _ = run([a.eyrie, "analyze", "--format=json", a.good])
    if help_code or code:
        print("the good dump: exit status %s in %.1f s: %s" % (code, seconds, err.decode(errors="replace").strip()))
        return 1
    good = json.loads(out)
    if len(frames_of(good).get((good["panic_task"]["pid"], good["panic_task"]["cpu"]), [])) < 5:
        print("the good dump has no panic stack: this test could not fail")
        return 1
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    folder = a.keep or tempfile.mkdtemp(prefix="eyrie-broken-")
    os.makedirs(folder, exist_ok=True)
    failed = 0
    try:
        for name in a.cases or make_broken.CASES:
            make, expect, keeps = make_broken.CASES[name]
            path = os.path.join(folder, name)
            make(kdump.Dump(a.good), path)
            problems, word = check(name, expect, keeps, a.eyrie, path, good)
            failed += bool(problems)
            if problems or a.v:
                print("%-4s %-36s %s" % ("FAIL" if problems else "ok", name, word))
            for p in problems:
                print("       " + p)
            sys.stdout.flush()
            if not a.keep:
                os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
    finally:
        if not a.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("%d cases, %d wrong" % (len(a.cases or make_broken.CASES), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
