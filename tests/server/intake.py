#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes and dumps that come to eyried over HTTP: good, bad, hostile, killed in the middle.

    intake.py EYRIED OPENAPI
"""
import base64
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import openapi

EYRIED = sys.argv[1]
DOCUMENT = openapi.Document(sys.argv[2])
TUS = {'Tus-Resumable': '1.0.0'}


def database(folder):
    """The database's line of eyrie.conf: a file, or a schema of the server of with_postgres.py."""
    address = os.environ.get('EYRIE_TEST_POSTGRES')
    if not address:
        return 'path = %s/eyrie.db' % folder
    schema = re.sub(r'\W', '_', folder).lower()
    subprocess.run(['psql', '-q', '-c', 'CREATE SCHEMA "%s"' % schema, address], check=True)
    return "connection = %s options='-c search_path=%s'" % (address, schema)


class Server:
    def __init__(self, folder, extra=''):
        self.folder = folder
        self.root = os.path.join(folder, 'repository')
        os.makedirs(self.root, exist_ok=True)
        self.conf = os.path.join(folder, 'eyrie.conf')
        self.log = ''
        if not os.path.exists(self.conf):
            with open(self.conf, 'w') as f:
                f.write('[repository]\npath = %s\nsite = north\n[database]\n%s\n[server]\nlisten = 127.0.0.1:0\n'
                        'populate_interval = 0\n%s' % (self.root, database(folder), extra))
        self.start()

    def start(self):
        self.process = subprocess.Popen([EYRIED, 'serve', '--config', self.conf], stderr=subprocess.PIPE, text=True)
        while 'console and API at' not in self.log.rsplit('\0', 1)[-1]:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError('eyried did not start: ' + self.log)
            self.log += line
        self.port = int(re.findall(r':(\d+)/', self.log)[-1])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log += self.process.stderr.read() + '\0'
        self.process.stderr.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.log += self.process.stderr.read()
        self.process.stderr.close()
        return self.process.wait(30)

    def ask(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        data = r.read()
        c.close()
        route = path.split('?')[0]
        DOCUMENT.check_answer(method, route, r.status, r.getheader('Content-Type'), data)
        return r.status, r, data

    def deliver(self, parts, status=None):
        body, kind = multipart(parts)
        got, r, data = self.ask('POST', '/api/v1/crashes', body, {'Content-Type': kind})
        if status:
            assert got == status, (got, data)
        answer = json.loads(data)
        return answer, r

    def get(self, path):
        status, _, data = self.ask('GET', path)
        assert status == 200, (path, status, data)
        return data


def multipart(parts, boundary='x0123456789'):
    body = b''
    for name, value in parts.items():
        kind = b''
        if isinstance(value, tuple):
            value, kind = value[0], b'Content-Type: %s\r\n' % value[1].encode()
        if isinstance(value, (dict, list)):
            value = json.dumps(value)
        if isinstance(value, str):
            value = value.encode()
        body += b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n%s\r\n%s\r\n' % (
            boundary.encode(), name.encode(), kind, value)
    return body + b'--%s--\r\n' % boundary.encode(), 'multipart/form-data; boundary=' + boundary


