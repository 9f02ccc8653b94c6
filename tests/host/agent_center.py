#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent and a center over HTTP: a real eyried, behind a line that breaks, and kills of the agent at any moment.

Usage: agent_center.py EYRIE EYRIED SAMPLES
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

EYRIE, EYRIED, SAMPLES = sys.argv[1:4]
failures = 0


def check(condition, what):
    global failures
    if not condition:
        print("FAILED:", what)
        failures += 1


class Line:
    """A TCP line to the center that can be cut, and that breaks after so many bytes."""

    def __init__(self, port):
        self.port = port
        self.budget = None  # bytes from the host until the next break; None: it holds
        self.breaks = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        try:
            center = socket.create_connection(("127.0.0.1", self.port))
        except OSError:
            self.close(client)
            return

        def back():
            try:
                while data := center.recv(65536):
                    client.sendall(data)
            except OSError:
                pass
            self.close(client, center)
        threading.Thread(target=back, daemon=True).start()
        try:
            while data := client.recv(65536):
                if self.budget is not None:
                    if self.budget < len(data):
                        center.sendall(data[:self.budget])
                        self.budget = None
                        self.breaks += 1
                        break
                    self.budget -= len(data)
                center.sendall(data)
        except OSError:
            pass
        self.close(client, center)

    @staticmethod
    def close(*sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


class Center:
    def __init__(self, folder):
        self.dir = folder
        self.repository = os.path.join(folder, "repository")
        conf = os.path.join(folder, "center.conf")
        with open(conf, "w") as f:
            f.write("[repository]\npath = %s\n[database]\npath = %s/eyrie.db\n[server]\nlisten = 127.0.0.1:0\n"
                    % (self.repository, folder))
        os.mkdir(self.repository)
        self.process = subprocess.Popen([EYRIED, "serve", "--config", conf], stderr=subprocess.PIPE, text=True)
        log = ""
        while "console and API at" not in log:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError("eyried did not start: " + log)
            log += line
        self.port = int(re.search(r":(\d+)/", log).group(1))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def json(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s" % (self.port, path), timeout=20) as r:
            return json.load(r)

    def dumps(self):
        """The sizes of all dumps in the repository."""
        return sorted(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(self.repository) for f in files
                      if f == "vmcore")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Host:
    def __init__(self, folder, center, site="ams1"):
        self.dir = folder
        self.crash = os.path.join(folder, "crash")
        self.state = os.path.join(folder, "state")
        os.makedirs(self.crash)
        self.conf = os.path.join(folder, "host.conf")
        with open(self.conf, "w") as f:
            f.write("[agent]\ncrash_dir = %s\nstate_dir = %s\ncenter = %s\n[repository]\nsite = %s\n[labels]\nrole = web\n"
                    % (self.crash, self.state, center, site))

    def add(self, folder, data):
        os.makedirs(os.path.join(self.crash, folder))
        path = os.path.join(self.crash, folder, "dump.1")
        with open(path, "wb") as f:
            f.write(data)
        os.utime(path, (time.time() - 86400,) * 2)

    def start(self, *options):
        return subprocess.Popen([EYRIE, "agent", "--config", self.conf, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, start_new_session=True)

    def run(self, *options):
        p = self.start(*options)
        out, err = p.communicate(timeout=300)
        return p.returncode, out, err


def read(name):
    with open(os.path.join(SAMPLES, name), "rb") as f:
        return f.read()


def crashes_go_to_the_center_once(folder):
    center = Center(os.path.join(folder, "c"))
    line = Line(center.port)
    host = Host(os.path.join(folder, "h"), line.url)
    samples = [read("bug-6.1.vmcore"), read("null-6.12.vmcore")]
    host.add("202611230101", samples[0])
    # Nobody is there: what was analysed waits, and no dump is lost.
    port, line.port = line.port, 1
    code, out, err = host.run()
    check(code == 3, "an agent without a center ends with 3: %d %s" % (code, err))
    check(len(os.listdir(os.path.join(host.state, "spool"))) == 1, "what was analysed waits in the spool")
    line.port = port
    code, out, err = host.run()
    check(code == 0 and "at the center as ams1/" in out and "with its dump" in out, "the crash is filed: %s%s" % (out, err))
    listed = center.json("crashes")["crashes"]
    check(len(listed) == 1, "one crash is one row")
    code, again, err = host.run()
    check(code == 0 and "nothing new" in again, "nothing is sent again: %s%s" % (again, err))
    # Another machine's memory of it: the state is gone, the center knows the crash.
    shutil.rmtree(host.state)
    code, again, err = host.run()
    check(code == 0 and "already at the center" in again, "the center knows it again: %s%s" % (again, err))
    check(len(center.json("crashes")["crashes"]) == 1, "still one row")
    hosts = [h for h in center.json("hosts")["hosts"] if h["last_beat"]]
    check(len(hosts) == 1 and hosts[0]["life"] == "production", "the heartbeat made the host: %s" % hosts)
    if hosts:
        page = center.json("hosts/%d" % hosts[0]["id"])
        check({"name": "role", "value": "web", "source": "host"} in page["labels"], "the label came along: %s" % page["labels"])
        release = open("/proc/sys/kernel/osrelease").read().strip()
        check(page["boots"][0]["kernel"] == release, "the boot's kernel is ours: %s" % page["boots"][0])

    # Kills at any moment, and lines that break; each time another crash is on the way.
    rng = random.Random(7)
    host.add("202611230202", samples[1])
    began = time.monotonic()
    line.budget = len(samples[1]) // 2
    p = host.start()
    # Ended in the middle of the dump: the line breaks there, and whatever the agent makes of it, it is killed.
    while not line.breaks and p.poll() is None:
        time.sleep(0.01)
    os.killpg(p.pid, signal.SIGKILL)
    p.communicate()
    whole = 2 * (time.monotonic() - began)
    check(line.breaks == 1 and len(center.dumps()) == 1, "the second dump is half there, and not in the repository")
    for i in range(12):
        line.budget = rng.randrange(1, len(samples[1])) if i % 2 else None
        p = host.start()
        try:
            p.communicate(timeout=rng.random() * whole)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        p.communicate()
    line.budget = None
    for _ in range(5):
        code, out, err = host.run()
        if code == 0:
            break
    check(code == 0, "the last run is quiet: %s%s" % (out, err))
    listed = center.json("crashes")["crashes"]
    check(len(listed) == 2, "two crashes are two rows, however often the agent was killed: %d" % len(listed))
    check([c["dump"]["state"] for c in listed] == ["kept"] * 2, "each has its dump: %s" % [c["dump"] for c in listed])
    check(center.dumps() == sorted(len(s) for s in samples), "each dump is there once and whole: %s" % center.dumps())
    check(not os.listdir(os.path.join(host.state, "spool")), "the spool is empty")
    line.listener.close()
    check(center.stop() == 0, "eyried ended well")


def options_exclude_each_other(folder):
    host = Host(os.path.join(folder, "o"), "http://127.0.0.1:1")
    code, _, err = host.run("--center", "http://127.0.0.1:1", "--repository", folder)
    check(code == 1 and "exclude" in err, "--center and --repository: %d %s" % (code, err))
    # Who names a repository on the command line means it.
    host.add("202611230303", read("null-6.12.vmcore"))
    code, out, err = host.run("--repository", os.path.join(folder, "tree"))
    check(code == 0 and "filed as ams1/" in out, "the NFS way beside a configured center: %s%s" % (out, err))
    code, _, err = host.run("--center", "http://crash.example.com")
    check(code in (1, 3) and "https://" in err, "no token in clear: %d %s" % (code, err))


def enrolment_refused(folder):
    """A center that gives no token leaves none behind."""
    state = os.path.join(folder, "e")
    p = subprocess.run([EYRIE, "enroll", "--center", "http://127.0.0.1:1", "--key", "eyrie_k_x", "--state-dir", state],
                       capture_output=True, text=True)
    check(p.returncode == 3 and not os.path.exists(state + "/token"), "no center, no token: %d %s" % (p.returncode, p.stderr))
    p = subprocess.run([EYRIE, "enroll", "--key", "a", "--rotate"], capture_output=True, text=True)
    check(p.returncode == 1, "one of --key and --rotate")


with tempfile.TemporaryDirectory(prefix="eyrie-center-") as temp:
    os.mkdir(os.path.join(temp, "c"))
    os.mkdir(os.path.join(temp, "h"))
    options_exclude_each_other(temp)
    enrolment_refused(temp)
    crashes_go_to_the_center_once(temp)
sys.exit(1 if failures else 0)
