#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two eyrieds on one PostgreSQL behind HAProxy: test_haproxy.py EYRIED STORM_LOAD SCALING_MD

HAProxy runs on the example of docs/scaling.md, without its TLS. A storm goes through it while
either eyried is killed (-9): what was confirmed is there, once. Exit code 77 without HAProxy or
PostgreSQL.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import urllib.error
import urllib.request

import center
import with_postgres
from center import Center, confirmed, finish, free_port, load, stored

EYRIED, LOAD, SCALING = sys.argv[1:4]
HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
CRASHES = 600
PASSWORD = "correct horse battery staple"


def example(heading):
    """The first block of code below a heading of the page."""
    with open(SCALING, encoding="utf-8") as f:
        text = f.read()
    section = text.split("\n## %s\n" % heading, 1)[1].split("\n## ", 1)[0]
    return textwrap.dedent(re.search(r"(?:^    .*\n|^\n)*^    .*\n", section, re.M).group(0).lstrip("\n"))


def put(text, pattern, value):
    text, count = re.subn(pattern, value, text, flags=re.M)
    assert count == 1, (pattern, count, text)
    return text


class Balanced(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="eyrie-haproxy-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.database = center.Postgres(self.folder)
        self.addCleanup(self.database.stop)
        more = "url = https://crash.example.com\npopulate_interval = 0\nmonitor_interval = 0\n[auth]\nproxy_addresses = 127.0.0.1"
        self.two = []
        for name in ("center-1", "center-2"):
            c = Center(EYRIED, self.folder, self.database, more, name)
            self.addCleanup(c.stop)
            self.two.append(c)
        self.command("user", "add", "robin", "--role", "administrator", given=PASSWORD + "\n")
        self.secret = self.command("token", "add", "storm", "--user", "robin", "--scope", "submit,view").strip().split("\n")[-1]
        self.token = os.path.join(self.folder, "token")
        with open(self.token, "w", encoding="ascii") as f:
            f.write(self.secret + "\n")
        os.chmod(self.token, 0o600)
        self.port = free_port()
        # Nor as many connections as whoever runs the test may not open.
        text = put(example("HAProxy in front"), r"^( *)maxconn .*$", r"\1maxconn 500")
        text = put(text, r"^( *)bind .*$", r"\1bind 127.0.0.1:%d" % self.port)
        for c, name in zip(self.two, ("center-1", "center-2")):
            text = put(text, r"^( *server %s) \S+" % name, r"\1 " + c.address)
        config = os.path.join(self.folder, "haproxy.cfg")
        with open(config, "w", encoding="ascii") as f:
            f.write(text)
        self.log = open(os.path.join(self.folder, "haproxy.log"), "w", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.haproxy = subprocess.Popen([HAPROXY, "-db", "-f", config], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.addCleanup(self.haproxy.wait)
        self.addCleanup(self.haproxy.terminate)
        self.wait_until_served()

    def command(self, *arguments, given=None):
        done = subprocess.run([EYRIED, *arguments, "--config", self.two[0].config], input=given, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def ask(self, port, path):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), headers={"Authorization": "Bearer " + self.secret})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def wait_until_served(self):
        while True:
            if self.haproxy.poll() is not None:
                with open(self.log.name, encoding="utf-8") as f:
                    self.fail("HAProxy ended: " + f.read())
            try:
                return self.ask(self.port, "/healthz")
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.1)

    def taken(self, c):
        return int(re.search(r"^eyrie_ingest_seconds_count (\d+)$", self.ask(c.port, "/metrics"), re.M).group(1))

    def storm(self, kills):
        file = os.path.join(self.folder, "confirmed")
        process = load(LOAD, "127.0.0.1:%d" % self.port, "--crashes", CRASHES, "--connections", 32, "--token", self.token,
                       "--confirmed", file)
        self.addCleanup(process.kill)
        for part, kill in enumerate(kills, 1):
            while len(confirmed(file)) < CRASHES * part // (len(kills) + 1):
                self.assertIsNone(process.poll(), "the storm was over before anything was killed")
                time.sleep(0.02)
            kill()
        status, figures = finish(process)
        self.assertEqual((status, figures["refused"]), (0, 0), figures)
        there, said = stored(self.database), confirmed(file)
        self.assertEqual(len(said), CRASHES)
        self.assertEqual({pair: there.get(pair) for pair in said}, dict.fromkeys(said, 1))
        self.assertEqual(sum(there.values()), CRASHES, "crashes that nobody sent")
        self.assertEqual(len(set(said.values())), CRASHES, "two crashes under one id")
        for c in self.two:
            self.assertEqual(c.check(), "")
        return figures

    def test_both_take_part(self):
        self.storm([])
        taken = [self.taken(c) for c in self.two]
        self.assertEqual(sum(taken), CRASHES)
        self.assertGreater(min(taken), 0)

    def test_killed(self):
        def again(c):
            def kill():
                c.kill()
                c.start()
            return kill
        one, two = self.two
        self.storm([again(one), again(two), one.kill, one.start, two.kill])
        # Who is left serves alone.
        self.wait_until_served()


if __name__ == "__main__":
    for what, there in (("HAProxy", HAPROXY), ("PostgreSQL", with_postgres.find_programs())):
        if not there:
            print("%s is not installed" % what)
            sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