def record(number, host='web-01', reason='g1:BUG:ext4_writepages', **changes):
    r = {'schema': 'eyrie/crash/1', 'engine': 'native', 'gaps': [],
         'identity': {'hostname': host, 'machine_id': hashlib.md5(host.encode()).hexdigest(),
                      'boot_id': '%032x' % (number + 1), 'dmi_uuid': None, 'dmi_serial': None},
         'dump': {'format': 'kdump', 'bytes': 1000, 'complete': True},
         'system': {'hostname': host, 'release': '6.1.0-18-amd64', 'version': '#1 SMP', 'machine': 'x86_64',
                    'crash_time': '2026-11-23T14:%02d:%02dZ' % (number // 60 % 60, number % 60), 'uptime_seconds': 86400},
         'event': {'kind': 'BUG', 'title': 'kernel BUG at fs/ext4/inode.c:1', 'function': 'ext4_writepages', 'offset': 18,
                   'guilty': 'ext4_writepages', 'signature': 'ext4_writepages+0x12', 'reason': reason},
         'log': 'line one\nline two\n', 'tasks': [], 'stacks': []}
    r.update(changes)
    return r


def zstd(data):
    done = subprocess.run(['zstd', '-q', '-c', '--stream-size=%d' % len(data)], input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout


def shown(answer):
    """A crash as the console shows it."""
    return json.loads(server.get('/api/v1/crashes/%d' % answer['id']))['crash']


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def setUpModule():
    global temp, server
    temp = tempfile.TemporaryDirectory(prefix='eyrie-intake-')
    server = Server(temp.name, '[policy]\nslots = 4\nnew = first 2, each 5, else dmesg\nretry_after = 7s\n')


def tearDownModule():
    code = server.stop()
    temp.cleanup()
    assert code == 0, server.log
    assert 'Sanitizer' not in server.log and 'runtime error' not in server.log, server.log


class Deliveries(unittest.TestCase):
    def test_whole_evidence_comes_back_byte_for_byte(self):
        r = record(1, 'ev-01', 'g1:BUG:evidence')
        whole = json.dumps(r, indent=1).encode()
        light = {k: v for k, v in r.items() if k not in ('log', 'tasks')}
        a, _ = server.deliver({'record': light, 'whole': (zstd(whole), 'application/zstd'),
                               'analysis': (zstd(b'BT\n' * 500), 'application/zstd'), 'dmesg': 'a log\n',
                               'site': 'evidence'}, 201)
        self.assertEqual((a['verdict'], a['triage'], a['want'], a['upload']), ('new', 'new', 'vmcore', '/api/v1/uploads'))
        self.assertTrue(a['path'].startswith('evidence/ev-01/20261123T140001Z-'))
        self.assertEqual(server.get('/api/v1/crashes/%d/record' % a['id']), whole)
        self.assertEqual(server.get('/api/v1/crashes/%d/analysis' % a['id']), b'BT\n' * 500)
        self.assertEqual(server.get('/api/v1/crashes/%d/log' % a['id']), b'a log\n')

    def test_twice_and_at_once_is_one(self):
        r = record(2, 'tw-01', 'g1:BUG:twice')
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: server.deliver({'record': r})[0], range(24)))
        self.assertEqual(len({a['id'] for a in answers}), 1)
        self.assertEqual(sorted(a['verdict'] for a in answers), ['double'] * 23 + ['new'])
        self.assertEqual({a['reason']['crashes'] for a in answers}, {1})
        # What was missing is added.
        server.deliver({'record': r, 'analysis': 'text\n'}, 200)
        self.assertEqual(server.get('/api/v1/crashes/%d/analysis' % answers[0]['id']), b'text\n')

    def test_many_at_once_are_all_counted(self):
        def one(i):
            return server.deliver({'record': record(i, 'many-%02d' % (i % 20), 'g1:BUG:many%d' % (i % 3))}, 201)[0]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(one, range(100, 220)))
        self.assertEqual(len({a['id'] for a in answers}), 120)
        self.assertEqual(sum(a['verdict'] == 'new' for a in answers), 3)
        page = json.loads(server.get('/api/v1/reasons?q=many'))
        self.assertEqual(sorted(r['crashes'] for r in page['reasons']), [40, 40, 40])

    def test_only_the_record(self):
        status, _, data = server.ask('POST', '/api/v1/crashes', json.dumps(record(3, 'json-01', 'g1:BUG:json')),
                                     {'Content-Type': 'application/json'})
        self.assertEqual((status, json.loads(data)['verdict']), (201, 'new'))

    def test_other_versions(self):
        # An agent of the release before sends less, one of the next more.
        old = record(4, 'old-01', 'g1:BUG:versions')
        for key in ('engine', 'gaps', 'tasks', 'stacks', 'dump'):
            del old[key]
        del old['identity']['dmi_serial'], old['system']['uptime_seconds']
        a, _ = server.deliver({'record': old}, 201)
        self.assertEqual(a['schema_known'], True)
        new = record(5, 'new-01', 'g1:BUG:versions', future={'a': [1, 2]})
        new['event']['certainty'] = 0.5
        a, _ = server.deliver({'record': new, 'sbom': 'of the next release'}, 201)
        self.assertEqual((a['verdict'], a['schema_known']), ('known', True))
        self.assertEqual(json.loads(server.get('/api/v1/crashes/%d/record' % a['id'])), new)
        # A version that is not known: kept and marked, whatever its parts are.
        other = record(6, 'next-01', 'g1:BUG:versions', schema='eyrie/crash/2')
        a, _ = server.deliver({'record': other}, 201)
        self.assertEqual((a['verdict'], a['schema_known']), ('known', False))
        other = record(7, 'next-02', schema='eyrie/crash/3', event=['not', 'an', 'object'], dump=7)
        a, _ = server.deliver({'record': other}, 201)
        self.assertEqual(a['schema_known'], False)
        self.assertEqual(json.loads(server.get('/api/v1/crashes/%d/record' % a['id'])), other)
        self.assertIn('version that is not known', shown(a)['title'])

    def test_known_skip(self):
        wants = []
        for i in range(8):
            a, _ = server.deliver({'record': record(300 + i, 'skip-%02d' % i, 'g1:BUG:skip'), 'site': 'skip'}, 201)
            wants.append(a['want'])
        # The first two; each fifth; none of the rest.
        self.assertEqual(wants, ['vmcore', 'vmcore', 'dmesg', 'dmesg', 'vmcore', 'dmesg', 'dmesg', 'dmesg'])
        other = record(310, 'skip-10', 'g1:BUG:skip')
        other['system']['release'] = '6.12.0-1-amd64'
        a, r = server.deliver({'record': other, 'site': 'skip'}, 201)
        # Another kernel: wanted, but the last slot is for what is new.
        self.assertEqual((a['want'], a['upload']), ('later', None))
        self.assertTrue(7 <= a['retry_after'] <= 14)
        self.assertEqual(r.getheader('Retry-After'), str(a['retry_after']))
        a, _ = server.deliver({'record': record(311, 'skip-11', 'g1:BUG:skip-new'), 'site': 'skip'}, 201)
        self.assertEqual(a['want'], 'vmcore')
        a, _ = server.deliver({'record': record(312, 'skip-12', 'g1:BUG:skip-newer'), 'site': 'skip'}, 201)
        self.assertEqual(a['want'], 'later')
        # Who has no dump is not asked for one.
        a, _ = server.deliver({'record': record(313, 'skip-13', 'g1:BUG:no-dump'), 'dump_bytes': '0'}, 201)
        self.assertEqual(a['want'], 'dmesg')


