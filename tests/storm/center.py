# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests and benchmarks of the storm share: a center, its database, the hosts' load."""
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "db"))
import with_postgres  # noqa: E402


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sqlite:
    name = "SQLite"

    def __init__(self, folder):
        self.path = os.path.join(folder, "eyrie.db")
        self.config = "path = " + self.path

    @property
    def where(self):
        return self.path

    def rows(self, sql):
        db = sqlite3.connect(self.path, timeout=60)
        try:
            return [tuple(map(str, row)) for row in db.execute(sql)]
        finally:
            db.close()

    def version(self):
        return "SQLite " + sqlite3.sqlite_version

    def stop(self):
        pass


class Postgres(with_postgres.Server):
    name = "PostgreSQL"

    def __init__(self, folder):
        folder = os.path.join(folder, "postgres")
        os.mkdir(folder)
        super().__init__(folder, True)
        self.start()
        self.config = "connection = " + self.address

    @property
    def where(self):
        return self.address

    def rows(self, sql):
        out = subprocess.run([os.path.join(self.programs, "psql"), "-XAtq", "-d", self.address, "-c", sql],
                             check=True, capture_output=True, text=True).stdout
        return [tuple(line.split("|")) for line in out.splitlines()]

    def version(self):
        return "PostgreSQL " + self.rows("SHOW server_version")[0][0].split()[0]

    def postmaster(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as f:
            return int(f.readline())

    def start_again(self):
        """After a kill -9: its children, who hold its memory, may live a moment longer."""
        drop = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        for _ in range(240):
            done = subprocess.run([os.path.join(self.programs, "pg_ctl"), "-D", self.data, "-w", "-l",
                                   os.path.join(self.folder, "log"), "start"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=self.folder, **drop)
            if done.returncode == 0:
                return
            time.sleep(0.5)
        raise AssertionError("PostgreSQL does not start again")


class Center:
    """An eyried with a configuration of its own; the port stays the same over restarts."""

    def __init__(self, eyried, folder, database, more="", name="center"):
        self.eyried, self.port, self.process = eyried, free_port(), None
        self.config = os.path.join(folder, name + ".conf")
        self.log = os.path.join(folder, name + ".log")
        os.makedirs(os.path.join(folder, "repository"), exist_ok=True)
        with open(self.config, "w", encoding="ascii") as f:
            f.write("[repository]\npath = %s/repository\n[database]\n%s\n[server]\nlisten = 127.0.0.1:%d\n%s\n"
                    % (folder, database.config, self.port, more or "populate_interval = 0\nmonitor_interval = 0"))
        self.start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.eyried, "serve", "--config", self.config], stderr=log,
                                            stdin=subprocess.DEVNULL, restore_signals=False)
        while True:
            assert self.process.poll() is None, open(self.log, encoding="utf-8").read()[-4000:]
            try:
                return self.get("/healthz", text=True)
            except OSError:
                time.sleep(0.1)

    def get(self, path, text=False):
        with urllib.request.urlopen("http://%s%s" % (self.address, path), timeout=60) as answer:
            data = answer.read()
        return data.decode() if text else json.loads(data)

    def memory_mb(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) / 1000

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def check(self):
        """What `eyrie db check` finds wrong."""
        done = subprocess.run([self.eyried, "db", "check", "--config", self.config], capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stdout + done.stderr


def load(program, address, *arguments):
    """Start the hosts' load; finish() gives its figures."""
    return subprocess.Popen([program, *map(str, arguments), address], stdout=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL)


def finish(process):
    out = process.communicate()[0]
    return process.returncode, json.loads(out) if out else {}


def confirmed(path):
    """(machine, boot) of what was confirmed, and the ids of the crashes."""
    pairs = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                words = line.split(" ", 3)
                if len(words) == 4 and line.endswith("\n"):
                    pairs[words[0], words[1].replace("-", "")] = json.loads(words[3])["id"]
    return pairs


def stored(database):
    """How often each (machine, boot) is in the database."""
    counts = {}
    for machine, boot, count in database.rows(
            "SELECT h.machine_id, b.boot_uuid, count(*) FROM crashes c JOIN boots b ON b.id = c.boot_id "
            "JOIN hosts h ON h.id = c.host_id GROUP BY h.machine_id, b.boot_uuid"):
        counts[machine.replace("-", ""), boot.replace("-", "")] = int(count)
    return counts
