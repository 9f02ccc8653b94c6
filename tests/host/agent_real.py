#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent with its real analyser on the dumps that ship with Eyrie, and on bad ones.

Usage: agent_real.py EYRIE SAMPLES SCHEMA
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

EYRIE, SAMPLES, SCHEMA = sys.argv[1:4]
failures = 0


def check(condition, what):
    global failures
    if not condition:
        print("FAILED:", what)
        failures += 1


class Host:
    """A crash directory, a repository, and the agent between them."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="eyrie-agent-")
        self.crash = self.path("crash")
        self.repository = self.path("repository")
        os.mkdir(self.crash)
        self.config = self.path("eyrie.conf")
        self.write("eyrie.conf", f"[agent]\ncrash_dir = {self.crash}\n"
                   f"state_dir = {self.path('state')}\n"
                   f"[repository]\npath = {self.repository}\nsite = ams1\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def add(self, folder, name, data):
        """A finished file of a crash: bytes, or the path of a dump and how much of it."""
        os.makedirs(os.path.join(self.crash, folder), exist_ok=True)
        path = os.path.join(self.crash, folder, name)
        with open(path, "wb") as f:
            f.write(data)
        os.utime(path, (time.time() - 86400,) * 2)

    def run(self, *options):
        return subprocess.run([EYRIE, "agent", "--config", self.config, *options],
                              capture_output=True, text=True, timeout=300)

    def entries(self):
        """The folders of crashes, as paths below the repository."""
        found = []
        for root, dirs, files in os.walk(self.repository):
            if root.count("/") == self.repository.count("/") + 3:
                if not os.path.basename(root).startswith("."):
                    found.append(root)
                dirs.clear()
        return sorted(found)

    def records(self):
        return [json.load(open(os.path.join(e, "record.json"))) for e in self.entries()]


def sample(name, part=1.0):
    data = open(os.path.join(SAMPLES, name), "rb").read()
    return data[:int(len(data) * part)]


def check_schema(record):
    try:
        import jsonschema
    except ImportError:
        return
    for error in jsonschema.Draft202012Validator(json.load(open(SCHEMA))).iter_errors(record):
        check(False, f"schema: {list(error.path)}: {error.message[:200]}")


def files_real_dumps():
    with Host() as host:
        host.add("202611231427", "dump.202611231427", sample("bug-6.1.vmcore"))
        host.add("127.0.0.1-2026-11-23-14:28:30", "vmcore", sample("null-6.12.vmcore"))
        host.add("2026-11-23-14:31", "vmcore", sample("null-6.1-cloud.vmcore"))
        done = host.run()
        check(done.returncode == 0, f"exit code {done.returncode}: {done.stderr}")
        check(len(done.stdout.splitlines()) == 3, f"a line each: {done.stdout}")
        check(len(host.entries()) == 3, host.entries())
        signatures = set()
        for entry, record in zip(host.entries(), host.records()):
            check_schema(record)
            check(not record["event"] or sorted(os.listdir(entry)) == ["analysis.txt", "checksums", "dmesg.txt",
                                                "record.json", "vmcore"], os.listdir(entry))
            sums = subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "checksums"],
                                  cwd=entry)
            check(sums.returncode == 0, f"checksums of {entry}")
            if not record["event"]:
                check(False, f"not analysed: {record['gaps']}")
                continue
            log = open(os.path.join(entry, "dmesg.txt")).read()
            check(log == record["log"] and "Linux version" in log, "dmesg.txt is the record's log")
            check(os.path.basename(entry).startswith(
                record["system"]["crash_time"].replace("-", "").replace(":", "")), entry)
            signatures.add(record["event"]["signature"])
        check(signatures == {"lkdtm_BUG+0x5", "lkdtm_ACCESS_NULL+0x18",
                             "lkdtm_ACCESS_NULL+0x14"}, signatures)
        again = host.run()
        check(again.stdout == f"nothing new in {host.crash}\n", again.stdout)
        check(len(host.entries()) == 3, "filed once")
        shutil.rmtree(host.path("state"))
        lost = host.run().stdout
        check(lost.count("already filed as") == 3 and "nothing new" not in lost, lost)
        check(len(host.entries()) == 3, "an agent without memory files nothing again")


def files_bad_dumps():
    with Host() as host:
        host.add("202611231400", "dump.202611231400", sample("bug-6.1.vmcore", 0.6))
        host.add("202611231401", "dump-incomplete", sample("null-6.12.vmcore", 0.3))
        host.add("202611231402", "dump.202611231402", b"This is no dump.\n" * 1000)
        host.add("202611231403", "dump.202611231403", b"")
        host.add("202611231404", "dump.202611231404", b"broken")
        host.add("202611231404", "dmesg.202611231404",
                 b"[    5.131824] BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
                 b"[    5.131824] #PF: supervisor read access in kernel mode\n"
                 b"[    5.131824] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
                 b"[    5.131824] CPU: 0 PID: 7 Comm: a\x1b[31m Not tainted 6.1.0-56-amd64 #1\n"
                 b"[    5.131824] RIP: 0010:broken_driver+0x18/0x60 [broken]\n"
                 b"[    5.131824] Call Trace:\n[    5.131824]  <TASK>\n"
                 b"[    5.131824]  vfs_read+0x10/0x300\n[    5.131824]  </TASK>\n"
                 b"[    5.131824] Kernel panic - not syncing: Fatal exception\n")
        os.mkdir(os.path.join(host.crash, "202611231405"))
        os.mkfifo(os.path.join(host.crash, "202611231405", "dump.202611231405"))
        os.symlink("/etc/passwd", os.path.join(host.crash, "202611231405", "vmcore"))
        os.makedirs(os.path.join(host.crash, "202611231406", "vmcore"))
        done = host.run()
        check(done.returncode == 0, f"exit code {done.returncode}: {done.stderr}")
        check("\x1b" not in done.stdout + done.stderr, "escape sequences reach the terminal")
        check(done.stderr.count("not a regular file") == 3, done.stderr)
        check(len(host.entries()) == 5, host.entries())
        for record in host.records():
            check_schema(record)
            check(record["gaps"], "a bad dump has gaps")
        events = [r["event"]["signature"] for r in host.records() if r["event"]]
        check("broken_driver+0x18" in events, f"the event of kdump's log: {events}")
        check(host.run().stdout.startswith("nothing new"), "bad dumps are filed once")


def survives_kills():
    """SIGKILL at random moments of runs that really analyse, until one lives."""
    random.seed(7)
    with Host() as host:
        host.add("202611231427", "dump.202611231427", sample("bug-6.1.vmcore"))
        host.add("202611231428", "dump.202611231428", sample("null-6.12.vmcore"))
        for kills in range(40):
            agent = subprocess.Popen([EYRIE, "agent", "--config", host.config],
                                     stdout=subprocess.DEVNULL)
            try:
                agent.wait(random.uniform(0.001, 0.02 * (kills + 1)))
                break
            except subprocess.TimeoutExpired:
                agent.send_signal(signal.SIGKILL)
                agent.wait()
        check(kills > 0, "no run was killed")
        check(host.run().returncode == 0, "the run after the kills")
        check(len(host.entries()) == 2, host.entries())
        left = subprocess.run(["find", host.repository, host.path("state"), "-name", ".eyrie-tmp*"],
                              capture_output=True, text=True).stdout
        check(left == "", f"left behind: {left}")


def watches():
    with Host() as host:
        agent = subprocess.Popen([EYRIE, "agent", "--config", host.config, "--watch"],
                                 stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        host.add("../202611231427", "dump.202611231427", sample("bug-6.1.vmcore"))
        # Appears whole, as a dump that is moved there.
        os.rename(host.path("202611231427"), os.path.join(host.crash, "202611231427"))
        line = agent.stdout.readline()
        agent.terminate()
        agent.wait()
        check("filed as ams1/" in line, f"--watch: {line}")
        check(len(host.entries()) == 1, "--watch files")


def says_what_is_wrong():
    with Host() as host:
        for options, code, words in (
                (["--help"], 0, "Exit codes:"), (["--nonsense"], 1, "nonsense"),
                (["file"], 1, "no arguments"), (["--once", "--watch"], 1, "exclude"),
                (["--site", "a/b"], 1, "site"), (["--config", "/nonexistent"], 2, "/nonexistent")):
            done = host.run(*options)
            check(done.returncode == code, f"{options}: exit code {done.returncode}")
            check(words in done.stdout + done.stderr, f"{options}: {done.stdout + done.stderr}")
        host.add("202611231427", "dump.202611231427", sample("bug-6.1.vmcore"))
        done = host.run("--repository", host.path("no", "where"))
        check(done.returncode == 3, f"no repository: exit code {done.returncode}")
        check("no/where" in done.stderr and "tries them again" in done.stderr, done.stderr)
        # The analysis is kept meanwhile.
        check(os.listdir(host.path("state", "spool")), "the spool is empty")
        check(host.run("--crash-dir", host.path("none")).returncode == 0, "no crash directory")
        check(host.run().returncode == 0 and len(host.entries()) == 1, "then it is filed")


for test in (files_real_dumps, files_bad_dumps, survives_kills, watches, says_what_is_wrong):
    begin = time.monotonic()
    before = failures
    test()
    print(f"{'ok' if failures == before else 'FAILED':8}{test.__name__} "
          f"{time.monotonic() - begin:.1f} s", flush=True)
sys.exit(1 if failures else 0)
