#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""eyried's HTTP API against its description, docs/openapi.json, and against bad requests.

    api.py EYRIED MAKE_REPOSITORY OPENAPI
"""
import gzip
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
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import host_tests  # noqa: E402
import openapi  # noqa: E402

EYRIED, MAKE_REPOSITORY, OPENAPI = sys.argv[1:4]
document = openapi.Document(OPENAPI)
# Query parameters that were sent with a value: (template, name).
asked = set()


def database(folder):
    """The database's line of eyrie.conf: a file, or a schema of the server of with_postgres.py."""
    address = os.environ.get('EYRIE_TEST_POSTGRES')
    if not address:
        return 'path = %s/eyrie.db' % folder
    schema = re.sub(r'\W', '_', folder).lower()
    subprocess.run(['psql', '-q', '-c', 'CREATE SCHEMA "%s"' % schema, address], check=True)
    return "connection = %s options='-c search_path=%s'" % (address, schema)


class Server:
    """An eyried on a free port over a repository of generated crashes."""

    def __init__(self, folder, extra='', listen='127.0.0.1:0'):
        self.conf = os.path.join(folder, 'eyrie.conf')
        with open(self.conf, 'w') as f:
            f.write('[repository]\npath = %s/repository\n[database]\n%s\n'
                    '[server]\nlisten = %s\nmonitor_interval = 1s\n%s\n' % (folder, database(folder), listen, extra))
        self.process = subprocess.Popen([EYRIED, 'serve', '--config', self.conf], stderr=subprocess.PIPE, text=True)
        self.log = ''
        while 'console and API at' not in self.log:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError('eyried did not start: ' + self.log)
            self.log += line
        self.port = int(re.search(r':(\d+)/', self.log).group(1))

    def ask(self, path, method='GET', body=None, headers=None):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        data = r.read()
        c.close()
        self.described(method, path, r, data)
        return r.status, r, data

    @staticmethod
    def described(method, path, r, data):
        """Every answer that any test here gets is one that openapi.json describes."""
        plain = data
        if r.getheader('Content-Encoding') == 'gzip':
            plain = gzip.decompress(data)
        elif r.getheader('Content-Encoding'):
            plain = b''
        template = document.check_answer(method, path, r.status, r.getheader('Content-Type'), plain)
        if template and r.status == 200:
            for name, value in urllib.parse.parse_qsl(path.partition('?')[2], keep_blank_values=True):
                if value:
                    asked.add((template, name))

    def json(self, path, **kw):
        status, _, data = self.ask(path, **kw)
        assert status == 200, (path, status, data)
        return json.loads(data)

    def raw(self, data, wait=5):
        """Send bytes as they are; what comes back until the server closes or falls silent."""
        s = socket.create_connection(('127.0.0.1', self.port), timeout=wait)
        got = b''
        try:
            s.sendall(data)
            while True:
                part = s.recv(65536)
                if not part:
                    break
                got += part
        except (socket.timeout, ConnectionResetError, BrokenPipeError):
            pass
        s.close()
        return got

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.stderr.read()
        self.process.stderr.close()
        return self.process.wait(30), self.log + rest


def setUpModule():
    global temp, server
    temp = tempfile.TemporaryDirectory(prefix='eyrie-api-')
    subprocess.run([sys.executable, MAKE_REPOSITORY, '--crashes', '90', '--outbreak', '12', '--hosts', '40',
                    os.path.join(temp.name, 'repository')], check=True)
    server = host_tests.server = Server(temp.name)
    for title in ('The first', 'The second', 'The third'):
        Issues.post('', 201, title=title)
        Hosts.post('changes', 201, tool='ansible', what=title, everywhere=True)
    for _ in range(200):
        if server.json('/api/v1/overview')['fleet']['alerts_firing']:
            break
        time.sleep(0.1)


def tearDownModule():
    code, log = server.stop()
    temp.cleanup()
    assert code == 0, log
    assert 'Sanitizer' not in log and 'runtime error' not in log, log


# Operations that tests of their own check: uploads and deliveries of hosts, the stream of events.
SPECIAL = {p for p in document.doc['paths'] if p.startswith(
    ('/api/v1/crashes/{id}/dump', '/api/v1/uploads', '/api/v1/events', '/api/v1/issue-import', '/api/v1/session', '/api/v1/tokens', '/api/v1/audit', '/api/v1/enroll',
     '/api/v1/password', '/api/v1/users', '/api/v1/host-tokens'))}


