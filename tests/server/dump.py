#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that are downloaded from eyried: whole, in parts, sealed, damaged, gone; by whom.

    dump.py EYRIED EYRIE OPENAPI SAMPLE

The repository is a folder, or what EYRIE_TEST_S3 of with_s3.py names.
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import openapi  # noqa: E402

EYRIED, EYRIE, OPENAPI, SAMPLE = sys.argv[1:5]
PASSWORD = 'correct horse battery'
S3 = os.environ.get('EYRIE_TEST_S3')
TUS = {'Tus-Resumable': '1.0.0'}
document = openapi.Document(OPENAPI)


def database(folder):
    address = os.environ.get('EYRIE_TEST_POSTGRES')
    if not address:
        return 'path = %s/eyrie.db' % folder
    schema = re.sub(r'\W', '_', folder).lower()
    subprocess.run(['psql', '-q', '-c', 'CREATE SCHEMA "%s"' % schema, address], check=True)
    return "connection = %s options='-c search_path=%s'" % (address, schema)


def s3(method, path, body=b''):
    """One signed request to the store, behind eyried's back."""
    def sign(key, text):
        return hmac.new(key, text.encode(), hashlib.sha256).digest()
    host = os.environ['AWS_ENDPOINT_URL'].split('//')[1]
    now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')
    names, content = 'host;x-amz-content-sha256;x-amz-date', hashlib.sha256(body).hexdigest()
    request = '%s\n%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s' % (method, path, host, content, now, names, content)
    scope = '%s/%s/s3/aws4_request' % (now[:8], os.environ['AWS_REGION'])
    text = 'AWS4-HMAC-SHA256\n%s\n%s\n%s' % (now, scope, hashlib.sha256(request.encode()).hexdigest())
    key = ('AWS4' + os.environ['AWS_SECRET_ACCESS_KEY']).encode()
    for part in (now[:8], os.environ['AWS_REGION'], 's3', 'aws4_request'):
        key = sign(key, part)
    c = http.client.HTTPConnection(host, timeout=60)
    c.request(method, path, body or None, {
        'x-amz-content-sha256': content, 'x-amz-date': now,
        'Authorization': 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (
            os.environ['AWS_ACCESS_KEY_ID'], scope, names, hmac.new(key, text.encode(), hashlib.sha256).hexdigest())})
    r = c.getresponse()
    data = r.read()
    c.close()
    assert r.status in (200, 204), (method, path, r.status, data)
    return data


