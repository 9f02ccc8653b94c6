#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The jobs as commands, from a repository to mails at a real SMTP server (aiosmtpd).

    test_chain.py EYRIED
"""
import asyncio
import email
import email.policy
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

try:
    from aiosmtpd.controller import Controller
except ImportError:
    print("python3-aiosmtpd is not installed")
    sys.exit(77)

EYRIED = sys.argv.pop(1)
NOON = 1795435200  # 2026-11-23 12:00:00 UTC


class Mailbox:
    """Takes all mails; answers as told, as slowly as told."""

    def __init__(self):
        self.got, self.answer, self.delay = [], "250 Taken", 0

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        if self.answer.startswith("250"):
            self.got.append(message)
        await asyncio.sleep(self.delay)
        return self.answer


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory(prefix="eyrie-chain-")
        self.addCleanup(temp.cleanup)
        self.top = temp.name
        self.root = os.path.join(self.top, "repository")
        os.mkdir(self.root)
        self.now = NOON
        self.mailbox = Mailbox()
        self.port = free_port()
        self.server = None
        self.serve()
        with open(os.path.join(self.top, "eyrie.conf"), "w", encoding="utf-8") as f:
            f.write(f"""
[repository]
path = {self.root}
[database]
path = {self.top}/db/eyrie.db
[mail]
server = smtp://127.0.0.1:{self.port}
from = Eyrie <eyrie@example.com>
to = oncall@example.com
[server]
url = https://eyrie.example.com
""")

    def serve(self):
        self.server = Controller(self.mailbox, hostname="127.0.0.1", port=self.port)
        self.server.start()
        self.addCleanup(self.stop)

    def stop(self):
        if self.server:
            self.server.stop()
        self.server = None

    def command(self, *args, wait=True):
        env = dict(os.environ, EYRIE_CONFIG=os.path.join(self.top, "eyrie.conf"),
                   EYRIE_NOW=str(self.now))
        p = subprocess.Popen([EYRIED, *args], env=env, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        if not wait:
            self.addCleanup(p.communicate)
            return p
        out, err = p.communicate(timeout=60)
        return p.returncode, out, err

    def ok(self, *args):
        code, out, err = self.command(*args)
        self.assertEqual(code, 0, out + err)
        return out

    def crash(self, host, number, function="do_it", title=None):
        t = NOON - 3600 + 60 * number
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
        folder = os.path.join(self.root, "north", host,
                              time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(t)) + f"-{number:016x}")
        os.makedirs(folder)
        record = {
            "schema": "eyrie/crash/1",
            "identity": {"hostname": host, "machine_id": None, "boot_id": None,
                         "dmi_uuid": None, "dmi_serial": None},
            "dump": {"format": "kdump-compressed", "bytes": 20000000, "complete": True},
            "engine": "native", "gaps": [],
            "system": {"hostname": host, "release": "6.1.0-56-amd64", "version": "#1 SMP",
                       "machine": "x86_64", "crash_time": when, "uptime_seconds": 30,
                       "taint": "OE"},
            "inventory": {"vendor": "Example", "product": "Server 9", "bios_version": "1.2"},
            "event": {"kind": "BUG", "title": title or f"kernel BUG in {function}",
                      "function": function, "offset": 5, "size": 64, "module": None,
                      "guilty": function, "signature": f"{function}+0x5",
                      "reason": f"g1:BUG:{function}", "cpu": 1, "pid": 7, "comm": "sh",
                      "frames": [{"function": function, "offset": 5, "size": 64,
                                  "module": None, "reliable": True}]},
            "log": f"[    5.000000] kernel BUG at fs/{function}.c:1!\n",
        }
        with open(os.path.join(folder, "record.json"), "w", encoding="utf-8") as f:
            json.dump(record, f)
        with open(os.path.join(folder, "analysis.txt"), "w", encoding="utf-8") as f:
            f.write("crash> bt\n#0 the analysis\n")

    def ids(self):
        return [m["Message-ID"] for m in self.mailbox.got]

    def row(self, sql):
        db = sqlite3.connect(os.path.join(self.top, "db", "eyrie.db"))
        try:
            return db.execute(sql).fetchone()
        finally:
            db.close()


class Chain(Case):
    def test_mails_once(self):
        for i in range(4):
            self.crash("web-01", i)
        out = self.ok("populate")
        self.assertIn("4 folders: 1 new reason, 3 crashes of known reasons", out)
        out = self.ok("monitor")
        self.assertIn("alert 1: web-01 crashed 4 times within 24 hours", out)
        self.assertEqual(len(self.mailbox.got), 2)
        reason, alert = self.mailbox.got
        self.assertIn("do_it", reason["Subject"])
        body = reason.get_body(("plain",)).get_content()
        self.assertIn("do_it+0x5/0x40", body)
        self.assertIn("kernel BUG at fs/do_it.c:1!", body)
        self.assertIn("https://eyrie.example.com/reasons/1", body)
        attached = [a.get_content() for a in reason.iter_attachments()]
        self.assertEqual(attached, ["crash> bt\n#0 the analysis\n"])
        self.assertIn("web-01 crashed 4 times", alert["Subject"])
        # Nothing new: nothing more.
        self.ok("populate")
        out = self.ok("monitor")
        self.assertIn("0 raised, 0 ended, 1 active; 0 new reasons; 0 mails sent, 0 wait", out)
        self.assertEqual(len(self.mailbox.got), 2)
        # The end follows in the same conversation.
        self.now += 3 * 86400
        self.assertIn("over, alert 1: ", self.ok("monitor"))
        over = self.mailbox.got[2]
        self.assertIn(alert["Message-ID"], over["References"])

    def test_hostile_title(self):
        self.crash("web-01", 1, title="x\r\nBcc: all@example.com\r\n\x1b[2J<script>'; DROP")
        out = self.ok("populate")
        self.assertNotIn("\x1b", out)
        self.assertEqual(len(out.strip().split("\n")), 2)
        out = self.ok("monitor")
        self.assertNotIn("\x1b", out)
        mail, = self.mailbox.got
        self.assertIsNone(mail["Bcc"])
        self.assertNotIn("<script>", mail.get_body(("html",)).get_content())

    def test_server_is_down(self):
        self.crash("web-01", 1)
        self.crash("web-02", 2, "other")
        self.ok("populate")
        self.stop()
        code, out, err = self.command("monitor")
        self.assertEqual(code, 3, out + err)
        self.assertEqual(self.row("SELECT count(*) FROM outbox WHERE sent = 0"), (2,))
        self.serve()
        self.ok("monitor")  # the one that was tried waits a minute; the other goes
        self.assertEqual(len(self.mailbox.got), 1)
        self.now += 61
        self.ok("monitor")
        self.assertEqual(len(set(self.ids())), 2)
        self.assertEqual(len(self.mailbox.got), 2)

    def test_refused_for_good(self):
        self.crash("web-01", 1)
        self.ok("populate")
        self.mailbox.answer = "554 5.7.1 not wanted"
        self.assertIn("not mailed: ", self.ok("monitor"))
        self.mailbox.answer = "250 Taken"
        self.now += 86400
        self.ok("monitor")
        self.assertEqual(self.mailbox.got, [])
        self.assertIn("not wanted", self.row("SELECT error FROM outbox")[0])

    def test_too_old(self):
        self.crash("web-01", 1)
        self.ok("populate")
        self.stop()
        self.command("monitor")
        self.serve()
        self.now += 8 * 86400
        self.ok("monitor")
        self.assertEqual(self.mailbox.got, [])
        self.assertEqual(self.row("SELECT error FROM outbox"), ("it waited too long",))

    def test_two_senders(self):
        for i in range(12):
            self.crash(f"web-{i:02}", i, f"f{i}")
        self.ok("populate")
        self.ok("monitor", "--help")
        self.mailbox.delay = 0.05
        senders = [self.command("monitor", wait=False) for _ in range(3)]
        for p in senders:
            p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0)
        self.assertEqual(len(self.ids()), 13)  # 12 reasons, and the model's alert
        self.assertEqual(len(set(self.ids())), 13)

    def test_killed_sender(self):
        for i in range(6):
            self.crash(f"web-{i:02}", i, f"f{i}")
        self.ok("populate")
        self.mailbox.delay = 0.1
        for _ in range(5):
            p = self.command("monitor", wait=False)
            time.sleep(0.25)
            p.send_signal(signal.SIGKILL)
            p.wait()
            self.now += 700  # beyond the lease of what it had claimed
        self.mailbox.delay = 0
        self.ok("monitor")
        # Every mail came; one that was killed between the server's answer and its own note came
        # again, under the same Message-ID.
        self.assertEqual(len(set(self.ids())), 7)
        self.assertLessEqual(len(self.ids()), 7 + 5)
        self.assertEqual(self.row("SELECT count(*) FROM outbox WHERE sent > 0"), (7,))

    def test_the_lease_outlasts_the_timeout(self):
        with open(os.path.join(self.top, "eyrie.conf"), "a", encoding="utf-8") as f:
            f.write("[mail]\ntimeout = 1h\n")
        self.crash("web-01", 1)
        self.ok("populate")
        self.mailbox.delay = 20
        p = self.command("monitor", wait=False)
        for _ in range(200):
            if self.mailbox.got:
                break
            time.sleep(0.05)
        # The first may still be at it: nobody else sends this mail.
        self.now += 3000
        self.assertIn("0 mails sent, 1 wait", self.ok("monitor"))
        p.kill()
        self.mailbox.delay = 0
        self.now += 1300
        self.assertIn("1 mails sent, 0 wait", self.ok("monitor"))

    def test_a_dry_run_says_so(self):
        self.crash("web-01", 1)
        folder, = (d for d, _, names in os.walk(self.root) if "record.json" in names)
        with open(os.path.join(folder, "vmcore"), "wb") as f:
            f.write(b"dump")
        self.ok("populate")
        self.now += 40 * 86400
        out = self.ok("purge", "--dry-run")
        self.assertTrue(out.startswith("would purge north/web-01/"), out)
        self.assertIn("would free 1 dump,", out)
        self.assertTrue(os.path.exists(folder + "/vmcore"))
        self.assertTrue(self.ok("purge").startswith("purged north/web-01/"))
        self.assertFalse(os.path.exists(folder + "/vmcore"))

    def test_usage(self):
        for name in "populate", "purge", "monitor", "ingest":
            code, out, err = self.command(name, "--help")
            self.assertEqual((code, err), (0, ""))
            for word in "Usage: eyrie " + name, "Options:", "Exit codes:", "Example":
                self.assertIn(word, out)
            self.assertTrue(all(len(line) <= 100 for line in out.split("\n")))
            self.assertEqual(self.command(name, "--nonsense")[0], 1)
            self.assertEqual(self.command(name, "--config", "/nonexistent/x.conf", "x")[0], 1
                             if name != "ingest" else 2)
        self.assertEqual(self.command("purge", "--retention", "soon")[0], 1)
        self.assertEqual(self.command("ingest", "--dump=maybe", "x")[0], 1)
        self.assertEqual(self.command("ingest", "--site=../x", "x")[0], 1)
        self.assertEqual(self.command("populate", "--db", "")[0], 1)
        self.assertEqual(self.command("populate", "--repository", "/nonexistent/x")[0], 3)

    def test_ingest_of_what_is_no_dump(self):
        text, fifo = os.path.join(self.top, "text"), os.path.join(self.top, "fifo")
        with open(text, "w", encoding="utf-8") as f:
            f.write("no dump\n")
        os.mkfifo(fifo)
        for path in text, fifo, self.root, "/nonexistent/vmcore", "/dev/null":
            code, out, err = self.command("ingest", path)
            self.assertIn(code, (2, 3), f"{path}: {out}{err}")
            self.assertEqual(len(err.strip().split("\n")), 1, err)
        self.assertEqual(os.listdir(self.root), [])
        self.assertEqual(self.row("SELECT count(*) FROM crashes"), (0,))


if __name__ == "__main__":
    unittest.main(verbosity=1)