class Hostile(unittest.TestCase):
    def refused(self, parts, words, status=400):
        a, _ = server.deliver(parts, status)
        self.assertIn(words, a['error']['message'])
        self.assertNotIn('\n', a['error']['message'])

    def test_bad_deliveries(self):
        ok = record(400, 'bad-01')
        self.refused({}, 'no part "record"')
        self.refused({'analysis': 'x'}, 'no part "record"')
        self.refused({'record': '{'}, 'not JSON')
        self.refused({'record': b'\xff\xfe'}, 'not JSON')
        self.refused({'record': '{"schema":"eyrie/crash/1","system":{"hostname":"a\xff"}}'.encode('latin-1')}, 'not JSON')
        self.refused({'record': '[' * 100000}, 'record')
        self.refused({'record': '{"schema":"eyrie/crash/1","system":{},"x":%s}' % ('{"a":' * 5000 + '1' + '}' * 5000)}, 'record')
        self.refused({'record': {'schema': 'other/1', 'system': {}}}, 'is not known here')
        self.refused({'record': ok, 'site': '../../etc'}, 'site')
        self.refused({'record': ok, 'site': 'a/b'}, 'site')
        self.refused({'record': ok, 'id': 'x' * 513}, 'id')
        self.refused({'record': ok, 'dump_bytes': '-1'}, 'dump_bytes')
        self.refused({'record': ok, 'analysis': (b'not zstd', 'application/zstd')}, 'zstd frame')
        self.refused({'record': ok, 'analysis': (zstd(b'a' * 9000)[:-3], 'application/zstd')}, 'zstd frame')
        self.refused({'record': ok, 'analysis': (zstd(b'a') + zstd(b'b'), 'application/zstd')}, 'zstd frame')
        damaged = bytearray(zstd(os.urandom(300).hex().encode() * 9))
        damaged[40] ^= 0xff
        self.refused({'record': ok, 'analysis': (bytes(damaged), 'application/zstd')}, 'damaged')
        # 40 MiB of zeros in some kilobytes.
        self.refused({'record': ok, 'dmesg': (zstd(bytes(40 << 20)), 'application/zstd')}, 'at most')
        self.refused({'record': b' ' * (5 << 20)}, 'light record')
        self.refused({'record': dict(ok, event=dict(ok['event'], reason='g1:' + 'x' * 3000))}, 'longer than')
        self.refused({'record': dict(ok, event=dict(ok['event'], reason='\0' * 2000))}, 'longer than')

    def test_bodies_that_are_no_multipart(self):
        for kind, body in (('multipart/form-data', b'x'), ('multipart/form-data; boundary=', b'x'),
                           ('multipart/form-data; boundary=a', b'--a\r\n'), ('multipart/form-data; boundary=a', b''),
                           ('multipart/form-data; boundary=a', b'--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--\r\n'),
                           ('multipart/form-data; boundary=a', b'--a\r\n' + b'x' * 9000),
                           ('multipart/form-data; boundary=a', b'--a\r\nContent-Disposition: form-data; name="record"\r\n\r\n{'),
                           ('multipart/form-data; boundary=' + 'a' * 71, b'--' + b'a' * 71 + b'--'), ('text/plain', b'hello')):
            status, _, data = server.ask('POST', '/api/v1/crashes', body, {'Content-Type': kind})
            self.assertEqual(status, 400, (kind, body[:50], data))
        many = {'p%d' % i: 'x' for i in range(40)}
        self.refused(many, 'too many parts')

    def test_too_large(self):
        s = socket.create_connection(('127.0.0.1', server.port), timeout=30)
        s.sendall(b'POST /api/v1/crashes HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n'
                  b'Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n')
        self.assertIn(b' 413 ', s.recv(4096))
        s.close()
        # Without a length: read on until the limit, not further.
        s = socket.create_connection(('127.0.0.1', server.port), timeout=60)
        s.sendall(b'POST /api/v1/crashes HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n'
                  b'Transfer-Encoding: chunked\r\n\r\n')
        piece = b'100000\r\n' + b'x' * (1 << 20) + b'\r\n'
        sent = 0
        try:
            while sent < 100:
                s.sendall(piece)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
        s.close()
        self.assertLess(sent, 60)
        server.get('/healthz')

    def test_half_closed_and_silent(self):
        kept = []
        for n in range(6):
            s = socket.create_connection(('127.0.0.1', server.port), timeout=30)
            s.sendall(b'POST /api/v1/crashes HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n'
                      b'Content-Length: 5000\r\n\r\n--a\r\nContent-')
            if n % 2:
                s.shutdown(socket.SHUT_WR)
                kept.append(s) # the server gives it up after a while
            else:
                s.close()
        server.get('/healthz')
        server.deliver({'record': record(402, 'half-01', 'g1:BUG:half')}, 201)
        for s in kept:
            s.close()

    def test_every_string_is_only_text(self):
        nasty = "'; DROP TABLE crashes; --<script>alert(1)</script>\u202e\U0001f41b\\\"%s"
        r = record(401, '../../../etc/passwd', 'g1:' + nasty)
        for key in ('title', 'function', 'guilty', 'signature'):
            r['event'][key] = nasty
        r['event']['comm'] = nasty
        r['system']['release'] = r['system']['version'] = nasty
        r['inventory'] = {k: nasty for k in ('vendor', 'product', 'bios_version', 'bios_date')}
        r['identity']['machine_id'] = r['identity']['boot_id'] = '../' * 8
        r['identity']['dmi_uuid'] = nasty
        a, _ = server.deliver({'record': r, 'id': '../../../x', 'analysis': nasty}, 201)
        self.assertRegex(a['path'], r'^north/[^/]+/20261123T140641Z-[0-9a-f]{16}$')
        self.assertNotIn('..', a['path'].split('/'))
        crash = shown(a)
        self.assertEqual((crash['title'], crash['kernel']), (nasty, nasty))
        self.assertEqual(server.get('/api/v1/crashes/%d/analysis' % a['id']), nasty.encode())