class Case(unittest.TestCase):
    seal = False

    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix='eyrie-dump-')
        self.addCleanup(self.temp.cleanup)
        self.folder = self.temp.name
        self.root = '%s/%s' % (S3, os.path.basename(self.folder)) if S3 else self.folder + '/repository'
        repository = 'path = %s\nsite = north\nuploads = %s/uploads\n' % (self.root, self.folder)
        if self.seal:
            subprocess.run([EYRIE, 'seal', 'keygen', self.folder + '/center'], check=True, stdout=subprocess.DEVNULL)
            repository += 'seal_to = %s/center.pub\n' % self.folder
        if not S3:
            os.mkdir(self.root)
        self.conf = self.folder + '/eyrie.conf'
        with open(self.conf, 'w') as f:
            f.write('[repository]\n%s[database]\n%s\n[server]\nlisten = 127.0.0.1:0\npopulate_interval = 0\n' % (
                repository, database(self.folder)))
        self.number, self.token = 0, None
        self.process = subprocess.Popen([EYRIED, 'serve', '--config', self.conf], stderr=subprocess.PIPE, text=True)
        self.log = ''
        while 'console and API at' not in self.log:
            line = self.process.stderr.readline()
            assert line, 'eyried did not start: ' + self.log
            self.log += line
        self.port = int(re.search(r':(\d+)/', self.log).group(1))
        self.addCleanup(self.stop)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.log += self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.wait(60) == 0, self.log
        assert 'Sanitizer' not in self.log and 'runtime error' not in self.log, self.log
        assert 'leaving without it' not in self.log, self.log

    def command(self, *args, given=None, now=None):
        environment = dict(os.environ, EYRIE_NOW=now) if now else None
        r = subprocess.run([EYRIED, *args, '--config', self.conf], input=given, capture_output=True, text=True, env=environment)
        assert r.returncode == 0, (args, r.stdout, r.stderr)
        return r.stdout.strip()

    def ask(self, method, path, body=None, **headers):
        h = {k.replace('_', '-'): v for k, v in headers.items()}
        if self.token:
            h.setdefault('Authorization', 'Bearer ' + self.token)
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)
        c.request(method, path, body, h)
        r = c.getresponse()
        try:
            data = r.read()
        finally:
            c.close()
        document.check_answer(method, path, r.status, r.getheader('Content-Type'), data)
        return r.status, r, data

    def json(self, path):
        status, _, data = self.ask('GET', path)
        self.assertEqual(status, 200, data)
        return json.loads(data)

    def crash(self, size=1000):
        """A crash that says that it has a dump; its id."""
        self.number += 1
        record = {'schema': 'eyrie/crash/1', 'engine': 'native', 'gaps': [], 'log': 'x\n', 'tasks': [], 'stacks': [],
                  'identity': {'hostname': 'web-01', 'machine_id': '0123456789abcdef' * 2, 'boot_id': '%032x' % self.number,
                               'dmi_uuid': None, 'dmi_serial': None},
                  'dump': {'format': 'kdump', 'bytes': size, 'complete': True},
                  'system': {'hostname': 'web-01', 'release': '6.1.0', 'crash_time': '2026-11-22T12:00:%02dZ' % self.number,
                             'uptime_seconds': 5.0}, 'event': None}
        status, _, data = self.ask('POST', '/api/v1/crashes', json.dumps(record), Content_Type='application/json')
        self.assertEqual(status, 201, data)
        return json.loads(data)['id']

    def filed(self, dump):
        """A crash with its dump in the repository."""
        crash = self.crash(len(dump))
        meta = ','.join('%s %s' % (k, base64.b64encode(v.encode()).decode()) for k, v in (
            ('crash', str(crash)), ('filename', 'vmcore'), ('sha256', hashlib.sha256(dump).hexdigest())))
        status, r, data = self.ask('POST', '/api/v1/uploads', None, Tus_Resumable='1.0.0', Upload_Length=str(len(dump)), Upload_Metadata=meta)
        self.assertEqual(status, 201, data)
        status, _, data = self.ask('PATCH', r.getheader('Location'), dump, Tus_Resumable='1.0.0', Upload_Offset='0',
                                   Content_Type='application/offset+octet-stream')
        self.assertEqual(status, 204, data)
        return crash

    def dump(self, crash, method='GET', **headers):
        return self.ask(method, '/api/v1/crashes/%d/dump' % crash, **headers)

    def shown(self, crash):
        return self.json('/api/v1/crashes/%d' % crash)

    def put(self, crash, data):
        """Another file in place of the dump (None: none), by somebody who keeps no checksums."""
        path = self.shown(crash)['crash']['path'] + '/vmcore'
        if S3:
            s3('DELETE' if data is None else 'PUT', '/%s/%s/%s' % (S3[5:], os.path.basename(self.folder), path), data or b'')
        elif data is None:
            os.unlink(os.path.join(self.root, path))
        else:
            with open(os.path.join(self.root, path), 'r+b') as f:
                f.write(data)

    def refused(self, crash, status, *words):
        got, _, data = self.dump(crash)
        self.assertEqual(got, status, data[:300])
        message = json.loads(data)['error']['message']
        for word in words:
            self.assertIn(word, message)

    def audit(self):
        return [(r['who'], r['object'], r['detail']) for r in self.json('/api/v1/audit?action=dump.download')['audit']]