class Answers(unittest.TestCase):
    def real(self, path):
        """A path with the id of something that is there."""
        if '{id}' not in path:
            return path
        key = path.split('/')[3]
        if key in ('reason-changes', 'holds'):  # no list of their own; there may be none
            return path.replace('{id}', '1')
        return path.replace('{id}', str(server.json('/api/v1/%s?limit=1' % key)[key][0]['id']))

    def ask_unchanged(self, path, etag):
        """The status for an answer that the client has. The monitor rewrites alerts each second: what changed meanwhile is asked again."""
        for _ in range(10):
            status, response, _ = server.ask(path, headers={'If-None-Match': etag})
            if status != 200 or response.getheader('ETag') == etag:
                return status
            etag = response.getheader('ETag')
        return status

    def test_every_get_answers_as_described(self):
        checked = 0
        for method, path, operation in document.operations():
            if method != 'get' or path in SPECIAL:
                continue
            real = self.real(path)
            status, response, data = server.ask(real)
            self.assertEqual(status, 200, path)
            checked += response.getheader('Content-Type') == 'application/json'
            etag = response.getheader('ETag')
            if '304' in operation['responses']:
                self.assertEqual(self.ask_unchanged(real, etag), 304, path)
            # A parameter that is described is known and its values are taken, any other is refused with the names of the known.
            names = []
            for p in (document.resolve(p) for p in operation.get('parameters', ())):
                if p['in'] != 'query':
                    continue
                names.append(p['name'])
                for value in [''] + (document.samples(p) if p['name'] != 'cursor' else []):
                    status, _, data = server.ask('%s?%s' % (real, urllib.parse.urlencode({p['name']: value})))
                    self.assertEqual(status, 200, (path, p['name'], value, data))
            status, _, data = server.ask(real + '?no_such=1')
            self.assertEqual(status, 400, path)
            message = json.loads(data)['error']['message']
            for name in names:
                self.assertRegex(message, r'\b%s\b' % name)
            if '{id}' in path and path.startswith('/api/v1/'):
                self.assertEqual(server.ask(path.replace('{id}', '999999'))[0], 404, path)
        self.assertGreaterEqual(checked, 12)

    def test_every_change_is_refused_as_described(self):
        for method, path, operation in document.operations():
            if method != 'post' or set(operation.get('requestBody', {}).get('content', {})) != {'application/json'} or path in SPECIAL:
                continue
            json_type = {'Content-Type': 'application/json'}
            real = self.real(path)
            self.assertEqual(server.ask(real, 'POST', b'{"no_such_key":1}', json_type)[0], 400, path)
            self.assertEqual(server.ask(real, 'POST', b'{', json_type)[0], 400, path)
            self.assertEqual(server.ask(real, 'POST', b'{}', {'Content-Type': 'text/plain'})[0], 415, path)
            self.assertEqual(server.ask(real, 'POST', b'x' * 70000, json_type)[0], 413, path)
            self.assertEqual(server.ask(real, 'POST', b'{}', dict(json_type, Origin='https://evil.example.com'))[0], 403, path)

    def test_wrong_values_are_refused_by_a_sentence(self):
        for path in ('crashes?limit=0', 'crashes?limit=1001', 'crashes?limit=x', 'crashes?host=-1', 'crashes?since=yesterday',
                     'crashes?verdict=maybe', 'crashes?cursor=zzz', 'crashes?cursor=' + 'A' * 300, 'reasons?order=size',
                     'reasons?cursor=%27%3B--', 'hosts?order=name', 'alerts?subject=0', 'report?month=2026-13',
                     'report?month=x', 'report?format=exe', 'crashes?q=a&q=b', 'crashes?q=%ff', 'crashes?q=%00', 'crashes?%zz'):
            status, response, data = server.ask('/api/v1/' + path)
            self.assertEqual(status, 400, path)
            self.assertEqual(response.getheader('Content-Type'), 'application/json')
            error = json.loads(data)['error']
            self.assertEqual(error['status'], 400)
            self.assertGreater(len(error['message']), 10)

    def test_what_is_not_there(self):
        for path in ('/nope', '/api', '/api/v2/crashes', '/api/v1/crashes/999999', '/api/v1/crashes/0', '/api/v1/crashes/-1',
                     '/api/v1/crashes/1x', '/api/v1/crashes/99999999999999999999999999', '/api/v1/crashes/1/', '/api/v1/crashes//log',
                     '/api/v1/hosts/999999', '/api/v1/reasons/999999', '/api/v1/alerts/999999', '/../etc/passwd',
                     '/assets/../index.html', '/%2e%2e/etc/passwd', '/assets/', '/index.html/x', '/crashes/1/2'):
            status, _, data = server.ask(path)
            self.assertEqual(status, 404, path)
            self.assertEqual(json.loads(data)['error']['status'], 404)

    def test_methods(self):
        for method in ('POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'BREW'):
            status, response, _ = server.ask('/api/v1/reasons', method)
            self.assertEqual(status, 405, method)
            self.assertEqual(response.getheader('Allow'), 'GET, HEAD')
        status, response, _ = server.ask('/api/v1/alerts/1/ack')
        self.assertEqual((status, response.getheader('Allow')), (405, 'POST'))
        status, response, data = server.ask('/api/v1/crashes', 'HEAD')
        self.assertEqual((status, data), (200, b''))
        self.assertGreater(int(response.getheader('Content-Length')), 1000)

    def test_pages_meet_without_gap_or_double(self):
        for method, path, operation in document.operations():
            parameters = {p['name']: p for p in (document.resolve(p) for p in operation.get('parameters', ()))}
            if 'cursor' not in parameters or path in SPECIAL:
                continue
            kind = path.split('/')[3]
            for order in document.samples(parameters['order']) if 'order' in parameters else ['']:
                params = '&order=' + order if order else ''
                whole = [r['id'] for r in server.json('%s?limit=1000%s' % (path, params))[kind]]
                self.assertEqual(len(whole), len(set(whole)), (path, order))
                limit = max(1, len(whole) // 6)
                found, cursor, pages = [], '', 0
                while True:
                    page = server.json('%s?limit=%d%s%s' % (path, limit, params, cursor))
                    found += [r['id'] for r in page[kind]]
                    pages += 1
                    if not page['next']:
                        break
                    cursor = '&cursor=' + page['next']
                self.assertEqual(found, whole, (path, order))
                self.assertGreater(pages, 1, path)
        self.assertEqual(server.json('/api/v1/crashes')['total'], 102)

    def test_filters_filter(self):
        every = server.json('/api/v1/crashes?limit=1000')['crashes']
        one = every[len(every) // 2]
        def q(**kw):
            return urllib.parse.urlencode(kw)
        begin = one['function'][:4]
        for query, fits in ((q(host=one['host']['id']), lambda c: c['host']['id'] == one['host']['id']),
                            (q(hostname=one['host']['name']), lambda c: c['host']['name'] == one['host']['name']),
                            (q(reason=one['reason']['id']), lambda c: c['reason']['id'] == one['reason']['id']),
                            (q(model=one['model']['id']), lambda c: c['model'] and c['model']['id'] == one['model']['id']),
                            (q(vendor=one['model']['vendor'], product=one['model']['product']), lambda c: c['model'] == one['model']),
                            (q(kernel=one['kernel']), lambda c: c['kernel'] == one['kernel']),
                            (q(kernel=one['kernel'], site=one['host']['site']),
                             lambda c: c['kernel'] == one['kernel'] and c['host']['site'] == one['host']['site']),
                            (q(kernel=one['kernel'], host=one['host']['id'], reason=one['reason']['id'], function=one['function']),
                             lambda c: c['kernel'] == one['kernel'] and c['host'] == one['host'] and c['reason']['id'] == one['reason']['id']),
                            (q(kernel_version=one['kernel_version'].upper()[:30]), lambda c: one['kernel_version'].upper()[:30] in c['kernel_version'].upper()),
                            (q(site=one['host']['site']), lambda c: c['host']['site'] == one['host']['site']),
                            (q(kind=one['kind']), lambda c: c['kind'] == one['kind']),
                            (q(function=one['function']), lambda c: c['function'] == one['function']),
                            (q(function=begin + '*'), lambda c: c['function'] and c['function'].startswith(begin)),
                            (q(function=begin.upper() + '*'), lambda c: c['function'] and c['function'].startswith(begin.upper())),
                            (q(signature=one['signature']), lambda c: c['signature'] == one['signature']),
                            (q(engine=one['engine'], corrupted=0), lambda c: c['engine'] == one['engine'] and not c['corrupted']),
                            (q(corrupted=1), lambda c: c['corrupted']),
                            (q(dump=one['dump']['state']), lambda c: c['dump']['state'] == one['dump']['state']),
                            (q(reason_state='new'), lambda c: c['reason']['state'] == 'new'),
                            (q(verdict='new'), lambda c: c['verdict'] == 'new'),
                            (q(verdict='known'), lambda c: c['verdict'] == 'known'),
                            (q(since=one['time']), lambda c: c['time'] >= one['time']),
                            (q(until=one['time']), lambda c: c['time'] < one['time']),
                            (q(triage='new'), lambda c: c['triage'] == 'new'),
                            (q(q='BNXT_rx'), lambda c: 'bnxt_rx' in c['title'])):
            want = [c['id'] for c in every if fits(c)]
            got = server.json('/api/v1/crashes?limit=1000&' + query)
            self.assertTrue(want or 'corrupted=1' in query or begin.upper() in query, query)
            self.assertEqual([c['id'] for c in got['crashes']], want, query)
            self.assertEqual((got['total'], got['total_exact'], got['complete']),
                             (None, False, True) if 'triage' in query else (len(want), True, True), query)
        reasons = server.json('/api/v1/reasons?limit=1000')['reasons']
        for query, fits in ((q(min_crashes=2), lambda r: r['crashes'] >= 2), (q(min_hosts=3, order='hosts'), lambda r: r['hosts'] >= 3),
                            (q(function=reasons[0]['guilty'] or 'x'), lambda r: r['guilty'] == (reasons[0]['guilty'] or 'x')),
                            (q(first_seen_since=reasons[0]['first_seen']), lambda r: r['first_seen'] >= reasons[0]['first_seen']),
                            (q(seen_until=reasons[0]['last_seen']), lambda r: r['last_seen'] < reasons[0]['last_seen']),
                            (q(has_issue=0, state='new'), lambda r: r['issue_id'] is None and r['state'] == 'new'),
                            (q(kernel=one['kernel']), lambda r: any(c['kernel'] == one['kernel'] and c['reason']['id'] == r['id'] for c in every)),
                            (q(model=one['model']['id']),
                             lambda r: any(c['model'] == one['model'] and c['reason']['id'] == r['id'] for c in every))):
            got = server.json('/api/v1/reasons?limit=1000&' + query)['reasons']
            self.assertEqual({r['id'] for r in got}, {r['id'] for r in reasons if fits(r)}, query)
        hosts = server.json('/api/v1/hosts?limit=1000')['hosts']
        for query, fits in ((q(min_crashes=2), lambda h: h['crashes'] >= 2), (q(hostname=hosts[0]['name']), lambda h: h['name'] == hosts[0]['name']),
                            (q(hostname=hosts[0]['name'][:2] + '*', order='crashes'), lambda h: h['name'].startswith(hosts[0]['name'][:2])),
                            (q(kernel=hosts[0]['kernel']), lambda h: h['kernel'] == hosts[0]['kernel']),
                            (q(reason=one['reason']['id'], order='crashes'),
                             lambda h: any(c['host']['id'] == h['id'] and c['reason']['id'] == one['reason']['id'] for c in every))):
            got = server.json('/api/v1/hosts?limit=1000&' + query)['hosts']
            self.assertEqual({h['id'] for h in got}, {h['id'] for h in hosts if fits(h)}, query)
        # Wildcards of the database's language are ordinary letters.
        self.assertEqual(server.json('/api/v1/crashes?q=%25')['total'], 0)

    def test_parts_are_the_files(self):
        crash = server.json('/api/v1/crashes?limit=1')['crashes'][0]
        folder = os.path.join(temp.name, 'repository', crash['path'])
        for part, name in (('log', 'dmesg.txt'), ('analysis', 'analysis.txt'), ('record', 'record.json')):
            _, response, data = server.ask('/api/v1/crashes/%d/%s?download=1' % (crash['id'], part))
            with open(os.path.join(folder, name), 'rb') as f:
                self.assertEqual(data, f.read())
            self.assertRegex(response.getheader('Content-Disposition'), 'attachment; filename="crash-%d-' % crash['id'])
            self.assertIn('sandbox', response.getheader('Content-Security-Policy'))

    def test_etag_and_compression(self):
        _, plain, data = server.ask('/api/v1/crashes?limit=50')
        etag = plain.getheader('ETag')
        status, again, body = server.ask('/api/v1/crashes?limit=50', headers={'If-None-Match': etag})
        self.assertEqual((status, body, again.getheader('ETag')), (304, b'', etag))
        _, packed, small = server.ask('/api/v1/crashes?limit=50', headers={'Accept-Encoding': 'gzip'})
        self.assertEqual(packed.getheader('Content-Encoding'), 'gzip')
        self.assertEqual(gzip.decompress(small), data)
        self.assertLess(len(small), len(data) // 4)
        _, packed, small = server.ask('/api/v1/crashes?limit=50', headers={'Accept-Encoding': 'gzip, zstd'})
        self.assertEqual((packed.getheader('Content-Encoding'), small[:4]), ('zstd', b'\x28\xb5\x2f\xfd'))
        self.assertIsNone(plain.getheader('Content-Encoding'))
        for accept, coding in (('gzip, zstd;q=0.5', 'gzip'), ('zstd;q=0, gzip;q=0.1', 'gzip'), ('*', 'zstd'), ('br', None), ('gzip;q=0', None)):
            _, packed, _ = server.ask('/api/v1/crashes?limit=50', headers={'Accept-Encoding': accept})
            self.assertEqual(packed.getheader('Content-Encoding'), coding, accept)

    def test_headers_are_strict(self):
        for path in ('/', '/api/v1/overview', '/nope', '/report.html', '/favicon.svg', '/api/v1/crashes/1/log'):
            _, r, _ = server.ask(path)
            self.assertEqual(r.getheader('X-Content-Type-Options'), 'nosniff', path)
            csp = r.getheader('Content-Security-Policy')
            self.assertRegex(csp, "^default-src '(self|none)'", path)
            self.assertNotIn('unsafe-eval', csp)
            self.assertNotRegex(csp, 'script-src')
            self.assertTrue(r.getheader('Referrer-Policy'), path)
        _, r, page = server.ask('/')
        self.assertNotIn('unsafe-inline', r.getheader('Content-Security-Policy'))
        assets = re.findall(rb'"(/assets/[^"]+)"', page)
        for asset in assets:
            status, r, _ = server.ask(asset.decode())
            self.assertEqual(status, 200)
            self.assertIn('immutable', r.getheader('Cache-Control'))


class Hostile(unittest.TestCase):
    def setUp(self):
        self.alert = server.json('/api/v1/alerts?state=firing')['alerts'][0]['id']
        self.path = '/api/v1/alerts/%d/ack' % self.alert

    def ack(self, body=b'{"who":"Robin"}', **headers):
        h = {'Content-Type': 'application/json'}
        h.update({k.replace('_', '-'): v for k, v in headers.items()})
        return server.ask(self.path, 'POST', body, {k: v for k, v in h.items() if v})[0]

    def tearDown(self):
        self.assertEqual(server.json('/api/v1/alerts/%d' % self.alert)['alert']['state'], 'firing')

    def test_other_sites_change_nothing(self):
        self.assertEqual(self.ack(Sec_Fetch_Site='cross-site'), 403)
        self.assertEqual(self.ack(Sec_Fetch_Site='same-site'), 403)
        self.assertEqual(self.ack(Origin='https://evil.example.com'), 403)
        self.assertEqual(self.ack(Origin='null'), 403)
        self.assertEqual(self.ack(Content_Type='text/plain'), 415)
        self.assertEqual(self.ack(Content_Type='application/jsonx'), 415)
        self.assertEqual(self.ack(Content_Type=''), 415)

    def test_foreign_host_names_are_refused(self):
        for host in ('evil.example.com', 'evil.example.com:80', 'localhost.evil.example.com', '127.0.0.1.evil.example.com'):
            self.assertEqual(server.ask('/', headers={'Host': host})[0], 421, host)
        self.assertEqual(server.ask('/', headers={'Host': 'localhost:%d' % server.port})[0], 200)

    def test_bad_bodies(self):
        for body in (b'', b'{', b'[]', b'null', b'{"who":1}', b'{"who":""}', b'{"who":"  "}', b'{"who":"a\\nb"}', b'{"who":"a\\u0000b"}',
                     b'{"who":"' + b'x' * 65 + b'"}', b'{"who":"a","who":"b"}', b'{"who":"\xff"}', b'[' * 60000,
                     b'{"a":' * 9000 + b'1' + b'}' * 9000):
            self.assertEqual(self.ack(body), 400, body[:40])
        self.assertEqual(self.ack(b'x' * 70000), 413)
        self.assertEqual(server.ask('/api/v1/alerts/999999/ack', 'POST', b'{"who":"Robin"}', {'Content-Type': 'application/json'})[0], 404)
        # Chunked, so that no length is told before.
        got = server.raw(b'POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n'
                         b'Connection: close\r\n\r\n' % self.path.encode() + b'8000\r\n' + b'x' * 0x8000 + b'\r\n' +
                         b'9000\r\n' + b'x' * 0x9000 + b'\r\n0\r\n\r\n')
        self.assertRegex(got, rb'^HTTP/1.1 413 ')

    def test_broken_requests_do_not_hurt(self):
        for data in (b'\r\n\r\n', b'GET\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n', b'\x00' * 100 + b'\r\n\r\n', b'\x16\x03\x01\x02\x00\x01\x00',
                     b'GET / HTTP/1.1\r\n\r\n', b'GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n' % (b'a' * 20000),
                     b'GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' % (b'a' * 5000),
                     b'GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n' % (b'b' * 100000),
                     b'GET / HTTP/1.1\r\nHost: localhost\r\n' + b'A: b\r\n' * 20000 + b'\r\n',
                     b'POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n' % self.path.encode(),
                     b'POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n' % self.path.encode()):
            got = server.raw(data, wait=1)
            self.assertNotRegex(got, rb'^HTTP/1.\d 200 ', data[:60])
        got = server.raw(b'GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' % (b'a' * 5000))
        self.assertRegex(got, rb'^HTTP/1.1 414 ')
        self.assertEqual(server.json('/healthz')['status'], 'ok')

    def test_silent_clients_do_not_stop_others(self):
        silent = [socket.create_connection(('127.0.0.1', server.port)) for _ in range(200)]
        for s in silent:
            s.sendall(b'GET / HTTP/1.1\r\nHost: loc')
        self.assertEqual(server.json('/healthz')['status'], 'ok')
        for s in silent:
            s.close()


class ReasonChanges(unittest.TestCase):
    """Merges and splits of reasons; each test takes back what it did."""

    @staticmethod
    def post(path, status=201, **body):
        body.setdefault('who', 'Robin')
        got, _, data = server.ask('/api/v1/' + path, 'POST', json.dumps(body), {
            'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin'})
        assert got == status, (path, body, got, data)
        return json.loads(data)

    def reasons(self):
        return {r['id']: r for r in server.json('/api/v1/reasons?order=crashes&limit=100')['reasons']}

    def test_merge_and_undo(self):
        before = self.reasons()
        into, source = list(before.values())[0], list(before.values())[1]
        at = 'reasons/%d/' % source['id']
        preview = self.post(at + 'merge', 200, into=into['id'], preview=True)['preview']
        self.assertEqual((preview['crashes'], preview['hosts']), (source['crashes'], source['hosts']))
        self.assertEqual(self.reasons(), before)
        done = self.post(at + 'merge', into=into['id'], why='the same lock')
        self.assertEqual(done['reason']['crashes'], into['crashes'] + source['crashes'])
        self.assertFalse(done['change']['moving'])
        self.assertNotIn(source['id'], self.reasons())
        self.assertEqual(server.json('/api/v1/reasons/%d' % source['id'])['reason']['merged_into'], into['id'])
        history = server.json('/api/v1/%shistory' % at)['changes']
        self.assertEqual((history[0]['who'], history[0]['why'], history[0]['undone']), ('Robin', 'the same lock', None))
        self.post(at + 'merge', 400, into=into['id'])
        self.post('reason-changes/%d/undo' % done['change']['id'], 200, why='it was not')
        self.post('reason-changes/%d/undo' % done['change']['id'], 400)
        self.assertEqual(self.reasons(), before)
        self.assertEqual(server.json('/api/v1/%shistory' % at)['changes'][0]['undone_why'], 'it was not')

    def test_split_and_undo(self):
        before = self.reasons()
        reason = list(before.values())[0]
        at = 'reasons/%d/' % reason['id']
        values = server.json('/api/v1/%svalues?by=kernel' % at)
        self.assertEqual(values['looked_at'], reason['crashes'])
        value = values['values'][0]
        preview = self.post(at + 'split', 200, by='kernel', value=value['value'], preview=True)['preview']
        self.assertEqual((preview['crashes'], preview['hosts']), (value['crashes'], value['hosts']))
        done = self.post(at + 'split', by='kernel', value=value['value'], title='only <b>there</b>')
        self.assertEqual((done['reason']['crashes'], done['reason']['title']), (value['crashes'], 'only <b>there</b>'))
        self.post('reason-changes/%d/undo' % done['change']['id'], 200)
        self.assertEqual(self.reasons(), before)

    def test_what_is_refused(self):
        some = list(self.reasons())[0]
        for path, status, body in (('merge', 400, {}), ('merge', 400, {'into': some}), ('merge', 404, {'into': 999999}),
                                   ('merge', 400, {'into': 1, 'odd': 1}), ('split', 400, {'by': 'x', 'value': 'y'}),
                                   ('split', 400, {'by': 'kernel', 'value': 'none'}), ('split', 400, {'by': 'kernel'})):
            self.post('reasons/%d/%s' % (some, path), status, **body)
        self.post('reason-changes/999999/undo', 404)
        self.post('alerts/999999/ack', 404)
        self.post('reasons/999999/split', 404, by='kernel', value='none')
        self.assertEqual(server.ask('/api/v1/reasons/999999/history')[0], 404)
        self.assertEqual(server.ask('/api/v1/reasons/%d/values?by=host' % some)[0], 400)


class Issues(unittest.TestCase):
    """Known issues, as people work with them."""

    @staticmethod
    def post(path, status=200, **body):
        body.setdefault('who', 'Robin')
        got, _, data = server.ask('/api/v1/issues' + path, 'POST', json.dumps(body), {
            'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin'})
        assert got == status, (path, body, got, data)
        return json.loads(data)

    def test_the_life_of_an_issue(self):
        reason = server.json('/api/v1/reasons?order=crashes&limit=1')['reasons'][0]
        self.post('', 404, title='x', reason=999999)
        page = self.post('', 201, title='At once', reason=reason['id'])
        self.assertEqual(page['reasons'][0]['id'], reason['id'])
        page = self.post('', 201, title='It <b>crashes</b>', owner='Kim', why='many hosts')
        issue, at = page['issue'], '/%d' % page['issue']['id']
        self.assertEqual((issue['state'], issue['version'], issue['crashes']), ('new', 1, 0))
        self.post(at + '/reasons', add=reason['id'])
        page = self.post(at, state='fix-available', vendor='Example', vendor_case='4711', version=2)
        self.assertEqual(page['issue']['crashes'], reason['crashes'])
        self.assertEqual(page['reasons'][0]['issue_id'], issue['id'])
        self.assertEqual(server.json('/api/v1/reasons/%d' % reason['id'])['reason']['state'], 'fix-available')
        # The kernel of each crash decides what the fix means for it.
        crash = server.json('/api/v1/crashes?reason=%d&limit=1' % reason['id'])['crashes'][0]
        self.assertEqual(crash['triage'], 'already-patched')
        package = re.search(r' Debian (\S+)', crash['kernel_version']).group(1)
        branch = re.match(r'\d+\.\d+', package).group(0)
        for fixed_in, triage in ((branch + '.9999-1', 'already-patched'), (package, 'regression')):
            page = self.post(at + '/fixes', distribution='debian', package='linux', format='dpkg', fixed_in=fixed_in)
            self.assertEqual(len(page['fixes']), 1)
            for path in ('/api/v1/crashes/%d' % crash['id'], '/api/v1/crashes?limit=1000'):
                answer = server.json(path)
                found = [c for c in answer.get('crashes', [answer.get('crash')]) if c['id'] == crash['id']]
                self.assertEqual(found[0]['triage'], triage)
        self.post(at + '/fixes', remove=page['fixes'][0]['id'])
        page = self.post(at + '/rules', function='ext4_*', why='all of it')
        self.post(at + '/rules', remove=page['rules'][0]['id'])
        page = self.post(at + '/comments', text='two lines\nof text')
        self.assertEqual(page['history'][0]['new'], 'two lines\nof text')
        self.assertEqual(page['history'][-1], dict(page['history'][-1], what='created', why='many hosts', who='Robin'))
        # Two people at once.
        self.post(at, 409, owner='Alex', version=1)
        page = self.post(at, owner='Alex', version=page['issue']['version'])
        self.assertEqual([issue['id']], [i['id'] for i in server.json('/api/v1/issues?open=1&owner=Alex&q=CRASHES')['issues']])
        page = self.post(at + '/reasons', remove=reason['id'])
        self.assertEqual(page['reasons'], [])
        self.assertEqual(server.json('/api/v1/reasons/%d' % reason['id'])['reason']['state'], 'new')

    def test_sites_share_issues(self):
        for title in ('to be shared', 'and this'):
            page = self.post('', 201, title=title)
        document = server.json('/api/v1/issue-export?comments=1')
        self.assertIn('and this', [i['title'] for i in document['issues']])
        imported = []
        for issue in (document['issues'][-1], dict(document['issues'][-1], uid='elsewhere-1', title='theirs')):
            body = json.dumps(dict(document, issues=[issue]))
            for _ in range(2):
                status, _, data = server.ask('/api/v1/issue-import?who=Robin', 'POST', body, {'Content-Type': 'application/json'})
                self.assertEqual(status, 200, data)
                imported.append(json.loads(data)['issues'][0]['result'])
        self.assertEqual(imported, ['unchanged', 'unchanged', 'created', 'unchanged'])
        for body in ('{}', '[', '{"schema":"eyrie/issues/1","issues":[{}]}'):
            self.assertEqual(server.ask('/api/v1/issue-import?who=Robin', 'POST', body, {'Content-Type': 'application/json'})[0], 400)
        self.assertEqual(server.ask('/api/v1/issue-export?issue=999999')[0], 404)
        self.assertEqual(page['issue']['title'], 'and this')

    def test_what_is_refused(self):
        at = '/%d' % self.post('', 201, title='x')['issue']['id']
        for path, body in (('', {}), ('', {'title': ''}), ('', {'title': 'a\nb'}), ('', {'title': 'x' * 301}),
                           ('', {'title': 'x', 'state': 'odd'}), ('', {'title': 'x', 'color': 'red'}), ('', {'title': 5}),
                           ('', {'title': 'x', 'who': ' '}), ('', {'title': 'x', 'why': 'y' * 301}), (at, {'version': 'one'}),
                           (at, {'version': 0}), (at, {'notes': 'x' * 16385}), (at + '/comments', {}), (at + '/comments', {'text': ' '}),
                           (at + '/reasons', {}), (at + '/reasons', {'add': 1, 'remove': 1}), (at + '/reasons', {'add': -1}),
                           (at + '/fixes', {'distribution': 'd', 'package': 'p', 'format': 'tar', 'fixed_in': '1'}),
                           (at + '/fixes', {'package': 'p', 'format': 'rpm', 'fixed_in': '1'}), (at + '/rules', {'kind': 'BUG'}),
                           (at + '/rules', {'function': '**'})):
            self.post(path, 400, **body)
        for path, body in (('/999999', {'title': 'x'}), ('/999999/comments', {'text': 'x'}), ('/999999/rules', {'function': 'x'}),
                           (at + '/fixes', {'remove': 999999}), (at + '/rules', {'remove': 999999}), (at + '/reasons', {'add': 999999})):
            self.post(path, 404, **body)
        self.assertEqual(len(server.json('/api/v1/issues' + at)['history']), 1)
        self.assertEqual(server.ask('/api/v1/issues' + at + '/comments')[0], 405)


class Life(unittest.TestCase):
    def test_taking_an_alert_keeps_the_first_name(self):
        self.assertGreaterEqual(len(server.json('/api/v1/alerts?state=firing')['alerts']), 2)
        alert = server.json('/api/v1/alerts?state=firing')['alerts'][-1]['id']
        for name in ('Robin', 'Kim'):
            status, _, data = server.ask('/api/v1/alerts/%d/ack' % alert, 'POST', json.dumps({'who': name}), {
                'Content-Type': 'application/json; charset=utf-8', 'Origin': 'http://127.0.0.1:%d' % server.port,
                'Sec-Fetch-Site': 'same-origin'})
            self.assertEqual(status, 200)
            self.assertEqual(json.loads(data)['alert']['who'], 'Robin')

    def test_a_second_server_says_that_the_address_is_taken(self):
        r = subprocess.run([EYRIED, 'serve', '--config', server.conf, '--listen', '127.0.0.1:%d' % server.port],
                           stderr=subprocess.PIPE, text=True)
        self.assertEqual(r.returncode, 3)
        self.assertIn('cannot listen on 127.0.0.1 port %d' % server.port, r.stderr)

    def test_without_its_address_no_job_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            conf = os.path.join(folder, 'eyrie.conf')
            os.mkdir(os.path.join(folder, 'repository'))
            with open(conf, 'w') as f:
                f.write('[repository]\npath = %s/repository\n[database]\n%s\n'
                        '[server]\nlisten = 127.0.0.1:%d\n' % (folder, database(folder), server.port))
            for _ in range(5):
                r = subprocess.run([EYRIED, 'serve', '--config', conf], stderr=subprocess.PIPE, text=True)
                self.assertEqual(r.returncode, 3)
            # populate would have written policy.json.
            self.assertEqual(os.listdir(os.path.join(folder, 'repository')), [])

    def test_other_addresses_need_a_word(self):
        r = subprocess.run([EYRIED, 'serve', '--config', server.conf, '--listen', '0.0.0.0:0'], stderr=subprocess.PIPE, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn('allow_remote = yes', r.stderr)
        with tempfile.TemporaryDirectory() as folder:
            other = Server(folder, 'allow_remote = yes', '0.0.0.0:0')
            self.assertEqual(other.json('/healthz')['status'], 'ok')
            code, log = other.stop()
            self.assertEqual(code, 0)
            self.assertIn('nobody can sign in', log)

    def test_a_job_that_fails_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink('/dev/null', os.path.join(folder, 'repository'))
            other = Server(folder)
            for _ in range(100):
                jobs = {j['name']: j for j in other.json('/api/v1/overview')['jobs']}
                if jobs['populate']['runs']:
                    break
                time.sleep(0.05)
            self.assertEqual(jobs['populate']['state'], 'failed')
            self.assertIn('repository', jobs['populate']['message'])
            self.assertTrue(jobs['populate']['failing_since'])
            code, log = other.stop()
            self.assertEqual(code, 0)
            self.assertEqual(log.count('job populate:'), 1)


class Hosts(host_tests.HostTests, unittest.TestCase):
    """Heartbeats, life and changes."""


class ZLast(unittest.TestCase):
    """Runs behind all others."""

    def test_everything_that_is_described_was_seen(self):
        """Each answer that an operation can give, but those that need a broken database, and each parameter with a value."""
        for method, path, operation in document.operations():
            if path in SPECIAL:
                continue
            for status in operation['responses']:
                # What others than issues and alerts change has tests of its own.
                own = method == 'get' or path.startswith(('/api/v1/issues', '/api/v1/alerts'))
                if status not in ('401', '503') and (status != '403' or method != 'get') and (own or (
                        status in ('400', '403', '413', '415') and set(operation['requestBody']['content']) == {'application/json'})):
                    self.assertIn(int(status), document.seen.get((method, path), ()), (method, path))
            for p in (document.resolve(p) for p in operation.get('parameters', ())):
                if p['in'] == 'query' and method == 'get':
                    self.assertTrue((path, p['name']) in asked, (path, p['name']))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
