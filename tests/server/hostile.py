#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What hostile or broken clients, networks and disks do to a real eyried: nothing that is confirmed is lost.

    hostile.py EYRIED MAKE_REPOSITORY OPENAPI EYRIE

docs/security.md names these tests, a threat each. On SQLite, and by with_postgres.py on PostgreSQL.
"""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

EYRIED, MAKE_REPOSITORY, OPENAPI, EYRIE = sys.argv[1:5]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.argv[1:] = [EYRIED, OPENAPI]
import intake  # noqa: E402
sys.argv[1:] = [EYRIED, MAKE_REPOSITORY, OPENAPI]
import access  # noqa: E402

# How long something that does happen may take on a machine that has much else to do.
PATIENCE = 120


def until(what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < end, 'it did not happen'
        time.sleep(0.1)
    return got


def certificate(folder, name):
    """A certificate of its own serial number, as renewed; (certificate, key)."""
    cert, key = os.path.join(folder, name + '.pem'), os.path.join(folder, name + '.key')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=' + name,
                    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], check=True, capture_output=True)
    return cert, key


class TlsCenter(access.Center):
    def __init__(self, extra=''):
        self.pem = tempfile.TemporaryDirectory()
        self.cert, self.key_file = os.path.join(self.pem.name, 'c.pem'), os.path.join(self.pem.name, 'k.pem')
        self.install('first')
        super().__init__('tls_certificate = %s\ntls_key = %s\n%s' % (self.cert, self.key_file, extra))

    def install(self, name):
        cert, key = certificate(self.pem.name, name)
        os.replace(cert, self.cert)
        os.replace(key, self.key_file)

    def stop(self):
        super().stop()
        self.pem.cleanup()

    def presented(self, port):
        """Common name of who answers there."""
        context = ssl._create_unverified_context()
        with context.wrap_socket(socket.create_connection(('127.0.0.1', port), timeout=PATIENCE)) as s:
            der = s.getpeercert(True)
        text = subprocess.run(['openssl', 'x509', '-inform', 'der', '-noout', '-subject'], input=der, check=True, capture_output=True).stdout
        return re.search(r'CN\s*=\s*(\w+)', text.decode()).group(1)

    def hang_up(self, line):
        process = self.servers[0][0]
        process.send_signal(signal.SIGHUP)
        while line not in (got := process.stderr.readline()):
            assert got, 'eyried ended'


class Tls(unittest.TestCase):
    def test_a_new_certificate_is_taken_while_serving(self):
        center = TlsCenter()
        self.addCleanup(center.stop)
        port = center.start().port
        context = ssl._create_unverified_context()
        # One that was there before stays, and one asks all the time.
        kept = http.client.HTTPSConnection('127.0.0.1', port, context=context, timeout=PATIENCE)
        kept.request('GET', '/healthz')
        kept.getresponse().read()
        failed, asked, done = [], [0], threading.Event()

        def ask():
            while not done.is_set():
                try:
                    c = http.client.HTTPSConnection('127.0.0.1', port, context=context, timeout=PATIENCE)
                    c.request('GET', '/healthz')
                    assert c.getresponse().status == 200
                    c.close()
                    asked[0] += 1
                except Exception as e:
                    failed.append(e)
        thread = threading.Thread(target=ask)
        thread.start()
        self.assertEqual(center.presented(port), 'first')
        center.install('second')
        self.assertEqual(center.presented(port), 'first')
        center.hang_up('is another one')
        self.assertEqual(center.presented(port), 'second')
        # One that cannot be read, or a key of another one, changes nothing.
        cert, _ = certificate(center.pem.name, 'third')
        os.replace(cert, center.cert)
        center.hang_up('going on with the certificate that was there')
        self.assertEqual(center.presented(port), 'second')
        center.install('fourth')
        center.hang_up('is another one')
        self.assertEqual(center.presented(port), 'fourth')
        kept.request('GET', '/healthz')
        self.assertEqual(kept.getresponse().status, 200)
        kept.close()
        before = asked[0]
        until(lambda: asked[0] > before)
        done.set()
        thread.join()
        self.assertEqual(failed, [])

    def test_browsers_are_told_to_come_by_tls_only(self):
        center = TlsCenter()
        self.addCleanup(center.stop)
        port = center.start().port
        for path in ('/', '/api/v1/crashes', '/healthz', '/nothing', '/api/v1/session'):
            c = http.client.HTTPSConnection('127.0.0.1', port, context=ssl._create_unverified_context(), timeout=PATIENCE)
            c.request('GET', path)
            self.assertEqual(c.getresponse().getheader('Strict-Transport-Security'), 'max-age=31536000', path)
            c.close()
        for extra, wanted in (('', None), ('url = https://eyrie.example.com/', 'max-age=31536000'),
                              ('url = https://eyrie.example.com/\nhsts = 1d', 'max-age=86400'),
                              ('url = https://eyrie.example.com/\nhsts = 0', None), ('hsts = 1d', None)):
            plain = access.Center(extra)
            self.addCleanup(plain.stop)
            self.assertEqual(plain.start().ask('GET', '/healthz')[1].getheader('Strict-Transport-Security'), wanted, extra)

    def test_without_tls_a_hang_up_changes_nothing(self):
        center = access.Center()
        self.addCleanup(center.stop)
        client = center.start()
        center.servers[0][0].send_signal(signal.SIGHUP)
        while 'got SIGHUP' not in center.servers[0][0].stderr.readline():
            pass
        self.assertEqual(client.status('GET', '/healthz'), 200)


class Raw:
    """Bytes on a connection, and whether it is still there."""

    def __init__(self, port, data=b''):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=PATIENCE)
        self.socket.sendall(data)

    def answer(self):
        data = b''
        try:
            while part := self.socket.recv(65536):
                data += part
        except ConnectionError:
            pass
        self.socket.close()
        return data

    def status(self):
        found = re.match(rb'HTTP/1\.1 (\d+)', self.answer())
        return found and int(found.group(1))

    def is_cut(self, drop):
        """Send a piece after another until nobody listens."""
        def gone():
            try:
                self.socket.sendall(drop)
                self.socket.settimeout(0.1)
                return not self.socket.recv(1)
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        until(gone)
        self.socket.close()


class Slow(unittest.TestCase):
    """Clients that drip a byte from time to time are never idle, and are cut off."""

    @classmethod
    def setUpClass(cls):
        cls.center = access.Center('header_timeout = 2s\nbody_timeout = 2s\nconnections_per_address = 50')
        cls.client = cls.center.start()

    @classmethod
    def tearDownClass(cls):
        cls.center.stop()

    def test_a_header_that_drips(self):
        slow = [Raw(self.client.port, b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ') for _ in range(10)]
        self.assertEqual(self.client.status('GET', '/healthz'), 200)
        for s in slow:
            s.is_cut(b'a')
        self.assertEqual(self.client.status('GET', '/healthz'), 200)

    def test_a_body_that_drips(self):
        head = b'POST /api/v1/crashes HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n'
        for more in (b'Content-Length: 500000\r\n\r\n', b'Transfer-Encoding: chunked\r\n\r\n'):
            Raw(self.client.port, head + more).is_cut(b'1\r\na\r\n' if b'chunked' in more else b'a')
        Raw(self.client.port, b'PATCH /api/v1/uploads/x HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nContent-Length: 500000\r\n\r\n').is_cut(b'a')
        self.assertEqual(self.client.status('GET', '/healthz'), 200)

    def test_a_slow_body_that_goes_on_is_taken(self):
        """Longer than body_timeout in all, by far faster than a drip."""
        body, kind = intake.multipart({'record': intake.record(1, 'slow-01'), 'analysis': 'x' * 900000})
        s = Raw(self.client.port, b'POST /api/v1/crashes HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n'
                b'Connection: close\r\n\r\n' % (kind.encode(), len(body)))
        begun = time.monotonic()
        for i in range(0, len(body), 1 << 17):
            s.socket.sendall(body[i:i + (1 << 17)])
            time.sleep(0.6)
        self.assertGreater(time.monotonic() - begun, 4)
        self.assertEqual(s.status(), 201)

    def test_an_address_has_only_so_many_connections(self):
        held = [Raw(self.client.port) for _ in range(60)]
        # Those beyond were closed at once; the others when their time for a header was over.
        for s in held:
            self.assertEqual(s.answer(), b'')
        self.assertEqual(self.client.status('GET', '/healthz'), 200)
        held = [Raw(self.client.port) for _ in range(50)]

        def refused():
            try:
                return Raw(self.client.port, b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').status() is None
            except ConnectionError:
                return True
        until(refused)
        for s in held:
            s.socket.close()
        until(lambda: not refused())


class Requests(unittest.TestCase):
    """Headers that are not what they seem."""

    @classmethod
    def setUpClass(cls):
        cls.center = access.Center('[auth]\nproxy_header = X-Remote-User\nproxy_addresses = 127.0.0.0/8')
        cls.center.user('root', 'administrator')
        cls.center.user('robin', 'viewer')
        cls.client = cls.center.start()

    @classmethod
    def tearDownClass(cls):
        cls.center.stop()

    def raw(self, *headers, method='GET', path='/api/v1/session', body=b''):
        head = '\r\n'.join(['%s %s HTTP/1.1' % (method, path), 'Connection: close', *headers, '', ''])
        return Raw(self.client.port, head.encode('latin-1') + body).answer()

    def test_a_proxys_header_that_comes_twice_is_nobody(self):
        ask = ('Host: localhost', 'X-Remote-User: root')
        self.assertIn(b'"name":"root"', self.raw(*ask).replace(b' ', b''))
        for first, second in (('root', 'robin'), ('robin', 'root'), ('root', 'root')):
            answer = self.raw('Host: localhost', 'X-Remote-User: ' + first, 'x-remote-user: ' + second)
            self.assertIn(b'"kind":"anonymous"', answer.replace(b' ', b''))

    def test_whose_request_it_is_nobody_can_choose(self):
        """A proxy that adds a line of its own to those that the client sent."""
        seen = []
        for i in range(53):
            body = json.dumps({'name': 'nobody%d' % i, 'password': 'wrong password'}).encode()
            seen.append(self.raw('Host: localhost', 'X-Forwarded-For: 192.0.2.%d' % i, 'X-Forwarded-For: 198.51.100.7',
                                 'Content-Type: application/json', 'Content-Length: %d' % len(body), method='POST', body=body)[9:12])
        self.assertEqual((seen[0], seen[-1]), (b'401', b'429'))

    def test_two_readings_of_one_request_are_refused(self):
        ok = 'Host: localhost'
        for headers in ((ok, ok), (ok, 'Host: evil.example.com'), (ok, 'Content-Length: 5', 'Content-Length: 6'),
                        (ok, 'Content-Length: 5', 'Transfer-Encoding: chunked')):
            answer = self.raw(*headers, method='POST', path='/api/v1/crashes', body=b'0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n')
            self.assertRegex(answer, rb'^HTTP/1\.1 400 ', headers)
            self.assertEqual(answer.count(b'HTTP/1.1 '), 1, headers)

    def test_huge_headers(self):
        for headers in (['X: ' + 'y' * (64 << 10)], ['X%d: y' % i for i in range(20000)], ['Cookie: ' + 'eyrie=x; ' * 8000]):
            answer = self.raw('Host: localhost', *headers)
            self.assertRegex(answer, rb'^(HTTP/1\.1 4(31|13|14|00) |$)')
        self.assertRegex(self.raw('Host: localhost', path='/' + 'a' * 60000), rb'^(HTTP/1\.1 4(14|31) |$)')
        self.assertEqual(self.client.status('GET', '/healthz'), 200)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