class Uploads(unittest.TestCase):
    def crash(self, number, **parts):
        a, _ = server.deliver(dict({'record': record(number, 'up-%d' % number, 'g1:BUG:up%d' % number),
                                    'site': 'up%d' % number, 'analysis': 'analysis\n'}, **parts), 201)
        self.assertEqual(a['want'], 'vmcore')
        return a

    def create(self, crash, dump, sha256=None, status=201, length=None):
        meta = 'crash %s,filename %s' % (b64(str(crash['id'])), b64('vmcore'))
        if sha256 is not False:
            meta += ',sha256 ' + b64(sha256 or hashlib.sha256(dump).hexdigest())
        got, r, data = server.ask('POST', '/api/v1/uploads', None,
                                  dict(TUS, **{'Upload-Length': str(length or len(dump)), 'Upload-Metadata': meta}))
        self.assertEqual(got, status, data)
        return r.getheader('Location')

    def offset(self, place):
        status, r, _ = server.ask('HEAD', place, None, TUS)
        self.assertEqual(status, 200)
        return int(r.getheader('Upload-Offset'))

    def piece(self, place, offset, data, checksum=None, **headers):
        h = dict(TUS, **{'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': str(offset)}, **headers)
        if checksum:
            h['Upload-Checksum'] = 'sha256 ' + b64(hashlib.sha256(checksum).digest())
        status, r, body = server.ask('PATCH', place, data, h)
        return status, r, body

    def assert_filed(self, crash, dump):
        folder = os.path.join(server.root, crash['path'])
        with open(os.path.join(folder, 'vmcore'), 'rb') as f:
            self.assertEqual(f.read(), dump)
        subprocess.run(['sha256sum', '--quiet', '-c', 'checksums'], cwd=folder, check=True)
        with open(os.path.join(folder, 'analysis.txt')) as f:
            self.assertEqual(f.read(), 'analysis\n')
        now = shown(crash)
        self.assertEqual((now['dump']['state'], now['dump']['bytes']), ('kept', len(dump)))

    def test_options(self):
        status, r, _ = server.ask('OPTIONS', '/api/v1/uploads')
        self.assertEqual((status, r.getheader('Tus-Version')), (204, '1.0.0'))
        self.assertEqual(r.getheader('Tus-Extension'), 'creation,checksum,termination,expiration')

    def test_pieces(self):
        crash, dump = self.crash(500), os.urandom(300000)
        place = self.create(crash, dump)
        self.assertEqual(self.create(crash, dump, status=200), place)
        self.assertEqual(self.offset(place), 0)
        status, r, _ = self.piece(place, 0, dump[:100000], dump[:100000])
        self.assertEqual((status, r.getheader('Upload-Offset')), (204, '100000'))
        self.assertEqual(self.piece(place, 5, b'x')[0], 409)
        self.assertEqual(self.piece(place, 100000, dump[100000:200000], b'other')[0], 460)
        self.assertEqual(self.offset(place), 100000)
        self.assertEqual(self.piece(place, 100000, dump[100000:] + b'x')[0], 413)
        status, r, _ = self.piece(place, 100000, dump[100000:])
        self.assertEqual((status, r.getheader('Upload-Offset')), (204, '300000'))
        self.assert_filed(crash, dump)
        self.assertEqual(server.ask('HEAD', place, None, TUS)[0], 404)
        self.create(crash, dump, status=409)
        a, _ = server.deliver({'record': record(500, 'up-500', 'g1:BUG:up500'), 'site': 'up500'}, 200)
        self.assertEqual((a['id'], a['verdict'], a['want']), (crash['id'], 'double', 'dmesg'))

    def test_wrong_dump(self):
        crash, dump = self.crash(501), os.urandom(5000)
        place = self.create(crash, dump, hashlib.sha256(b'other').hexdigest())
        self.assertEqual(self.piece(place, 0, dump)[0], 460)
        self.assertEqual(server.ask('HEAD', place, None, TUS)[0], 404)
        self.assertFalse(os.path.exists(os.path.join(server.root, crash['path'], 'vmcore')))
        place = self.create(crash, dump)
        self.assertEqual(self.piece(place, 0, dump)[0], 204)
        self.assert_filed(crash, dump)

    def test_cut_and_killed_at_any_byte(self):
        crash, dump = self.crash(502), os.urandom(400000)
        place = self.create(crash, dump)
        while True:
            at = self.wait_unlocked(place)
            if at == len(dump):
                break
            s = socket.create_connection(('127.0.0.1', server.port), timeout=30)
            s.sendall(('PATCH %s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n'
                       'Content-Type: application/offset+octet-stream\r\n\r\n' % (place, at, len(dump) - at)).encode())
            s.sendall(dump[at:at + 90001])
            if at > 100000:
                if at + 90001 >= len(dump):
                    s.recv(1000)
                server.kill()
                server.start()
            s.close()
            new = self.wait_unlocked(place)
            self.assertLessEqual(new, at + 90001)
            if new == len(dump):
                break
        self.assert_filed(crash, dump)

    def wait_unlocked(self, place):
        """A connection that was cut may be noticed, or even begin, a little later; a whole one is gone (404)."""
        while True:
            status, r, _ = server.ask('HEAD', place, None, TUS)
            if status == 404:
                return 400000
            if status == 200:
                return int(r.getheader('Upload-Offset'))
            self.assertEqual(status, 423)
            time.sleep(0.05)

    def test_whole_when_killed_before_it_was_filed(self):
        crash, dump = self.crash(503), os.urandom(5000)
        place = self.create(crash, dump)
        folder = os.path.join(server.root, '.eyrie-tmp-uploads')
        with open(os.path.join(folder, place.split('/')[-1]), 'wb') as f:
            f.write(dump)
        self.assertEqual(self.offset(place), len(dump))
        self.assert_filed(crash, dump)

    def test_end(self):
        crash = self.crash(504)
        place = self.create(crash, b'x' * 100)
        self.assertEqual(self.piece(place, 0, b'x' * 50)[0], 204)
        self.assertEqual(server.ask('DELETE', place, None, TUS)[0], 204)
        self.assertEqual(server.ask('DELETE', place, None, TUS)[0], 404)
        self.assertEqual(self.piece(place, 50, b'x' * 50)[0], 404)
        self.assertEqual(os.listdir(os.path.join(server.root, '.eyrie-tmp-uploads')), [])

    def test_what_is_refused(self):
        crash = self.crash(505)
        self.assertEqual(server.ask('POST', '/api/v1/uploads', None, {'Upload-Length': '5'})[0], 412)
        for length, meta in ((None, 'crash ' + b64('1')), ('x', 'crash ' + b64('1')), ('0', 'crash ' + b64('1')), ('5', None),
                             ('5', 'crash'), ('5', 'crash ' + b64('../1')), ('5', 'crash !!!!'),
                             ('5', 'crash %s,filename %s' % (b64(str(crash['id'])), b64('../../etc/passwd'))),
                             ('5', 'crash %s,sha256 %s' % (b64(str(crash['id'])), b64('zz')))):
            h = dict(TUS)
            if length:
                h['Upload-Length'] = length
            if meta:
                h['Upload-Metadata'] = meta
            self.assertEqual(server.ask('POST', '/api/v1/uploads', None, h)[0], 400, (length, meta))
        self.create({'id': 999999}, b'x', status=404)
        self.create(crash, b'x', status=413, length=1 << 45)
        self.create(crash, b'x', status=507, length=1 << 43)
        place = self.create(crash, b'x' * 10)
        self.assertEqual(self.piece(place, 0, b'x', **{'Upload-Checksum': 'md5 abcd'})[0], 400)
        self.assertEqual(self.piece(place, 0, b'x', **{'Upload-Checksum': 'sha256 abcd'})[0], 400)
        status, _, _ = server.ask('PATCH', place, b'x', dict(TUS, **{'Upload-Offset': '0', 'Content-Type': 'text/plain'}))
        self.assertEqual(status, 415)
        for bad in ('/api/v1/uploads/../../x', '/api/v1/uploads/%2e%2e', '/api/v1/uploads/' + 'a' * 32, '/api/v1/uploads/' + 'a' * 300):
            c = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60)
            c.request('GET', bad, None, TUS)
            self.assertEqual(c.getresponse().status, 404, bad)
            c.close()