class Download(Case):
    def test_a_dump_comes_as_it_lies_there(self):
        for size in (3000000, 70000):
            dump = os.urandom(size)
            crash = self.filed(dump)
            status, r, data = self.dump(crash)
            self.assertEqual((status, r.getheader('Content-Length'), r.getheader('Content-Type')), (200, str(size), 'application/octet-stream'))
            self.assertEqual(data, dump)
            digest = base64.b64encode(hashlib.sha256(dump).digest()).decode()
            self.assertEqual(r.getheader('Repr-Digest'), 'sha-256=:%s:' % digest)
            self.assertEqual(r.getheader('Content-Disposition'), 'attachment; filename="crash-%d-vmcore"' % crash)
            self.assertEqual((r.getheader('Accept-Ranges'), r.getheader('Cache-Control')), ('bytes', 'private, no-store'))
            before = self.audit()
            etag = r.getheader('ETag')
            status, r, data = self.dump(crash, 'HEAD')
            self.assertEqual((status, r.getheader('Content-Length'), r.getheader('ETag'), data), (200, str(size), etag, b''))
            status, r, data = self.dump(crash, If_None_Match=etag)
            self.assertEqual((status, r.getheader('ETag'), data), (304, etag, b''))
            # Nothing of the dump went out by these.
            self.assertEqual(self.audit(), before)

    def test_parts(self):
        dump = os.urandom(2500000)
        n, crash = len(dump), self.filed(dump)
        etag = self.dump(crash, 'HEAD')[1].getheader('ETag')
        for text, first, last in (('bytes=0-9', 0, 9), ('bytes=1048570-1048590', 1048570, 1048590), ('bytes=2499999-', n - 1, n - 1),
                                  ('bytes=5-', 5, n - 1), ('bytes=-7', n - 7, n - 1), ('bytes=-9999999', 0, n - 1),
                                  ('bytes=100-99999999999999999999999', 100, n - 1), ('BYTES=3-3', 3, 3)):
            for more in ({}, {'If_Range': etag}):
                status, r, data = self.dump(crash, Range=text, **more)
                self.assertEqual((status, r.getheader('Content-Range')), (206, 'bytes %d-%d/%d' % (first, last, n)), text)
                self.assertEqual(data, dump[first:last + 1], text)
        for text in ('bytes=%d-' % n, 'bytes=-0', 'bytes=99999999999999999999999-'):
            status, r, _ = self.dump(crash, Range=text)
            self.assertEqual((status, r.getheader('Content-Range')), (416, 'bytes */%d' % n), text)
        for text in ('bytes=0-1,5-6', 'bytes=9-3', 'bytes=x-', 'bytes=', 'bytes=-', 'bytes=+1-2', 'bytes= 1-2', 'lines=1-2', 'bytes=1-2x'):
            status, _, data = self.dump(crash, Range=text)
            self.assertEqual((status, data == dump), (200, True), text)
        status, _, data = self.dump(crash, Range='bytes=5-', If_Range='"another"')
        self.assertEqual((status, data == dump), (200, True))

    def test_a_dump_without_checksum_comes_unpromised(self):
        if S3:
            self.skipTest('writes into the folder')
        dump = os.urandom(5000)
        crash = self.filed(dump)
        os.unlink(os.path.join(self.root, self.shown(crash)['crash']['path'], 'checksums'))
        status, r, data = self.dump(crash)
        self.assertEqual((status, r.getheader('Repr-Digest'), data), (200, None, dump))
        self.assertEqual(self.dump(crash, If_None_Match=r.getheader('ETag'))[0], 304)

    def test_what_is_gone_is_told(self):
        self.assertEqual(self.dump(4711)[0], 404)
        self.assertEqual(self.ask('GET', '/api/v1/crashes/1/dump?no_such=1')[0], 400)
        self.refused(self.crash(0), 404, 'came without a dump')
        self.refused(self.crash(), 404, 'did not come')
        crash = self.filed(os.urandom(5000))
        day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=100)
        self.command('purge', now=str(int(day.timestamp())))
        self.refused(crash, 404, 'was removed at ' + day.strftime('%Y-%m-%d'), 'retention: ')
        self.assertEqual(self.audit(), [])


