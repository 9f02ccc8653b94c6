#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From a repository to a mailbox: populate and monitor against a real SMTP server, which is down,
refuses, hangs up, or whose sender is killed at any moment."""
import email
import email.policy
import gzip
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    from aiosmtpd.controller import Controller
except ImportError:
    print("python3-aiosmtpd is not installed")
    sys.exit(77)

EYRIED = os.path.abspath(sys.argv.pop(1))
RECORD = sys.argv.pop(1)
NOW = 1795460400  # 2026-11-23 19:00:00


class Mailbox:
    """Takes all, or what `answer(number of the mail, message)` says; keeps what it has taken."""

    def __init__(self, answer=None, rcpt=None):
        self.answer, self.rcpt = answer, rcpt or {}
        self.seen, self.got = 0, []
        self.arrived = threading.Event()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        m = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        self.seen += 1
        answer = self.answer(self.seen, m) if self.answer else "250 Taken"
        if answer.startswith("250"):
            self.got.append((m, envelope.rcpt_tos))
            self.arrived.set()
        return answer


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="eyrie-chain-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        self.root = os.path.join(self.dir, "repository")
        self.port = free_port()
        self.conf = os.path.join(self.dir, "eyrie.conf")
        os.mkdir(self.root)
        self.configure()
        with open(RECORD, encoding="utf-8") as f:
            self.record = json.load(f)
        self.crashes = 0

    def configure(self, more=""):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"[repository]\npath = {self.root}\n[database]\npath = {self.dir}/eyrie.db\n"
                    "[server]\nurl = https://eyrie.example.com/\n"
                    "[monitor]\nhost_threshold = 2\nmodel_threshold = 1000\n"
                    f"[mail]\nserver = smtp://127.0.0.1:{self.port}\nfrom = eyrie@example.com\n"
                    f"to = ops@example.com, watch@example.com\ntimeout = 5s\n{more}")

    def crash(self, host="web-01", function="lkdtm_BUG", at=NOW - 3600, analysis="sys: x\n"):
        self.crashes += 1
        record = json.loads(json.dumps(self.record))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        record["identity"].update(hostname=host, machine_id="%032x" % hash_of(host),
                                  boot_id="00000000-0000-4000-8000-%012x" % self.crashes)
        record["system"].update(hostname=host, crash_time=stamp)
        record["event"].update(title=f"BUG in {function}", function=function, guilty=function,
                               signature=f"{function}+0x5", reason=f"g1:BUG:{function}")
        folder = os.path.join(self.root, "default", host,
                              f"{stamp.replace(':', '')}-{self.crashes:08x}")
        os.makedirs(folder)
        for name, data in (("record.json", json.dumps(record)), ("analysis.txt", analysis),
                           ("dmesg.txt", record["log"])):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(data)

    def command(self, name, now=NOW, wait=True):
        p = subprocess.Popen([EYRIED, name, "--config", self.conf], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, env={**os.environ, "EYRIE_NOW": str(now)})
        if not wait:
            return p
        out, _ = p.communicate(timeout=120)
        return p.returncode, out.decode()

    def populate(self):
        code, out = self.command("populate")
        self.assertEqual(code, 0, out)

    def monitor(self, now=NOW, code=0):
        got, out = self.command("monitor", now)
        self.assertEqual(got, code, out)
        return out

    def serve(self, box=None):
        box = box or Mailbox()
        server = Controller(box, hostname="127.0.0.1", port=self.port)
        server.start()
        self.addCleanup(lambda: server.loop.is_closed() or server.stop(no_assert=True))
        box.stop = server.stop
        return box

    def outbox(self):
        with sqlite3.connect(f"file:{self.dir}/eyrie.db?mode=ro", uri=True) as db:
            rows = db.execute("SELECT kind, sent > 0, given_up > 0 FROM outbox ORDER BY id")
            return rows.fetchall()


def hash_of(text):
    return sum(ord(c) << 8 * (i % 15) for i, c in enumerate(text)) + 1


class Delivery(Case):
    def test_a_new_reason_is_mailed_once_and_reads_well(self):
        box = self.serve()
        self.crash(analysis="KERNEL: here\n" * 10000)
        self.populate()
        self.monitor()
        self.monitor()
        self.populate()
        self.monitor(NOW + 86400)
        self.assertEqual(len(box.got), 1)
        m, to = box.got[0]
        self.assertEqual(to, ["ops@example.com", "watch@example.com"])
        self.assertEqual(m["Subject"], "[eyrie] new crash reason: BUG in lkdtm_BUG "
                         "(6.1.0-56-amd64) on web-01")
        text = m.get_body(("plain",)).get_content().replace("\r\n", "\n")
        for words in ("web-01 crashed at 2026-11-23 18:00:00 UTC", "never seen before",
                      "https://eyrie.example.com/crashes/1", "https://eyrie.example.com/reasons/1",
                      "kernel BUG at ", "RIP: 0010:lkdtm_BUG+0x5/0x10 [lkdtm]",
                      "g1:BUG:lkdtm_BUG",
                      "Call trace\n----------\nlkdtm_BUG+0x5/0x40 [lkdtm]\nmachine_kexec+"):
            self.assertIn(words, text)
        self.assertIn("<html", m.get_body(("html",)).get_content())
        attachment = list(m.iter_attachments())[0]
        self.assertEqual(attachment.get_filename(), "analysis.txt.gz")
        self.assertEqual(gzip.decompress(attachment.get_content()), b"KERNEL: here\n" * 10000)

    def test_an_alert_is_one_conversation(self):
        box = self.serve()
        for i in range(4):
            self.crash(at=NOW - 3600 + 60 * i)
        self.populate()
        self.monitor()
        self.monitor(NOW + 3 * 86400)
        subjects = [m["Subject"] for m, _ in box.got]
        self.assertEqual(sorted(s.split(":")[0] for s in subjects),
                         ["[eyrie] ALERT", "[eyrie] new crash reason", "[eyrie] over"], subjects)
        mails = {m["Subject"].split(":")[0]: m for m, _ in box.got}
        fire, over = mails["[eyrie] ALERT"], mails["[eyrie] over"]
        self.assertIn("web-01 crashed 4 times", fire["Subject"])
        self.assertIsNone(fire["In-Reply-To"])
        self.assertEqual(over["In-Reply-To"], fire["Message-ID"])
        self.assertEqual(over["References"], fire["Message-ID"])
        self.assertEqual(len({m["Message-ID"] for m, _ in box.got}), 3)

    def test_one_host_in_a_loop_is_one_alert(self):
        box = self.serve()
        for i in range(60):
            self.crash(at=NOW - 7200 + 60 * i)
        self.populate()
        self.monitor()
        self.assertEqual(sorted(m["Subject"].split(":")[0] for m, _ in box.got),
                         ["[eyrie] ALERT", "[eyrie] new crash reason"])


class Trouble(Case):
    def test_a_server_that_is_down_loses_nothing(self):
        self.crash()
        self.crash(host="web-02", function="nft_do_chain")
        self.populate()
        begin = time.monotonic()
        self.monitor(code=3)
        self.assertLess(time.monotonic() - begin, 8)
        self.assertEqual([r[1:] for r in self.outbox()], [(0, 0), (0, 0)])
        self.monitor(NOW + 3600, code=3)
        box = self.serve()
        self.monitor(NOW + 12 * 3600)
        self.assertEqual(sorted(m["Subject"].split()[-1] for m, _ in box.got), ["web-01", "web-02"])
        self.monitor(NOW + 13 * 3600)
        self.assertEqual(len(box.got), 2)

    def test_a_dead_server_is_not_asked_for_every_mail(self):
        # It takes the connection and says nothing: each try costs the time-out.
        listener = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(listener.close)
        self.configure("timeout = 2s\n")
        for i in range(10):
            self.crash(host=f"web-{i:02}", function=f"f{i}")
        self.populate()
        begin = time.monotonic()
        self.monitor(code=3)
        self.assertLess(time.monotonic() - begin, 8)
        self.assertEqual([r[1:] for r in self.outbox()], [(0, 0)] * 10)

    def test_put_off_then_taken(self):
        box = self.serve(Mailbox(lambda n, m: "451 4.7.1 greylisted" if n == 1 else "250 OK"))
        self.crash()
        self.populate()
        self.monitor(code=3)
        self.assertEqual(box.got, [])
        self.monitor(NOW + 600)
        self.assertEqual(len(box.got), 1)

    def test_refused_for_good_is_given_up_and_told(self):
        box = self.serve(Mailbox(lambda n, m: "554 5.7.1 no thanks"))
        self.crash()
        self.populate()
        self.assertIn("554 5.7.1 no thanks", self.monitor())
        self.assertEqual([r[1:] for r in self.outbox()], [(0, 1)])
        self.monitor(NOW + 86400)
        self.assertEqual(box.seen, 1)

    def test_only_who_was_put_off_gets_it_again(self):
        box = self.serve(Mailbox(rcpt={"watch@example.com": "450 4.2.1 mailbox busy"}))
        self.crash()
        self.populate()
        self.monitor()
        box.rcpt.clear()
        self.monitor(NOW + 3600)
        self.monitor(NOW + 86400)
        self.assertEqual([to for _, to in box.got], [["ops@example.com"], ["watch@example.com"]])
        self.assertEqual(box.got[0][0]["Message-ID"], box.got[1][0]["Message-ID"])

    def test_a_server_that_does_not_want_us_loses_nothing(self):
        self.serve()
        self.configure("starttls = require\n")
        self.crash()
        self.populate()
        self.assertIn("STARTTLS", self.monitor(code=1))
        self.assertEqual([r[1:] for r in self.outbox()], [(0, 0)])

    def test_mail_off_says_so_and_mails_no_history_later(self):
        self.crash()
        self.populate()
        with open(self.conf, encoding="utf-8") as f:
            text = f.read()
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text.replace("server = smtp", "#server = smtp"))
        self.assertIn("[mail] server is not set", self.monitor())
        box = self.serve()
        self.configure()
        self.monitor(NOW + 60)
        self.assertEqual(box.got, [])


class Killed(Case):
    def test_killed_at_any_moment_each_mail_comes(self):
        """SIGKILL when a few mails have come, again and again: every mail arrives, and what arrives
        twice (killed between the server's answer and the note of it) bears the same Message-ID."""
        rng = random.Random(20261123)
        box = self.serve(Mailbox(lambda n, m: time.sleep(0.02) or "250 OK"))
        reasons = 12
        for i in range(reasons):
            self.crash(host=f"web-{i:02}", function=f"function_{i}")
        self.populate()
        now, kills = NOW, 0
        for _ in range(60):
            p = self.command("monitor", now, wait=False)
            enough = len(box.got) + rng.randrange(3)
            while p.poll() is None and len(box.got) < enough:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.02))
            if p.poll() is None:
                p.send_signal(signal.SIGKILL)
                kills += 1
            p.stdout.close()
            p.wait()
            now += 900  # past the lease of what the killed one had claimed
            if all(sent for _, sent, _ in self.outbox()) and len(self.outbox()) == reasons:
                break
        self.monitor(now + 900)
        self.assertGreater(kills, 2)
        ids = [m["Message-ID"] for m, _ in box.got]
        self.assertEqual(len(set(ids)), reasons)
        # At most one second copy for a kill.
        self.assertLessEqual(len(ids), reasons + kills)
        self.assertEqual([r[1:] for r in self.outbox()], [(1, 0)] * reasons)

    def test_killed_before_the_answer(self):
        """The server has the whole mail and the sender is killed before it hears so."""
        hold, holding = threading.Event(), threading.Event()
        self.addCleanup(hold.set)

        def talk():
            listener = socket.create_server(("127.0.0.1", self.port))
            connection, _ = listener.accept()
            listener.close()
            f = connection.makefile("rb")
            connection.sendall(b"220 hello\r\n")
            for line in f:
                if line.upper().startswith(b"DATA"):
                    connection.sendall(b"354 go on\r\n")
                    while True:
                        line = f.readline()
                        if line.lower().startswith(b"message-id:"):
                            self.first_id = line.split(b":", 1)[1].strip().decode()
                        if line in (b".\r\n", b""):
                            break
                    holding.set()
                    hold.wait(30)
                    connection.close()
                    return
                connection.sendall(b"250 OK\r\n")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        self.crash()
        self.populate()
        time.sleep(0.1)
        p = self.command("monitor", wait=False)
        self.assertTrue(holding.wait(10))
        # While one sender has it, another does not take it.
        self.monitor()
        p.kill()
        p.communicate()
        hold.set()
        thread.join(10)
        box = self.serve()
        self.monitor(NOW + 3600)
        self.assertEqual([m["Message-ID"] for m, _ in box.got], [self.first_id])

    def test_many_at_once_send_each_mail_once(self):
        box = self.serve(Mailbox(lambda n, m: time.sleep(0.01) or "250 OK"))
        for i in range(10):
            self.crash(host=f"web-{i:02}", function=f"function_{i}")
        self.populate()
        running = [self.command("monitor", wait=False) for _ in range(4)]
        for p in running:
            out, _ = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0, out)
        self.assertEqual(len(box.got), 10)
        self.assertEqual(len({m["Message-ID"] for m, _ in box.got}), 10)


class Report(Case):
    def test_the_month_is_mailed_with_its_page(self):
        box = self.serve()
        self.crash()
        self.populate()
        p = subprocess.run([EYRIED, "report", "--config", self.conf, "--month", "2026-11", "--mail"],
                           capture_output=True, timeout=60, check=False,
                           env={**os.environ, "EYRIE_NOW": str(NOW + 30 * 86400)})
        self.assertEqual((p.returncode, p.stdout), (0, b""), p.stderr)
        m, _ = box.got[0]
        self.assertEqual(m["Subject"], "[eyrie] kernel crashes in November 2026: 1 on 1 host, "
                         "1 new reason")
        self.assertIn("1 crash on 1 host, 1 reason, which is new.",
                      m.get_body(("plain",)).get_content())
        page = list(m.iter_attachments())[0]
        self.assertEqual((page.get_filename(), page.get_content_type()),
                         ("eyrie-2026-11.html", "text/html"))
        self.assertIn("https://eyrie.example.com/reasons/1", page.get_content())


if __name__ == "__main__":
    os.environ.pop("EYRIE_CONFIG", None)
    unittest.main()
