#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of our mails, read back by Python's own mail parser."""
import email
import email.policy
import gzip
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROBE = sys.argv.pop(1)
CONFIG = """[mail]
server = smtp://mail.example.com
from = Eyrie Čekić <eyrie@example.com>
to = ops@example.com, "Night, Watch" <watch@example.com>
"""


def run(config, message, *args):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(config)
        f.flush()
        return subprocess.run([PROBE, f.name, *args], input=json.dumps(message).encode(),
                              stdout=subprocess.PIPE, timeout=30, check=False)


def render(config=CONFIG, **message):
    p = run(config, {"subject": "s", "text": "t\n", "key": "k", "date": 1795444049, **message},
            "--print")
    assert p.returncode == 0, p.stdout
    return p.stdout


def parse(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def content(part):
    return part.get_content().replace("\r\n", "\n")


class Message(unittest.TestCase):
    def check_bytes(self, raw):
        """What RFC 5322 and 5321 demand of any message."""
        self.assertEqual(raw.count(b"\n"), raw.count(b"\r\n"))
        self.assertEqual(raw.count(b"\r"), raw.count(b"\r\n"))
        for line in raw.split(b"\r\n"):
            self.assertLess(len(line), 998)
            self.assertTrue(all(c == 9 or 32 <= c < 127 for c in line), line)

    def test_plain(self):
        raw = render(subject="new crash reason", text="one\ntwo\n", key="reason-7-1")
        self.check_bytes(raw)
        m = parse(raw)
        self.assertEqual(m["Subject"], "[eyrie] new crash reason")
        self.assertEqual(m["Message-ID"], "<reason-7-1@example.com>")
        self.assertEqual(m["Date"], "Mon, 23 Nov 2026 14:27:29 +0000")
        self.assertEqual(m["From"].addresses[0].display_name, "Eyrie Čekić")
        self.assertEqual([a.display_name for a in m["To"].addresses], ["", "Night, Watch"])
        self.assertEqual([a.addr_spec for a in m["To"].addresses],
                         ["ops@example.com", "watch@example.com"])
        self.assertEqual(m["Auto-Submitted"], "auto-generated")
        self.assertEqual(m["Content-Transfer-Encoding"], "7bit")
        self.assertEqual(content(m), "one\ntwo\n")
        self.assertEqual(m.defects, [])

    def test_conversation(self):
        m = parse(render(key="alert-1-resolve", thread_key="alert-1-fire"))
        self.assertEqual(m["In-Reply-To"], "<alert-1-fire@example.com>")
        self.assertEqual(m["References"], "<alert-1-fire@example.com>")

    def test_subjects_of_all_sorts(self):
        for subject in ("x" * 400, "word " * 100, "Überlauf in größe_prüfen() auf wéb-01",
                        "故障 " * 60, "=?UTF-8?Q?forged?=", "tab\there", "a" * 70 + " " + "b" * 70,
                        "emoji 💥 in a kernel log, and a long tail of plain words behind it " * 3,
                        "x" * 600):
            raw = render(subject=subject)
            self.check_bytes(raw)
            got = str(parse(raw)["Subject"])
            want = "[eyrie] " + " ".join(subject.split())
            if len(want.encode()) > 600:
                self.assertTrue(got.endswith("…"), got)
                self.assertTrue(want.startswith(got[:-1]), got)
            else:
                self.assertEqual(got, want)
            for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n"):
                if b"=?" in line:
                    self.assertLessEqual(len(line), 76)

    def test_no_header_can_be_injected(self):
        evil = "x\r\nBcc: victim@example.com\r\n\r\nbody\nX-Evil: 1"
        config = CONFIG.replace("Eyrie Čekić", '"Eyrie, the eagle"') + "prefix = [e\u2028y]\n"
        raw = render(config, subject=evil, key=evil, thread_key=evil,
                     attachments=[{"name": evil, "type": evil, "data": "d"}])
        self.check_bytes(raw)
        m = parse(raw)
        for header in ("Bcc", "X-Evil"):
            self.assertIsNone(m[header])
        self.assertNotIn(b"\r\nBcc:", raw)
        self.assertNotIn(b"\r\nX-Evil:", raw)
        self.assertEqual(m.get_content_type(), "multipart/mixed")
        self.assertEqual(len(list(m.iter_parts())), 2)
        attachment = list(m.iter_attachments())[0]
        self.assertNotIn("/", attachment.get_filename())
        self.assertEqual(attachment["X-Evil"], None)

    def test_bodies_come_back(self):
        for text in ("", "no newline", "é\n", "trailing space \n\tand tab\t\n", "x" * 5000 + "\n",
                     "é" * 3000 + "\n", ".\n..\n.dot\n", "From here\nFS: 0\n", "a=b\n=20\n",
                     "\n\n\n", "long " * 400 + "\n", "=" * 200 + "\n", "💥" * 500,
                     "--=_eyrie_mixed_=\n--=_eyrie_alternative_=--\n"):
            for html in (None, "<p>" + text + "</p>\n"):
                raw = render(text=text, html=html)
                self.check_bytes(raw)
                m = parse(raw)
                got = content(m.get_body(("plain",)))
                self.assertEqual(got.rstrip("\n"), text.rstrip("\n"))
                if html:
                    self.assertEqual(m.get_content_type(), "multipart/alternative")
                    self.assertEqual(content(m.get_body(("html",))), html)
                self.assertEqual(m.defects, [])

    def test_control_bytes_are_made_visible(self):
        m = parse(render(text="esc \x1b[2J bell \x07 cr \r end\u202e\n"))
        self.assertEqual(content(m), "esc \\x1b[2J bell \\x07 cr \\x0d end\ufffd\n")

    def test_attachments(self):
        data = "".join(f"line {i}\n" for i in range(3000))
        raw = render(html="<p>h</p>", attachments=[
            {"name": "analysis.txt", "type": "text/plain; charset=utf-8", "data": data,
             "gzip": True},
            {"name": "../../etc/pass wd", "type": "text/plain; charset=utf-8", "data": "é\n"}])
        self.check_bytes(raw)
        self.assertLess(len(raw), len(data))
        m = parse(raw)
        self.assertEqual([p.get_content_type() for p in m.walk()],
                         ["multipart/mixed", "multipart/alternative", "text/plain", "text/html",
                          "application/gzip", "text/plain"])
        packed, plain = m.iter_attachments()
        self.assertEqual(packed.get_filename(), "analysis.txt.gz")
        self.assertEqual(gzip.decompress(packed.get_content()).decode(), data)
        self.assertEqual(plain.get_filename(), "_._.._etc_pass_wd")
        self.assertEqual(plain.get_content(), "é\n")

    def test_same_message_same_bytes(self):
        message = {"html": "h", "attachments": [{"name": "a", "type": "text/plain", "data": "x",
                                                 "gzip": True}]}
        self.assertEqual(render(**message), render(**message))


class Options(unittest.TestCase):
    def refuse(self, lines, *words):
        p = run("[mail]\n" + lines, {"subject": "s", "text": "t", "key": "k"}, "--print")
        self.assertEqual(p.returncode, 1, p.stdout)
        error = json.loads(p.stdout)["error"]
        for word in words:
            self.assertIn(word, error)

    def test_mail_is_off_without_a_server(self):
        p = run("[mail]\nto = ops@example.com\n", {"subject": "s"})
        self.assertEqual(p.returncode, 1)
        self.assertIn("mail is off", json.loads(p.stdout)["error"])

    def test_nobody_to_mail_to(self):
        p = run("[mail]\nserver = smtp://127.0.0.1:9\n", {"subject": "s"})
        self.assertEqual(p.returncode, 1)
        self.assertIn("nobody", json.loads(p.stdout)["error"])

    def test_bad_values_name_themselves(self):
        good = "server = smtp://mail.example.com\n"
        self.refuse("server = mail.example.com\n", "smtp://")
        self.refuse("server = http://mail.example.com\n", "smtp://")
        self.refuse("server = smtp://u:secret@mail.example.com\n", "password_file")
        self.refuse("server = smtp://mail.example.com/x\n", "port")
        self.refuse("server = smtp://\n", "server")
        self.refuse("server = smtp://mail.example.com:99999\n", "server")
        self.refuse(good + "starttls = maybe\n", "auto, require or no")
        self.refuse(good + "timeout = 0\n", "timeout")
        self.refuse(good + "user = eyrie\n", "password_file")
        self.refuse(good + "user = u\npassword_file = p\nstarttls = auto\n", "require")
        for bad in ("root", "a@b@c", "a b@example.com", "<a@example.com", "a@example.com>",
                    "a@", "@b", "a..b@example.com", "a@-_", "é@example.com", "x <>",
                    "a@example..com"):
            self.refuse(good + f"to = ok@example.com, {bad}\n", "to", "mail address")
        self.refuse(good + "from = a@example.com, b@example.com\n", "from", "one address")


if __name__ == "__main__":
    os.environ.pop("EYRIE_CONFIG", None)
    unittest.main()
