#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What was confirmed is there, once: test_storm.py EYRIED STORM_LOAD sqlite|postgres

eyried, PostgreSQL's backends and its postmaster are killed (-9) in the middle of a storm; two
eyrieds on one PostgreSQL take in the same crashes at once; a database that is full says later.
"""
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest

import center
from center import Center, confirmed, finish, load, stored

EYRIED, LOAD, KIND = sys.argv[1:4]
CRASHES = 600


class Storm(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="eyrie-storm-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.database = center.Postgres(self.folder) if KIND == "postgres" else center.Sqlite(self.folder)
        self.addCleanup(self.database.stop)
        self.file = os.path.join(self.folder, "confirmed")

    def center(self, *arguments, **words):
        c = Center(EYRIED, self.folder, self.database, *arguments, **words)
        self.addCleanup(c.stop)
        return c

    def load(self, c, file=None, **words):
        arguments = ["--crashes", CRASHES, "--connections", 16, "--confirmed", file or self.file]
        for key, value in words.items():
            arguments += ["--" + key, value]
        process = load(LOAD, c.address, *arguments)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, count, process):
        while len(confirmed(self.file)) < count and process.poll() is None:
            time.sleep(0.02)
        self.assertIsNone(process.poll(), "the storm was over before anything was killed")

    def check(self, c):
        there, said = stored(self.database), confirmed(self.file)
        self.assertEqual(len(said), CRASHES)
        self.assertEqual({pair: there.get(pair) for pair in said}, dict.fromkeys(said, 1))
        self.assertEqual(sum(there.values()), CRASHES, "crashes that nobody sent")
        self.assertEqual(len(set(said.values())), CRASHES, "two crashes under one id")
        parts = dict((k, int(n)) for k, n in self.database.rows("SELECT part, count(*) FROM crash_parts GROUP BY part"))
        self.assertEqual((parts["record"], parts["analysis"]), (CRASHES, CRASHES))
        self.assertEqual(c.check(), "")

    def killed(self, kill):
        c = self.center()
        process = self.load(c)
        for part in (1, 2, 3):
            self.wait_for(CRASHES * part // 5, process)
            kill(c)
        status, figures = finish(process)
        self.assertEqual((status, figures["refused"]), (0, 0), figures)
        self.check(c)
        return figures

    def test_eyried_killed(self):
        def kill(c):
            c.kill()
            c.start()
        self.assertGreater(self.killed(kill)["broken"], 0)

    @unittest.skipIf(KIND != "postgres", "of PostgreSQL")
    def test_backend_killed(self):
        def kill(_):
            rows = self.database.rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                      "AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC, pid")
            os.kill(int(rows[0][0]), signal.SIGKILL)
        figures = self.killed(kill)
        self.assertGreater(figures["later"] + figures["broken"], 0, figures)

    @unittest.skipIf(KIND != "postgres", "of PostgreSQL")
    def test_postmaster_killed(self):
        def kill(_):
            os.kill(self.database.postmaster(), signal.SIGKILL)
            self.database.start_again()
        figures = self.killed(kill)
        self.assertGreater(figures["later"] + figures["broken"], 0, figures)

    @unittest.skipIf(KIND != "postgres", "of PostgreSQL")
    def test_two_eyrieds(self):
        jobs = "populate_interval = 0\nmonitor_interval = 1"
        two = [self.center(jobs, name="one"), self.center(jobs, name="two")]
        files = [self.file, self.file + "-2"]
        # The same crashes at once by both.
        loads = [self.load(c, file) for c, file in zip(two, files)]
        for process in loads:
            status, figures = finish(process)
            self.assertEqual((status, figures["refused"]), (0, 0), figures)
        self.assertEqual(confirmed(files[0]), confirmed(files[1]), "one crash has two ids")
        self.check(two[0])
        self.check(two[1])
        leaders = [self.leads(c) for c in two]
        self.assertEqual(sorted(leaders), [False, True], "one runs the monitor, the other does not")
        # Who stands by takes over.
        two[leaders.index(True)].kill()
        other = two[leaders.index(False)]
        while not self.leads(other):
            time.sleep(0.2)

    def leads(self, c):
        while True:
            job = next(j for j in c.get("/api/v1/overview")["jobs"] if j["name"] == "monitor")
            if job["message"]:
                return "another eyried" not in job["message"]
            time.sleep(0.1)

    @unittest.skipIf(KIND != "sqlite", "of SQLite")
    def test_disk_full(self):
        c = self.center()
        # A limit of the file's size is what a full disk looks like; it goes when the storm waits.
        import resource
        resource.prlimit(c.process.pid, resource.RLIMIT_FSIZE, (3 << 20, resource.RLIM_INFINITY))
        process = self.load(c)
        while not self.said_later(c):
            self.assertIsNone(process.poll(), "nothing was refused for want of room")
            time.sleep(0.1)
        before = confirmed(self.file)
        self.assertLess(len(before), CRASHES)
        resource.prlimit(c.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        status, figures = finish(process)
        self.assertEqual((status, figures["refused"]), (0, 0), figures)
        self.assertGreater(figures["later"], 0)
        self.check(c)

    def said_later(self, c):
        self.assertIsNone(c.process.poll(), "eyried ended")
        with open(c.log, encoding="utf-8") as f:
            text = f.read()
        return "full" in text or "I/O" in text


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
