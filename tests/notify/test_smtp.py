#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mail_send() against a real SMTP server, aiosmtpd, that behaves as told."""
import email
import email.policy
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult
except ImportError:
    print("python3-aiosmtpd is not installed")
    sys.exit(77)

PROBE = sys.argv.pop(1)


class Handler:
    """Takes all, except what it was told to refuse."""

    def __init__(self, mail=None, rcpt=None, data=None):
        self.mail, self.rcpt, self.data = mail, rcpt or {}, data
        self.got = []

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.mail:
            return self.mail
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.got.append((envelope.rcpt_tos, envelope.original_content, session.ssl is not None,
                         session.authenticated))
        return self.data or "250 Taken"


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="eyrie-smtp-")
        self.addCleanup(self.dir.cleanup)

    def path(self, name, text=None):
        path = os.path.join(self.dir.name, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(path, 0o600)
        return path

    def serve(self, handler=None, **options):
        handler = handler or Handler()
        server = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
        server.start()
        self.addCleanup(server.stop)
        return handler, server.port

    def certificate(self):
        cert, key = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        return cert, context

    def send(self, port, config="", to="ops@example.com, watch@example.com", scheme="smtp",
             **message):
        conf = self.path("eyrie.conf", f"[mail]\nserver = {scheme}://127.0.0.1:{port}\n"
                         f"from = eyrie@example.com\nto = {to}\n{config}")
        p = subprocess.run([PROBE, conf], capture_output=True, timeout=60, check=False,
                           input=json.dumps({"subject": "crash", "text": "t\n", "key": "k",
                                             **message}).encode())
        result = json.loads(p.stdout)
        result["code"] = p.returncode
        return result


def content(part):
    return part.get_content().replace("\r\n", "\n")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Delivery(Case):
    def test_taken(self):
        handler, port = self.serve()
        r = self.send(port, text="Größe\n.\n.dot\n" + "x" * 3000 + "\n", html="<p>h</p>")
        self.assertEqual((r["code"], r["error"], r["accepted"], r["smtp_code"]), (0, None, 2, 250))
        self.assertIsNone(r["retry_to"])
        self.assertIsNone(r["refused_to"])
        to, raw, encrypted, _ = handler.got[0]
        self.assertEqual(to, ["ops@example.com", "watch@example.com"])
        self.assertFalse(encrypted)
        m = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(m["Subject"], "[eyrie] crash")
        self.assertEqual(content(m.get_body(("plain",))),
                         "Größe\n.\n.dot\n" + "x" * 3000 + "\n")
        self.assertEqual(len(handler.got), 1)

    def test_lines_with_dots_in_a_plain_text(self):
        # 7bit bodies go through libcurl's dot-stuffing, here behind a first line.
        handler, port = self.serve()
        text = "first\n x\n" + "".join(f"{'y' * i}.\n" for i in range(1, 90))
        self.assertEqual(self.send(port, text=text)["code"], 0)
        m = email.message_from_bytes(handler.got[0][1], policy=email.policy.default)
        self.assertEqual(content(m), text)

    def test_recipients_of_the_message_win(self):
        handler, port = self.serve()
        message = {"to": "other@example.com"}
        conf = self.send(port, **{}, **{"subject": "s"})
        self.assertEqual(conf["code"], 0)
        p = subprocess.run([PROBE, self.path("eyrie.conf")], capture_output=True, timeout=60,
                           check=True, input=json.dumps({"subject": "s", "text": "t", "key": "k",
                                                         **message}).encode())
        self.assertEqual(json.loads(p.stdout)["accepted"], 1)
        self.assertEqual(handler.got[1][0], ["other@example.com"])

    def test_large(self):
        handler, port = self.serve()
        r = self.send(port, attachments=[{"name": "a.txt", "type": "text/plain",
                                          "data": "x" * 5_000_000}])
        self.assertEqual(r["code"], 0, r)
        m = email.message_from_bytes(handler.got[0][1], policy=email.policy.default)
        self.assertEqual(len(list(m.iter_attachments())[0].get_content()), 5_000_000)


class Refusals(Case):
    def test_one_recipient_is_refused_for_good(self):
        handler, port = self.serve(Handler(rcpt={"ops@example.com": "550 5.1.1 no such user"}))
        r = self.send(port)
        self.assertEqual((r["code"], r["accepted"]), (2, 1))
        self.assertEqual((r["refused_to"], r["retry_to"]), ("ops@example.com", None))
        self.assertIn("550 5.1.1 no such user", r["error"])
        self.assertEqual(handler.got[0][0], ["watch@example.com"])

    def test_one_recipient_is_put_off(self):
        _, port = self.serve(Handler(rcpt={"watch@example.com": "451 4.7.1 greylisted"}))
        r = self.send(port)
        self.assertEqual((r["code"], r["accepted"]), (3, 1))
        self.assertEqual((r["refused_to"], r["retry_to"]), (None, "watch@example.com"))
        self.assertIn("greylisted", r["error"])

    def test_one_of_each(self):
        handler, port = self.serve(Handler(rcpt={"b@example.com": "450 busy",
                                                 "c@example.com": "553 unknown"}))
        r = self.send(port, to="a@example.com, b@example.com, c@example.com, d@example.com")
        self.assertEqual((r["code"], r["accepted"]), (3, 2))
        self.assertEqual((r["retry_to"], r["refused_to"]), ("b@example.com", "c@example.com"))
        self.assertIn("450 busy", r["error"])
        self.assertIn("553 unknown", r["error"])
        self.assertEqual(handler.got[0][0], ["a@example.com", "d@example.com"])

    def test_all_recipients_are_refused(self):
        handler, port = self.serve(Handler(rcpt={"ops@example.com": "550 a",
                                                 "watch@example.com": "450 b"}))
        r = self.send(port)
        self.assertEqual((r["code"], r["accepted"], handler.got), (3, 0, []))
        self.assertEqual((r["retry_to"], r["refused_to"]), ("watch@example.com", "ops@example.com"))

    def test_the_message_is_refused_for_good(self):
        _, port = self.serve(Handler(data="554 5.7.1 looks like spam"))
        r = self.send(port)
        self.assertEqual((r["code"], r["accepted"], r["smtp_code"]), (2, 0, 554))
        self.assertEqual(r["refused_to"], "ops@example.com, watch@example.com")
        self.assertIn("looks like spam", r["error"])

    def test_the_message_is_put_off(self):
        _, port = self.serve(Handler(data="452 4.3.1 disk full"))
        r = self.send(port)
        self.assertEqual((r["code"], r["accepted"], r["smtp_code"]), (3, 0, 452))
        self.assertIsNone(r["retry_to"])  # nobody took it: the whole message

    def test_too_large_is_for_good(self):
        handler, port = self.serve(data_size_limit=2000)
        r = self.send(port, text="x" * 5000)
        self.assertEqual((r["code"], r["accepted"], handler.got), (2, 0, []), r)
        self.assertEqual(r["refused_to"], "ops@example.com, watch@example.com")

    def test_a_sender_who_is_not_wanted_is_our_own_fault(self):
        _, port = self.serve(Handler(mail="550 5.7.1 sender rejected"))
        r = self.send(port)
        self.assertEqual((r["code"], r["accepted"], r["refused_to"]), (1, 0, None), r)
        self.assertIsNone(r["retry_to"])  # nobody took it: the whole message
        self.assertIn("sender rejected", r["error"])

    def test_a_sender_is_put_off(self):
        _, port = self.serve(Handler(mail="421 4.3.2 shutting down"))
        self.assertEqual(self.send(port)["code"], 3)


class Network(Case):
    def raw_server(self, talk):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def run():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

        threading.Thread(target=run, daemon=True).start()
        return listener.getsockname()[1]

    def test_nobody_listens(self):
        r = self.send(free_port())
        self.assertEqual((r["code"], r["accepted"]), (3, 0))
        self.assertIn("127.0.0.1", r["error"])

    def test_a_server_that_hangs(self):
        done = threading.Event()
        self.addCleanup(done.set)
        port = self.raw_server(lambda c: done.wait(30))
        begin = time.monotonic()
        r = self.send(port, "timeout = 2s\n")
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual(r["code"], 3)
        self.assertIn("within 2 s", r["error"])

    def test_a_server_that_hangs_up_after_the_message(self):
        # It may or may not have taken it: try again, under the same Message-ID.
        def talk(c):
            f = c.makefile("rb")
            c.sendall(b"220 hello\r\n")
            for line in f:
                word = line[:4].upper()
                if word == b"DATA":
                    c.sendall(b"354 go on\r\n")
                    while f.readline() not in (b".\r\n", b""):
                        pass
                    return
                c.sendall(b"250 OK\r\n")
        r = self.send(self.raw_server(talk))
        self.assertEqual((r["code"], r["accepted"]), (3, 0))
        self.assertIsNone(r["retry_to"])  # nobody took it: the whole message

    def test_a_server_that_talks_nonsense(self):
        for nonsense in (b"\xff\xfe\x00\r\n" * 20, b"HTTP/1.1 400 Bad Request\r\n\r\n",
                         b"220" + b"x" * 100_000 + b"\r\n", b"554 go away\x1b[2J\r\n"):
            def talk(c, nonsense=nonsense):
                c.sendall(nonsense)
            r = self.send(self.raw_server(talk), "timeout = 3s\n")
            self.assertIn(r["code"], (1, 3))
            self.assertEqual(r["accepted"], 0)
            self.assertTrue(r["error"])


class Encryption(Case):
    def test_auto_encrypts_where_offered_even_to_a_stranger(self):
        _, context = self.certificate()
        handler, port = self.serve(tls_context=context)
        self.assertEqual(self.send(port)["code"], 0)
        self.assertTrue(handler.got[0][2])

    def test_auto_goes_in_clear_where_not(self):
        handler, port = self.serve()
        self.assertEqual(self.send(port, "starttls = auto\n")["code"], 0)
        self.assertFalse(handler.got[0][2])

    def test_no_means_no(self):
        _, context = self.certificate()
        handler, port = self.serve(tls_context=context)
        self.assertEqual(self.send(port, "starttls = no\n")["code"], 0)
        self.assertFalse(handler.got[0][2])

    def test_require_refuses_clear_text(self):
        handler, port = self.serve()
        r = self.send(port, "starttls = require\n")
        self.assertEqual((r["code"], handler.got), (1, []), r)
        self.assertIn("STARTTLS", r["error"])
        self.assertIsNone(r["retry_to"])  # nobody took it: the whole message

    def test_require_refuses_a_stranger_and_takes_a_friend(self):
        cert, context = self.certificate()
        handler, port = self.serve(tls_context=context)
        r = self.send(port, "starttls = require\n")
        self.assertEqual((r["code"], handler.got), (1, []), r)
        self.assertIn("ca_file", r["error"])
        r = self.send(port, f"starttls = require\nca_file = {cert}\n")
        self.assertEqual(r["code"], 0, r)
        self.assertTrue(handler.got[0][2])

    def test_smtps(self):
        cert, context = self.certificate()
        handler, port = self.serve(ssl_context=context)
        r = self.send(port, scheme="smtps")
        self.assertEqual((r["code"], handler.got), (1, []), r)
        r = self.send(port, f"ca_file = {cert}\n", scheme="smtps")
        self.assertEqual((r["code"], len(handler.got)), (0, 1), r)

    def test_login(self):
        cert, context = self.certificate()

        def authenticate(server, session, envelope, mechanism, data):
            ok = (data.login, data.password) == (b"eyrie", "pässwörd".encode())
            return AuthResult(success=ok, handled=ok)

        handler, port = self.serve(tls_context=context, authenticator=authenticate,
                                   auth_required=True)
        login = f"ca_file = {cert}\nuser = eyrie\npassword_file = {self.path('pw')}\n"
        r = self.send(port, f"ca_file = {cert}\n")
        self.assertEqual((r["code"], handler.got), (1, []), r)
        r = self.send(port, login)
        self.assertEqual((r["code"], handler.got), (1, []), r)
        self.assertIn("password_file", r["error"])
        self.path("pw", "wrong\n")
        r = self.send(port, login)
        self.assertEqual((r["code"], handler.got), (1, []), r)
        self.assertIn("login", r["error"])
        self.assertNotIn("wrong", r["error"])
        self.path("pw", "pässwörd\n")
        r = self.send(port, login)
        self.assertEqual((r["code"], len(handler.got)), (0, 1), r)
        self.assertTrue(handler.got[0][3])


if __name__ == "__main__":
    os.environ.pop("EYRIE_CONFIG", None)
    unittest.main()
