#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The scheduled job mails each month once, against a real SMTP server."""
import email
import email.policy
import json
import os
import socket
import subprocess
import sys
import tempfile
import unittest

try:
    from aiosmtpd.controller import Controller
except ImportError:
    print("python3-aiosmtpd is not installed")
    sys.exit(77)

MAKE_DB, PROBE = sys.argv[1:3]
del sys.argv[1:3]
NOVEMBER, DECEMBER, JANUARY, DAY = 1793491200, 1796083200, 1798761600, 86400


class Mailbox:
    def __init__(self):
        self.got, self.answer, self.rcpt = [], "250 Taken", {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.got.append((envelope.rcpt_tos, email.message_from_bytes(
                envelope.original_content, policy=email.policy.default)))
        return self.answer


class Job(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="eyrie-report-mail-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.box = Mailbox()
        server = Controller(self.box, hostname="127.0.0.1", port=self.port)
        server.start()
        self.addCleanup(server.stop)

    def fill(self, *times):
        subprocess.run([MAKE_DB, self.dir + "/eyrie.db"], check=True, timeout=60, input="".join(
            json.dumps({"crash": {"time": t}}) + "\n" for t in times).encode())

    def job(self, now, code=0, more=""):
        conf = os.path.join(self.dir, "eyrie.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"[database]\npath = {self.dir}/eyrie.db\n[report]\nmail = yes\n{more}\n"
                    f"[mail]\nserver = smtp://127.0.0.1:{self.port}\nfrom = eyrie@example.com\n"
                    "to = ops@example.com\n")
        p = subprocess.run([PROBE, conf], capture_output=True, timeout=60, check=False,
                           env={**os.environ, "EYRIE_NOW": str(now)})
        self.assertEqual(p.returncode, code, p.stderr)

    def subjects(self):
        return [m["Subject"] for _, m in self.box.got]

    def test_each_month_once_after_its_end(self):
        self.fill(NOVEMBER + DAY, NOVEMBER + 3 * DAY)
        self.job(NOVEMBER + 20 * DAY)  # October had nothing, and nobody was here then
        self.assertEqual(self.subjects(), [])
        self.job(DECEMBER + 5 * 3600)  # its last crashes may still be on their way
        self.assertEqual(self.subjects(), [])
        for hours in (7, 8, 30, 500):
            self.job(DECEMBER + hours * 3600)
        self.assertEqual(self.subjects(),
                         ["[eyrie] kernel crashes in November 2026: 2 on 1 host, 1 new reason"])
        # From now on a month without a crash is news too.
        self.job(JANUARY + DAY)
        self.job(JANUARY + 2 * DAY)
        self.assertEqual(self.subjects()[1:], ["[eyrie] kernel crashes in December 2026: none"])
        self.assertEqual(self.box.got[0][1]["Message-ID"], "<report-2026-11@example.com>")

    def test_put_off_and_tried_again(self):
        self.fill(NOVEMBER + DAY)
        self.box.answer = "451 later"
        self.job(DECEMBER + DAY, code=3)
        self.box.answer = "250 OK"
        self.job(DECEMBER + DAY + 3600)
        self.job(DECEMBER + DAY + 7200)
        self.assertEqual(len(self.box.got), 1)

    def test_refused_for_good_is_said_once(self):
        self.fill(NOVEMBER + DAY)
        self.box.answer = "550 no"
        self.job(DECEMBER + DAY, code=2)
        self.job(DECEMBER + DAY + 3600)
        self.assertEqual(self.box.got, [])

    def test_one_reader_put_off_does_not_double_it_for_others(self):
        self.fill(NOVEMBER + DAY)
        more = "to = Ann <ann@example.com>, bob@example.com, cy@example.com\n"
        self.box.rcpt["bob@example.com"] = "450 4.2.0 greylisted"
        self.box.rcpt["cy@example.com"] = "550 5.1.1 no such user"
        for hour in range(3):
            self.job(DECEMBER + DAY + 3600 * hour, code=3, more=more)
        self.assertEqual([to for to, _ in self.box.got], [["ann@example.com"]])
        self.box.rcpt.clear()
        for hour in range(3, 6):
            self.job(DECEMBER + DAY + 3600 * hour, more=more)
        self.assertEqual([to for to, _ in self.box.got], [["ann@example.com"], ["bob@example.com"]])

    def test_its_own_readers(self):
        self.fill(NOVEMBER + DAY)
        self.job(DECEMBER + DAY, more="to = boss@example.com\n")
        self.assertEqual(self.box.got[0][0], ["boss@example.com"])


if __name__ == "__main__":
    os.environ.pop("EYRIE_CONFIG", None)
    unittest.main()
