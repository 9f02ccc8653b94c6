#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two machines crash, kdump saves their memory, they come back, and their crashes end up in the database.

  test_kdump.py --eyrie build/eyrie --eyried build/eyried [--kernel ROOT] [--keep FOLDER]

Each machine is a guest of QEMU that runs Debian's kernel with kexec and makedumpfile: it crashes for real, its crash
kernel writes the dump where and how kdump-tools does, and after the reboot `eyrie agent` files it into a repository
that all share. The host then takes that into a database. No root is needed, and no network.

--kernel names the folder that has boot/vmlinuz-RELEASE and lib/modules/RELEASE (default: $EYRIE_GUEST_KERNEL, then /).
Exit status: 0 all right; 1 not; 77 something that the guests need is not installed, and the last line says what.
"""
import argparse
import filecmp
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guest  # noqa: E402

RUN = """set -e
mkdir -p /share/state
for n in 1 2; do
	eyrie agent --crash-dir /share/crash --repository /share/repository --site lab --state-dir /share/state
done
eyrie analyze --engine=native --format=json --output /share/live.json /proc/kcore
"""

# What crashes how: host name, kind of eyrie.crash, when to press the NMI button, and what the event must be.
MACHINES = (
    ("web-01", "sysrq", None, "PANIC", "sysrq_handle_crash+0x"),
    ("web-02", "nmi", "GUEST: crashing", "NMI", "nmi_panic"),
)

problems = []


def expect(what, got, want):
    if got != want:
        problems.append("%s: %r, not %r" % (what, got, want))


def expect_true(sentence, truth):
    if not truth:
        problems.append(sentence)


def only(pattern):
    found = glob.glob(pattern)
    expect_true("%s: %d files, not one" % (pattern, len(found)), len(found) == 1)
    return found[0] if found else None


def crash_and_file(folder, kernel, eyrie, capture, machine, number):
    """Crash one machine, reboot it, let its agent file the dump; returns the guest."""
    host, kind, nmi, _, _ = machine
    os.makedirs(folder)
    g = guest.Guest(
        folder, kernel, host, "11111111-2222-3333-4444-%012d" % number, "SN-%04d" % number, [capture] if capture else []
    )
    said = g.boot("eyrie.crash=" + kind, marks={nmi: "nmi"} if nmi else None)
    expect_true("%s: the crash kernel did not save a dump:\n%s" % (host, said[-1500:]), "saved status=0" in said)
    # The machine comes back with the programs of the host side, as the administrator installed them.
    archive = guest.Archive()
    archive.add_program(eyrie, "bin/eyrie")
    archive.add("etc/machine-id", b"%032x\n" % number)
    extra = os.path.join(folder, "eyrie.cpio")
    with open(extra, "wb") as f:
        f.write(archive.finish())
    with open(os.path.join(g.share, "run.sh"), "w", encoding="ascii") as f:
        f.write(RUN)
    said = g.boot("eyrie.run=1", [extra])
    out = g.read(os.path.join(g.share, "run.out"))
    print("%s: eyrie agent says:\n%s" % (host, "".join("    %s\n" % l for l in out.splitlines())), end="")
    expect_true("%s: the agent failed:\n%s\n%s" % (host, out, said[-1500:]), "ran status=0" in said)
    return g


def check_filed(g, machine, number):
    """What the agent put into the repository."""
    host, _, _, kind, signature = machine
    dump = only(os.path.join(g.share, "crash", "*", "dump.*"))
    if not dump:
        return
    with open(dump, "rb") as f:
        expect("%s: the dump's first bytes" % host, f.read(12), b"makedumpfile")
    filed = only(os.path.join(g.share, "repository", "lab", "*", "*", "record.json"))
    if not filed:
        return
    folder = os.path.dirname(filed)
    for name in ("analysis.txt", "dmesg.txt", "vmcore"):
        expect_true("%s: no %s" % (folder, name), os.path.getsize(os.path.join(folder, name)) > 1000)
    expect_true(
        "%s: the filed dump is another" % host, filecmp.cmp(dump, os.path.join(folder, "vmcore"), shallow=False)
    )
    with open(filed, encoding="utf-8") as f:
        record = json.load(f)
    event, identity = record.get("event") or {}, record["identity"]
    expect("%s: schema" % host, record.get("schema"), "eyrie/crash/1")
    expect("%s: release" % host, record["system"]["release"], g.release)
    expect("%s: host name" % host, record["system"]["hostname"], host)
    expect("%s: CPUs" % host, record["system"]["cpus"], 2)
    expect("%s: kind" % host, event.get("kind"), kind)
    expect_true("%s: signature %s" % (host, event.get("signature")), str(event.get("signature")).startswith(signature))
    expect("%s: DMI UUID" % host, str(identity.get("dmi_uuid")).lower(), g.uuid)
    expect("%s: DMI serial" % host, identity.get("dmi_serial"), g.serial)
    expect("%s: product" % host, record["inventory"].get("product"), "Model 9000")
    # The log: in the kernel's ring buffer, in the record, and as makedumpfile's own reader saved it.
    last = "guest: the last line before the crash"
    with open(os.path.join(folder, "dmesg.txt"), encoding="utf-8") as f:
        dmesg = f.read()
    saved = only(os.path.join(g.share, "crash", "*", "dmesg.*"))
    with open(saved, encoding="utf-8", errors="replace") as f:
        theirs = f.read()
    expect_true("%s: dmesg.txt lacks the last words" % host, last in dmesg)
    expect(
        "%s: dmesg.txt, lines" % host,
        [l.rstrip() for l in dmesg.splitlines()],
        [l.rstrip() for l in theirs.splitlines()],
    )
    expect_true(
        "%s: no frame of %s" % (host, signature), any(f["function"] == "panic" for f in record["stacks"][0]["frames"])
    )
    gaps = record["gaps"]
    if not g.release.startswith("6.1."):
        # Debian 12's makedumpfile is older than these kernels and may take a page of tasks for a free one.
        gaps = [gap for gap in gaps if "not in the dump" not in gap["why"]]
    if gaps == record["gaps"]:
        tasks = {t["comm"] for t in record["tasks"]}
        expect_true("%s: tasks %s" % (host, sorted(tasks)), {"init", "sleep", "kthreadd"} <= tasks)
    expect("%s: gaps" % host, gaps, [])


def check_captured(g, machine):
    """What eyrie-capture saved in the crash kernel, from /proc/vmcore, is what the agent finds in the dump."""
    captured = only(os.path.join(g.share, "capture", "*", "record.json"))
    filed = only(os.path.join(g.share, "repository", "lab", "*", "*", "record.json"))
    if not captured or not filed:
        return
    with open(captured, encoding="utf-8") as f:
        early = json.load(f)
    with open(filed, encoding="utf-8") as f:
        late = json.load(f)
    expect("%s: format in the crash kernel" % machine[0], early["dump"]["format"], "ELF")
    for part in ("event", "panic_task", "stacks", "tasks", "modules", "log", "gaps"):
        expect_true("%s: the crash kernel's %s are not the dump's" % (machine[0], part), early[part] == late[part])


def check_live(g, machine):
    """What 'eyrie analyze /proc/kcore' said of the kernel that it ran on."""
    path = only(os.path.join(g.share, "live.json"))
    if not path:
        return
    with open(path, encoding="utf-8") as f:
        live = json.load(f)
    host = machine[0]
    expect("%s: format of the live look" % host, live["dump"]["format"], "kcore")
    expect("%s: host name of the live look" % host, live["system"]["hostname"], host)
    expect("%s: a kernel that runs has crashed" % host, (live["event"], live["panic_task"]), (None, None))
    expect("%s: a kernel that runs has a time of its crash" % host, live["system"]["crash_time"], None)
    names = [task["comm"] for task in live["tasks"]]
    expect_true("%s: the live look does not list itself: %s" % (host, names), "eyrie" in names)
    expect_true("%s: the live look has no log" % host, "Linux version" in (live["log"] or ""))


def populate(eyried, repository, database):
    argv = [eyried, "populate", "--repository", repository, "--db", database]
    p = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    print("eyried populate says:\n" + "".join("    %s\n" % l for l in (p.stdout + p.stderr).splitlines()), end="")
    expect("eyried populate: exit status", p.returncode, 0)
    return p.stdout


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--eyrie", required=True)
    ap.add_argument("--eyried", required=True)
    ap.add_argument("--capture", metavar="EYRIE-CAPTURE", help="run it in the crash kernel, before makedumpfile")
    ap.add_argument("--kernel", default=os.environ.get("EYRIE_GUEST_KERNEL", "/"), metavar="ROOT")
    ap.add_argument("--keep", metavar="FOLDER", help="leave everything in this folder")
    a = ap.parse_args()
    folder = a.keep or tempfile.mkdtemp(prefix="eyrie-guest-")
    start = time.monotonic()
    try:
        repository = os.path.join(folder, "repository")
        for number, machine in enumerate(MACHINES, 1):
            g = crash_and_file(os.path.join(folder, machine[0]), a.kernel, a.eyrie, a.capture, machine, number)
            check_filed(g, machine, number)
            check_live(g, machine)
            if a.capture:
                check_captured(g, machine)
            # One tree for all, as an NFS server has it.
            shutil.copytree(os.path.join(g.share, "repository"), repository, dirs_exist_ok=True)
        database = os.path.join(folder, "eyrie.db")
        first = populate(a.eyried, repository, database)
        expect("populate: new crashes", sum(l.startswith("new ") for l in first.splitlines()), len(MACHINES))
        second = populate(a.eyried, repository, database)
        expect_true(
            "populate took something twice: %s" % second, "web-0" not in second and ", 2 there before" in second
        )
    except guest.Missing as e:
        print("skipped: %s" % e)
        return 77
    except TimeoutError as e:
        problems.append(str(e))
    finally:
        if not a.keep:
            shutil.rmtree(folder, ignore_errors=True)
    for p in problems:
        print("FAIL " + p)
    print("%d machines, %d problems, %.0f s" % (len(MACHINES), len(problems), time.monotonic() - start))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