class Trouble(unittest.TestCase):
    @unittest.skipIf(os.environ.get('EYRIE_TEST_POSTGRES'), 'a file that can be locked')
    def test_a_locked_database_is_503_and_nothing_is_lost(self):
        import sqlite3
        lock = sqlite3.connect(os.path.join(temp.name, 'eyrie.db'), isolation_level=None)
        r = record(600, 'lock-01', 'g1:BUG:lock')
        lock.execute('BEGIN IMMEDIATE')
        answer, response = server.deliver({'record': r}, 503)
        self.assertTrue(int(response.getheader('Retry-After')) > 0)
        lock.execute('ROLLBACK')
        lock.close()
        self.assertEqual(server.deliver({'record': r}, 201)[0]['verdict'], 'new')

    def test_what_was_confirmed_survives_a_kill(self):
        confirmed = []

        def one(i):
            try:
                confirmed.append(server.deliver({'record': record(700 + i, 'kill-%d' % i, 'g1:BUG:kill')}, 201)[0]['id'])
            except (OSError, http.client.HTTPException):
                pass
            if len(confirmed) == 30:
                server.process.kill()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(90)))
        server.kill()
        server.start()
        self.assertGreaterEqual(len(confirmed), 30)
        for crash in confirmed:
            server.get('/api/v1/crashes/%d' % crash)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