class Damage(Case):
    def damaged(self, crash, what):
        self.assertEqual(self.shown(crash)['dump_state']['damage'], 'vmcore: ' + what)
        self.refused(crash, 500, 'is damaged', what)
        self.assertEqual(self.dump(crash, Range='bytes=0-5')[0], 500)

    def test_a_damaged_dump_is_never_served_as_good(self):
        dump = os.urandom(200000)
        crash = self.filed(dump)
        self.put(crash, dump[:100000] + b'!' + dump[100001:])
        self.refused(crash, 500, 'is damaged', 'its checksum differs')
        self.damaged(crash, 'its checksum differs')
        self.assertEqual(self.audit(), [])
        # Mended, and found so by the scrub.
        self.put(crash, dump)
        self.command('scrub', '--every', '0')
        self.assertEqual(self.dump(crash)[2], dump)

    def test_a_large_damaged_dump_never_arrives_whole(self):
        dump = os.urandom(20000000)
        crash = self.filed(dump)
        self.put(crash, dump[:-1] + bytes([dump[-1] ^ 1]))
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.dump(crash)
        self.assertLess(len(caught.exception.partial), len(dump))
        self.damaged(crash, 'its checksum differs')

    def test_a_missing_dump_is_damage(self):
        crash = self.filed(os.urandom(5000))
        self.put(crash, None)
        self.refused(crash, 500, 'it is missing')
        self.damaged(crash, 'it is missing')


class Sealed(Case):
    seal = True

    def test_a_sealed_dump_stays_sealed(self):
        dump = os.urandom(1500000)
        crash = self.filed(dump)
        status, r, data = self.dump(crash)
        self.assertEqual((status, r.getheader('Content-Disposition')), (200, 'attachment; filename="crash-%d-vmcore.sealed"' % crash))
        self.assertNotIn(dump[:64], data)
        self.assertRegex(self.audit()[0][2], r'^\d+ bytes from 0 of \d+, sealed$')
        with open(self.folder + '/sealed', 'wb') as f:
            f.write(data)
        subprocess.run([EYRIE, 'unseal', '--key', self.folder + '/center.key', self.folder + '/sealed', self.folder + '/plain'], check=True)
        with open(self.folder + '/plain', 'rb') as f:
            self.assertEqual(f.read(), dump)


class People(Case):
    def sign_in(self, name):
        self.token = None
        status, r, _ = self.ask('POST', '/api/v1/session', json.dumps({'name': name, 'password': PASSWORD}), Content_Type='application/json')
        self.assertEqual(status, 200)
        return r.getheader('Set-Cookie').split(';')[0]

    def test_only_who_may_download_gets_dumps_and_each_is_in_the_audit_log(self):
        dump = os.urandom(30000)
        crash = self.filed(dump)
        for name, role, more in (('vera', 'viewer', ()), ('emil', 'engineer', ()), ('olga', 'operator', ()), ('root', 'administrator', ()),
                                 ('gina', 'viewer', ('--grant', 'download'))):
            self.command('user', 'add', name, '--role', role, *more, given=PASSWORD + '\n')
        expected = []
        self.assertEqual(self.dump(crash)[0], 401)
        for name, status in (('vera', 403), ('emil', 403), ('olga', 403), ('root', 200), ('gina', 200)):
            cookie = self.sign_in(name)
            got, _, data = self.dump(crash, Cookie=cookie)
            self.assertEqual(got, status, name)
            if status == 200:
                self.assertEqual(data, dump)
                self.assertEqual(self.dump(crash, Cookie=cookie, Range='bytes=100-199')[2], dump[100:200])
                expected += [(name, str(crash), '30000 bytes from 0 of 30000'), (name, str(crash), '100 bytes from 100 of 30000')]
            else:
                self.assertNotIn(dump[:100], data)
        viewer = self.command('token', 'add', 'ci', '--user', 'root', '--scope', 'view')
        robot = self.command('token', 'add', 'fetch', '--user', 'gina', '--scope', 'download')
        self.assertEqual(self.dump(crash, Authorization='Bearer ' + viewer)[0], 403)
        self.assertEqual(self.dump(crash, Authorization='Bearer ' + robot)[2], dump)
        self.assertEqual(self.ask('GET', '/api/v1/crashes', Authorization='Bearer ' + robot)[0], 403)
        expected.append(('gina', str(crash), '30000 bytes from 0 of 30000'))
        self.token = self.command('token', 'add', 'audit', '--user', 'root', '--scope', 'administer')
        self.assertEqual(self.audit(), expected[::-1])

    def test_a_host_never_reads_back_what_it_sent(self):
        crash = self.filed(os.urandom(5000))
        self.command('user', 'add', 'root', '--role', 'administrator', given=PASSWORD + '\n')
        key = self.command('enroll-key', 'add', 'rack 7', '--site', 'north')
        status, _, data = self.ask('POST', '/api/v1/enroll', json.dumps({'hostname': 'web-01', 'machine_id': '0123456789abcdef' * 2}),
                                   Content_Type='application/json', Authorization='Bearer ' + key)
        self.assertEqual(status, 201, data)
        self.assertEqual(self.dump(crash, Authorization='Bearer ' + json.loads(data)['token'])[0], 403)


def elf(build_id):
    """An ELF file with a build id and, it says, debuginfo: what a vmlinux is recognized by."""
    note = struct.pack('<III4s', 4, len(build_id), 3, b'GNU\0') + build_id
    names = b'\0.note.gnu.build-id\0.debug_info\0.shstrtab\0'
    sections = [(0, 0, 0, 0), (1, 7, 64, len(note)), (20, 1, 64, 0), (32, 3, 64 + len(note), len(names))]
    header = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\2\1\1', 2, 62, 1, 0, 0, 64 + len(note) + len(names), 0, 64, 0, 0, 64,
                         len(sections), 3)
    table = b''.join(struct.pack('<IIQQQQIIQQ', n, t, 0, 0, off, size, 0, 0, 1, 0) for n, t, off, size in sections)
    return header + note + names + table


class Cutter:
    """A line to the center that breaks: of the answer with the number `cut` only so many bytes come through."""

    def __init__(self, port, cuts):
        self.port, self.cuts, self.connections = port, cuts, []
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d' % self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            left = self.cuts.pop(0) if self.cuts else None
            server = socket.create_connection(('127.0.0.1', self.port))
            threading.Thread(target=self.copy, args=(client, server, None), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, left), daemon=True).start()

    @staticmethod
    def copy(source, target, left):
        try:
            while left is None or left > 0:
                data = source.recv(65536 if left is None else min(65536, left))
                if not data:
                    break
                target.sendall(data)
                left = left if left is None else left - len(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class OpenCase(Case):
    """eyrie crash open, with a real dump."""

    def setUp(self):
        super().setUp()
        with open(SAMPLE, 'rb') as f:
            self.sample = f.read()
        crash = self.folder + '/crash'
        with open(crash, 'w') as f:
            # What crash would find: its arguments, who may read the dump, and what is in it.
            f.write('#!/bin/sh\n(echo "$@"; stat -Lc %%a "$2"; sha256sum < "$2") > %s/seen\nexit ${FAKE_EXIT:-0}\n' % self.folder)
        os.chmod(crash, 0o755)
        self.client = self.folder + '/client.conf'
        with open(self.client, 'w') as f:
            f.write('[client]\nurl = http://127.0.0.1:%d\n[symbols]\npath = %s/symbols\n[analysis]\ncrash = %s\ndebug_path = %s/none\n'
                    % (self.port, self.folder, crash, self.folder))

    def eyrie(self, *args, code=0, **more):
        os.makedirs(self.folder + '/tmp', exist_ok=True)
        r = subprocess.run([EYRIE, 'crash', 'open', '--config', self.client, *args], capture_output=True, text=True,
                           env=dict(os.environ, TMPDIR=self.folder + '/tmp', **more))
        self.assertEqual(r.returncode, code, r.stderr)
        self.assertNotIn('Sanitizer', r.stderr)
        self.assertEqual(os.listdir(self.folder + '/tmp'), [])
        return r.stderr

    def vmlinux(self, message):
        """Add what a refusal named as missing to the store of symbols."""
        build_id = re.search(r'\b[0-9a-f]{40}\b', message).group(0)
        path = self.folder + '/vmlinux'
        with open(path, 'wb') as f:
            f.write(elf(bytes.fromhex(build_id)))
        with open(self.conf) as f:
            symbols = '' if '[symbols]' in f.read() else '[symbols]\npath = %s/symbols\n' % self.folder
        with open(self.conf, 'a') as f:
            f.write(symbols)
        self.command('symbols', 'add', path)
        return path

    def seen(self):
        with open(self.folder + '/seen') as f:
            arguments, mode, digest = f.read().splitlines()
        self.assertEqual((mode, digest.split()[0]), ('600', hashlib.sha256(self.sample).hexdigest()))
        return arguments.split()


class Open(OpenCase):
    def test_crash_is_started_on_the_dump(self):
        crash = str(self.filed(self.sample))
        message = self.eyrie(crash, code=2)
        vmlinux = self.vmlinux(message)
        self.eyrie(crash)
        self.assertTrue(self.seen()[0].startswith(self.folder + '/symbols/.build-id/'))
        os.rename(self.folder + '/symbols', self.folder + '/elsewhere')
        self.eyrie('--vmlinux', vmlinux, crash, '--', '-i', 'commands')
        self.assertEqual(self.seen()[0:1] + self.seen()[2:], [vmlinux, '-i', 'commands'])
        self.eyrie('--symbols', self.folder + '/elsewhere', crash)
        self.assertIn('exit status 5', self.eyrie('--vmlinux', vmlinux, crash, code=2, FAKE_EXIT='5'))
        # Another kernel's is refused before crash could show nonsense.
        with open(vmlinux, 'wb') as f:
            f.write(elf(b'x' * 20))
        self.eyrie('--vmlinux', vmlinux, crash, code=2)
        os.makedirs(self.folder + '/bin')
        os.rename(self.folder + '/crash', self.folder + '/bin/drgn')
        self.eyrie('--symbols', self.folder + '/elsewhere', '--with', 'drgn', crash, PATH=self.folder + '/bin:' + os.environ['PATH'])
        arguments = self.seen()
        self.assertEqual((arguments[0], arguments[2]), ('-c', '-s'))

    def test_a_broken_line_is_taken_up_again(self):
        crash = self.filed(self.sample)
        # Of three connections so much arrives.
        line = Cutter(self.port, [3000000, 70, 5000000])
        self.addCleanup(line.socket.close)
        out = self.folder + '/out'
        self.eyrie('--center', line.url, '--output', out, str(crash))
        with open(out, 'rb') as f:
            self.assertEqual(f.read(), self.sample)
        self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), 0o600)
        offsets = [int(re.search(r'from (\d+)', r[2]).group(1)) for r in self.audit()][::-1]
        self.assertEqual((offsets[0], offsets == sorted(offsets)), (0, True))
        self.assertGreater(offsets[-1], 5000000)

    def test_a_killed_download_goes_on(self):
        crash = self.filed(self.sample)
        etag = self.dump(crash, 'HEAD')[1].getheader('ETag').strip('"')
        out = self.folder + '/out'
        part = '%s.%s.part' % (out, etag)
        with open(part, 'wb') as f:
            f.write(self.sample[:4000000])
        self.eyrie('--output', out, str(crash))
        with open(out, 'rb') as f:
            self.assertEqual(f.read(), self.sample)
        self.assertFalse(os.path.exists(part))
        self.assertIn(' from 4000000 of ', self.audit()[0][2])
        # What lay there was not of this dump: it is found out, and thrown away.
        os.unlink(out)
        with open(part, 'wb') as f:
            f.write(b'x' * 4000000)
        self.assertIn('checksum', self.eyrie('--output', out, str(crash), code=2))
        self.assertEqual((os.path.exists(out), os.path.exists(part)), (False, False))

    def test_what_cannot_be_had_is_one_sentence(self):
        self.assertIn('there is no crash', self.eyrie('4711', code=2))
        self.assertIn('came without a dump', self.eyrie(str(self.crash(0)), code=2))
        crash = self.filed(b'no dump at all' * 100)
        self.eyrie(str(crash), code=2)
        self.put(crash, b'x')
        self.assertIn('is damaged', self.eyrie('--output', self.folder + '/out', str(crash), code=2))
        self.assertFalse(os.path.exists(self.folder + '/out'))
        self.eyrie('--center', 'http://127.0.0.1:1', str(crash), code=3)
        for arguments in ((), ('x',), ('--with', 'gdb', '1'), ('--output', 'x', '1', '--', '-i'), ('--no-such', '1'), ('-1',)):
            self.eyrie(*arguments, code=1)
        self.command('user', 'add', 'vera', '--role', 'viewer', given=PASSWORD + '\n')
        token = self.folder + '/token'
        with open(token, 'w', opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(self.command('token', 'add', 'ci', '--user', 'vera', '--scope', 'view') + '\n')
        self.assertIn('403', self.eyrie('--token-file', token, str(crash), code=2))


class OpenSealed(OpenCase):
    seal = True

    def test_a_sealed_dump_is_unsealed_for_crash(self):
        crash = str(self.filed(self.sample))
        key = self.folder + '/center.key'
        out = self.folder + '/out'
        self.assertIn('is sealed', self.eyrie('--output', out, crash))
        with open(out, 'rb') as f:
            self.assertNotIn(self.sample[:4096], f.read())
        self.eyrie('--output', out, '--key', key, crash)
        with open(out, 'rb') as f:
            self.assertEqual(f.read(), self.sample)
        vmlinux = self.vmlinux(self.eyrie('--key', key, crash, code=2))
        self.eyrie('--key', key, '--vmlinux', vmlinux, crash)
        self.seen()
        subprocess.run([EYRIE, 'seal', 'keygen', self.folder + '/other'], check=True, stdout=subprocess.DEVNULL)
        self.eyrie('--key', self.folder + '/other.key', '--vmlinux', vmlinux, crash, code=2)


@unittest.skipIf(S3, 'makes a large file with a hole')
class Large(Case):
    BYTES = 400 << 20

    def setUp(self):
        super().setUp()
        self.crash_id = self.filed(b'x' * 5000)
        folder = os.path.join(self.root, self.shown(self.crash_id)['crash']['path'])
        os.truncate(folder + '/vmcore', self.BYTES)
        digest = subprocess.run(['sha256sum', folder + '/vmcore'], capture_output=True, text=True, check=True).stdout[:64]
        with open(folder + '/checksums') as f:
            sums = [line for line in f if not line.endswith('  vmcore\n')]
        with open(folder + '/checksums', 'w') as f:
            f.write(''.join(sums) + digest + '  vmcore\n')

    def memory(self):
        with open('/proc/%d/status' % self.process.pid) as f:
            return int(re.search(r'VmRSS:\s+(\d+) kB', f.read()).group(1)) << 10

    def open(self):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)
        c.request('GET', '/api/v1/crashes/%d/dump' % self.crash_id)
        return c, c.getresponse()

    def test_a_large_dump_is_not_in_memory(self):
        before, seen, most = self.memory(), 0, 0
        c, r = self.open()
        while True:
            piece = r.read(1 << 20)
            if not piece:
                break
            seen += len(piece)
            most = max(most, self.memory())
        c.close()
        self.assertEqual(seen, self.BYTES)
        self.assertLess(most - before, self.BYTES // 4)

    def test_who_does_not_read_stops_nobody(self):
        held = [self.open() for _ in range(16)]
        self.assertEqual({r.status for _, r in held}, {200})
        status, r, data = self.dump(self.crash_id)
        self.assertEqual((status, r.getheader('Retry-After') is not None), (503, True), data)
        self.assertEqual(self.ask('GET', '/healthz')[0], 200)
        self.assertEqual(len(self.json('/api/v1/crashes')['crashes']), 1)
        for c, r in held[:8]:
            r.close()
            c.close()
        # Who hangs up makes room as soon as that is seen.
        for _ in range(600):
            status, r, data = self.dump(self.crash_id, Range='bytes=0-99')
            if status != 503:
                break
        self.assertEqual((status, len(data)), (206, 100))
        # The rest is open when eyried is told to stop, which it does at once.
        self.addCleanup(lambda: [(r.close(), c.close()) for c, r in held[8:]])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
