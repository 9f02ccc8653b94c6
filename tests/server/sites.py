#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A site's eyried forwards to the global one: what it took in is there in order, exactly once.

    sites.py EYRIED OPENAPI EYRIE
"""
import concurrent.futures
import glob
import hashlib
import http.client
import http.server
import json
import os
import re
import select
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import intake
from intake import b64, multipart, record

EYRIED, EYRIE = sys.argv[1], sys.argv[3]
PASSWORD = 'correct horse battery staple\n'


class Server(intake.Server):
    """An eyried that may be asked by name, and whose database may be asked by SQL."""
    headers = {}

    def ask(self, method, path, body=None, headers=None):
        return super().ask(method, path, body, dict(self.headers, **(headers or {})))

    def json(self, path):
        return json.loads(self.get(path))

    def post(self, path, body, status):
        got, _, data = self.ask('POST', path, json.dumps(body), {'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin'})
        assert got == status, (path, got, data)
        return json.loads(data)

    def command(self, *arguments, given=None):
        done = subprocess.run([EYRIED, *arguments, '--config', self.conf], input=given, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout.strip()

    def sql(self, statement):
        address = os.environ.get('EYRIE_TEST_POSTGRES')
        if not address:
            db = sqlite3.connect(os.path.join(self.folder, 'eyrie.db'), timeout=60)
            try:
                rows = [tuple(map(str, row)) for row in db.execute(statement)]
                db.commit()
                return rows
            finally:
                db.close()
        schema = re.sub(r'\W', '_', self.folder).lower()
        done = subprocess.run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', statement, address], check=True, capture_output=True, text=True,
                              env=dict(os.environ, PGOPTIONS='-c search_path=' + schema))
        return [tuple(line.split('|')) for line in done.stdout.splitlines()]

    def number(self, statement):
        return int(self.sql(statement)[0][0])

    def configure(self, old, new):
        with open(self.conf, encoding='ascii') as f:
            text = f.read()
        assert old in text, (old, text)
        with open(self.conf, 'w', encoding='ascii') as f:
            f.write(text.replace(old, new))

    def again(self):
        self.kill()
        self.start()


class Line:
    """Between the site and the center: it can be down, and break after so many bytes of either way."""

    def __init__(self, center):
        self.center, self.up = center, True
        # Bytes after which each next connection breaks: of what the center answers, of what the site sends.
        self.cut_answers, self.cut_requests = [], []
        self.broken, self.carried = 0, 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            answer = self.cut_answers.pop(0) if self.up and self.cut_answers else None
            request = self.cut_requests.pop(0) if self.up and answer is None and self.cut_requests else None
            threading.Thread(target=self.carry, args=(near, answer, request), daemon=True).start()

    def carry(self, near, answer, request):
        left = {'near': request, 'far': answer}
        try:
            with near, socket.create_connection(('127.0.0.1', self.center.port), timeout=60) as far:
                other = {near: (far, 'near'), far: (near, 'far')}
                while self.up:
                    for s in select.select([near, far], [], [], 0.1)[0]:
                        to, who = other[s]
                        data = s.recv(65536)
                        if not data:
                            return
                        if left[who] is not None:
                            data = data[:left[who]]
                            left[who] -= len(data)
                        to.sendall(data)
                        self.carried += len(data)
                        if left[who] == 0:
                            self.broken += 1
                            return
        except OSError:
            pass

    def close(self):
        self.up = False
        self.listener.close()


class Case(unittest.TestCase):
    extra = ''

    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix='eyrie-sites-')
        self.addCleanup(self.temp.cleanup)
        self.center = self.server('center')
        self.line = Line(self.center)
        self.addCleanup(self.line.close)

    def server(self, name, extra=''):
        folder = os.path.join(self.temp.name, name)
        os.mkdir(folder)
        s = Server(folder, extra)
        self.addCleanup(self.ended, s)
        return s

    @staticmethod
    def ended(s):
        code = s.stop()
        assert code == 0, s.log
        assert 'Sanitizer' not in s.log and 'runtime error' not in s.log, s.log

    def site(self, name='ams1', more='', extra=''):
        return self.server(name, '%s[forward]\nurl = http://127.0.0.1:%d\nsite = %s\ninterval = 1s\n%s' % (extra, self.line.port, name, more))

    @staticmethod
    def state(s):
        return s.json('/api/v1/sites')['forward']

    def until(self, what):
        """What must come comes, however busy the machine is: the test's own time limit ends it."""
        while True:
            value = what()
            if value:
                return value
            time.sleep(0.1)

    def settled(self, *sites):
        for s in sites:
            self.until(lambda s=s: self.state(s)['up'] and not self.state(s)['queue'])
        # What was said last of a site that has nothing more to send is that nothing waits.
        for site in self.center.json('/api/v1/sites')['sites']:
            if site['name'] in [self.state(s)['site'] for s in sites]:
                self.assertEqual((site['queue'], site['oldest']), (0, None))

    def deliver(self, s, numbers, **changes):
        """As a host does: sent again until it is confirmed."""
        for i in numbers:
            body, kind = multipart({'record': record(i, 'web-%02d' % (i // 1000 * 10 + i % 7), 'g1:BUG:r%d' % (i % 3), **changes),
                                    'analysis': 'analysis %d\n' % i, 'dmesg': 'log %d\n' % i})
            while True:
                try:
                    if s.ask('POST', '/api/v1/crashes', body, {'Content-Type': kind})[0] in (200, 201):
                        break
                except (OSError, http.client.HTTPException):
                    pass
                time.sleep(0.05)

    def same(self, s, name='ams1'):
        """All crashes of the site are at the center, in the site's order, each once and byte for byte."""
        ids = [int(row[0]) for row in s.sql('SELECT id FROM crashes ORDER BY id')]
        pairs = [tuple(map(int, row)) for row in self.center.sql(
            "SELECT origin, crash_id FROM site_crashes WHERE site = '%s' ORDER BY origin" % name)]
        self.assertEqual([p[0] for p in pairs], ids)
        there = [p[1] for p in pairs]
        self.assertEqual(there, sorted(set(there)), 'not in order, or two in one')
        self.assertEqual(self.center.number("SELECT count(*) FROM crashes c JOIN hosts h ON h.id = c.host_id WHERE h.site = '%s'" % name),
                         len(ids), 'crashes that the site does not have')
        boots = 'SELECT b.boot_uuid FROM crashes c JOIN boots b ON b.id = c.boot_id ORDER BY c.id'
        mine = s.sql(boots)
        theirs = [row for row in self.center.sql(boots) if row in set(mine)]
        self.assertEqual(theirs, mine)
        for origin, crash in pairs[::max(1, len(pairs) // 20)]:
            for part in ('record', 'analysis', 'log'):
                self.assertEqual(self.center.get('/api/v1/crashes/%d/%s' % (crash, part)), s.get('/api/v1/crashes/%d/%s' % (origin, part)))
        for one in (s, self.center):
            one.command('db', 'check')


class Crashes(Case):
    def test_killed_in_the_middle(self):
        s = self.site()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self.deliver, s, range(400))
            for number, victim in ((20, self.center), (60, s), (120, self.center), (180, s), (240, self.center)):
                self.until(lambda n=number: self.center.number('SELECT count(*) FROM crashes') >= n)
                victim.again()
            sending.result()
        self.settled(s)
        self.same(s)
        reasons = [one.sql('SELECT key, crashes FROM reasons ORDER BY key') for one in (s, self.center)]
        self.assertEqual(reasons[0], reasons[1])
        self.assertEqual(sum(int(row[1]) for row in reasons[0]), 400)
        state = self.state(s)
        self.assertEqual((state['records'], state['refused']), (400, 0))
        site = self.center.json('/api/v1/sites')['sites']
        self.assertEqual([(x['name'], x['records'], x['refused']) for x in site], [('ams1', 400, 0)])

    def test_cut_anywhere(self):
        s = self.site()
        self.line.up = False
        self.deliver(s, range(200))
        # The first answer of a connection is about how far the center is; what is cut later was taken in, and the site was not told.
        self.line.cut_answers = [0, 17, 300, 420, 500, 560, 620, 700]
        self.line.cut_requests = [1, 700, 5000, 60000]
        self.line.up = True
        self.until(lambda: not self.line.cut_answers and not self.line.cut_requests)
        self.deliver(s, range(200, 230))
        self.settled(s)
        self.assertGreaterEqual(self.line.broken, 10)
        self.same(s)
        self.assertEqual(self.state(s)['records'], 230)

    def test_a_long_outage(self):
        s = self.site()
        self.deliver(s, range(10))
        self.settled(s)
        self.line.up = False
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda k: self.deliver(s, range(10 + k, 1500, 4)), range(4)))
        state = self.until(lambda: not self.state(s)['up'] and self.state(s))
        self.assertEqual(state['queue'], 1490)
        self.assertTrue(state['why'] and state['down_since'] and state['oldest'])
        s.again()
        # What is down stays down since then.
        self.assertEqual(self.state(s)['down_since'], state['down_since'])
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 10)
        self.line.up = True
        self.settled(s)
        self.same(s)
        after = self.state(s)
        self.assertEqual((after['records'], after['down_since'], after['why']), (1500, None, None))

    def test_what_the_center_has_already_and_what_came_late(self):
        s = self.site()
        r = record(1, 'late-01', 'g1:BUG:late')
        self.center.deliver({'record': r, 'site': 'ams1'}, 201)
        crash, _ = s.deliver({'record': r}, 201)
        self.settled(s)
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 1)
        s.deliver({'record': r, 'analysis': 'it came late\n'}, 200)
        s.deliver({'record': r, 'analysis': 'it came late\n'}, 200)
        self.settled(s)
        self.assertEqual(self.center.get('/api/v1/crashes/1/analysis'), b'it came late\n')
        self.assertEqual(self.state(s)['records'], 2)
        self.assertEqual(s.get('/api/v1/crashes/%d/analysis' % crash['id']), b'it came late\n')

    def test_two_sites(self):
        one, two = self.site('ams1'), self.site('lon2')
        self.deliver(one, range(0, 30))
        self.deliver(two, range(1000, 1030))
        self.settled(one, two)
        self.same(one, 'ams1')
        self.same(two, 'lon2')
        sites = self.center.json('/api/v1/sites')['sites']
        self.assertEqual([(x['name'], x['records']) for x in sites], [('ams1', 30), ('lon2', 30)])
        # A third one that calls itself as the first does is told so, and hinders nobody.
        three = self.server('three', '[forward]\nurl = http://127.0.0.1:%d\nsite = ams1\ninterval = 1s\n' % self.line.port)
        self.deliver(three, range(2000, 2005))
        state = self.until(lambda: self.state(three)['why'] and self.state(three))
        self.assertIn('another eyried forwards as this site', state['why'])
        self.assertEqual(state['queue'], 5)
        self.deliver(one, range(30, 40))
        self.settled(one)
        self.same(one, 'ams1')

    def test_it_was_all_there_before_forwarding_began(self):
        s = self.server('ams1', '[forward]\n#url\nsite = ams1\ninterval = 1s\n')
        self.deliver(s, range(150))
        self.assertIsNone(self.state(s))
        s.configure('#url', 'url = http://127.0.0.1:%d' % self.line.port)
        s.again()
        self.deliver(s, range(150, 170))
        self.settled(s)
        self.same(s)

    def test_a_center_that_was_restored(self):
        s = self.site()
        self.deliver(s, range(100))
        self.settled(s)
        backup = os.path.join(self.temp.name, 'backup.db')
        self.center.command('db', 'backup', backup)
        self.deliver(s, range(100, 180))
        self.settled(s)
        self.line.up = False
        self.center.command('db', 'restore', '--replace', backup)
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 100)
        self.line.up = True
        self.deliver(s, range(180, 200))
        self.until(lambda: self.center.number('SELECT count(*) FROM crashes') >= 200)
        self.settled(s)
        self.same(s)

    def test_a_site_that_was_restored(self):
        s = self.site()
        self.deliver(s, range(50))
        backup = os.path.join(self.temp.name, 'backup.db')
        s.command('db', 'backup', backup)
        self.deliver(s, range(50, 80))
        self.settled(s)
        self.line.up = False
        s.command('db', 'restore', '--replace', backup)
        # Hosts that were not confirmed send again, and there is something new under numbers that the center saw.
        self.deliver(s, range(60, 100))
        self.line.up = True
        self.settled(s)
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 100)
        self.assertEqual(self.center.number('SELECT count(DISTINCT boot_id) FROM crashes'), 100)
        self.center.command('db', 'check')


class Said(Case):
    """What is no crash."""

    def test_heartbeats_and_changes(self):
        s = self.site()
        self.line.up = False
        for i in range(12):
            s.post('/api/v1/heartbeats', {
                'schema': 'eyrie/heartbeat/1', 'uptime': 90.5, 'kernel': {'release': '6.1.0-%d-amd64' % (i // 6), 'version': '#1', 'machine': 'x86_64'},
                'identity': {'hostname': 'beat-%d' % (i % 6), 'machine_id': '%032x' % (0xabc000 + i % 6), 'boot_id': '%032x' % (0xdef000 + i)},
                'labels': {'role': 'web'}}, 200)
        for i in range(3):
            s.post('/api/v1/changes', {'key': 'run-%d' % i, 'tool': 'ansible', 'what': 'kernel 6.1.0-%d' % i, 'who': 'Robin',
                                       'hosts': ['beat-1']}, 201)
        s.post('/api/v1/changes', {'key': 'run-1', 'tool': 'ansible', 'what': 'kernel 6.1.0-1', 'who': 'Robin', 'hosts': ['beat-1']}, 200)
        self.assertEqual(self.center.json('/api/v1/hosts')['hosts'], [])
        s.again()
        self.line.cut_answers = [0, 450]
        self.line.up = True
        self.settled(s)
        seen = {}
        for one in (s, self.center):
            hosts = one.json('/api/v1/hosts')['hosts']
            pages = [one.json('/api/v1/hosts/%d' % h['id']) for h in hosts]
            seen[one] = sorted((p['host']['name'], p['labels'], sorted((b['boot_id'], b['kernel']) for b in p['boots']),
                                [(c['tool'], c['what'], c['who'], c['time']) for c in p['changes']]) for p in pages)
            self.assertEqual([len(hosts), sum(len(p['boots']) for p in pages)], [6, 12])
        self.assertEqual(seen[s], seen[self.center])
        self.assertEqual(self.center.number("SELECT count(*) FROM hosts WHERE site = 'ams1'"), 6)
        self.assertEqual([c['what'] for c in sorted(self.center.json('/api/v1/changes')['changes'], key=lambda c: c['id'])],
                         ['kernel 6.1.0-%d' % i for i in range(3)])
        self.assertEqual(self.state(s)['records'], 15)

    def test_what_becomes_of_a_dump(self):
        s = self.site(extra='[policy]\nnew = first 2, each 5, else dmesg\n')
        crash, _ = s.deliver({'record': record(1, 'up-01', 'g1:BUG:up')}, 201)
        self.settled(s)

        def kept():
            return self.center.json('/api/v1/crashes/1')['dump_state']['sites'][0]
        self.assertEqual((kept()['site'], kept()['crash'], kept()['state']), ('ams1', crash['id'], 'skipped'))
        dump = os.urandom(50000)
        tus = dict(intake.TUS, **{'Upload-Length': str(len(dump)), 'Upload-Metadata': 'crash %s,filename %s,sha256 %s' % (
            b64(str(crash['id'])), b64('vmcore'), b64(hashlib.sha256(dump).hexdigest()))})
        status, r, data = s.ask('POST', '/api/v1/uploads', None, tus)
        self.assertEqual(status, 201, data)
        self.assertEqual(s.ask('PATCH', r.getheader('Location'), dump, dict(intake.TUS, **{
            'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0'}))[0], 204)
        self.settled(s)
        self.assertEqual((kept()['state'], kept()['bytes'], kept()['path']), ('kept', len(dump), crash['path']))
        self.assertEqual(glob.glob(os.path.join(self.center.root, '**', 'vmcore'), recursive=True), [], 'the dump stays at the site')
        self.line.up = False
        s.command('purge', '--retention', '0s')
        self.line.up = True
        self.until(lambda: kept()['state'] == 'purged')
        self.assertTrue(kept()['purged'])


class Trouble(Case):
    """What must neither stop the line nor be lost silently."""

    def poison(self):
        """The center's database fails every crash of this title, and takes everything else."""
        if os.environ.get('EYRIE_TEST_POSTGRES'):
            schema = re.sub(r'\W', '_', self.center.folder).lower()
            self.center.sql("CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'integer overflow'; END $$; "
                            "CREATE TRIGGER poison BEFORE INSERT ON crashes FOR EACH ROW WHEN (NEW.title = 'poison') "
                            "EXECUTE FUNCTION \"%s\".poison()" % schema)
        else:
            self.center.sql("CREATE TRIGGER poison BEFORE INSERT ON crashes WHEN NEW.title = 'poison' BEGIN SELECT abs(-9223372036854775807 - 1); END")

    def heal(self):
        self.center.sql('DROP TRIGGER poison' + (' ON crashes' if os.environ.get('EYRIE_TEST_POSTGRES') else ''))

    def poisoned(self, s):
        self.line.up = False
        self.deliver(s, range(10))
        bad = record(10)
        bad['event'] = dict(bad['event'], title='poison')
        s.deliver({'record': bad, 'analysis': 'a\n', 'dmesg': 'b\n'}, 201)
        self.deliver(s, range(11, 30))
        self.poison()
        self.line.up = True

    def test_a_record_that_never_goes(self):
        s = self.site(more='give_up = 2s\n')
        self.poisoned(s)
        self.until(lambda: self.state(s)['refused'])
        self.settled(s)
        # All but that one, in order.
        pairs = [tuple(map(int, row)) for row in self.center.sql('SELECT origin, crash_id FROM site_crashes ORDER BY origin')]
        self.assertEqual([p[0] for p in pairs], [i for i in range(1, 31) if i != 11])
        self.assertEqual([p[1] for p in pairs], sorted(p[1] for p in pairs))
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 29)
        state = self.state(s)
        self.assertEqual((state['records'], state['refused']), (29, 1))
        site = self.center.json('/api/v1/sites')['sites'][0]
        self.assertEqual((site['records'], site['refused']), (29, 1))
        for shown in (state['refusals'], site['refusals']):
            self.assertEqual([r['object'] for r in shown], [11])
            self.assertIn('integer overflow', shown[0]['why'])
        self.assertIn('eyrie_site_refused_records_total{site="ams1"} 1\n', self.center.get('/metrics').decode())
        self.assertIn('eyrie_forward_refused_records_total 1\n', s.get('/metrics').decode())
        self.center.command('db', 'check')

    def test_a_record_that_goes_later(self):
        s = self.site()
        self.poisoned(s)
        state = self.until(lambda: 'integer overflow' in (self.state(s)['why'] or '') and self.state(s))
        self.assertRegex(state['why'], 'record [0-9]+ fails, and is tried again')
        self.assertEqual((self.center.number('SELECT count(*) FROM crashes'), state['queue'], state['refused']), (10, 20, 0))
        self.heal()
        self.settled(s)
        self.same(s)
        self.assertEqual(self.state(s)['refused'], 0)

    def test_a_record_that_is_damaged_here(self):
        s = self.site()
        self.line.up = False
        self.deliver(s, range(9))
        s.sql("UPDATE crash_parts SET data = %s WHERE part = 'record' AND crash_id = 4"
              % ("'\\x00'::bytea" if os.environ.get('EYRIE_TEST_POSTGRES') else "x'00'"))
        # The answers about it are lost: it is told again.
        self.line.cut_answers = [450, 500, 560]
        self.line.up = True
        self.until(lambda: not self.line.cut_answers)
        self.settled(s)
        state = self.state(s)
        self.assertEqual((state['records'], state['refused'], [r['object'] for r in state['refusals']]), (8, 1, [4]))
        self.assertEqual([r[0] for r in self.center.sql('SELECT origin FROM site_crashes ORDER BY origin')], list('12356789'))

    def test_off_and_on(self):
        s = self.site()
        self.deliver(s, range(10))
        self.settled(s)
        self.line.up = False
        self.deliver(s, range(10, 30))
        s.post('/api/v1/changes', {'key': 'k', 'tool': 'ansible', 'what': 'x', 'everywhere': True, 'who': 'Robin'}, 201)
        s.configure('url =', '#url =')
        s.again()
        state = self.state(s)
        self.assertEqual((state['url'], state['up'], state['queue']), (None, False, 21))
        self.deliver(s, range(30, 40))
        s.configure('#url =', 'url =')
        self.line.up = True
        s.again()
        self.assertIn('21 records that wait are kept', s.log)
        self.deliver(s, range(40, 45))
        self.settled(s)
        self.same(s)
        self.assertEqual(len(self.center.json('/api/v1/changes')['changes']), 1)

    def test_history_is_queued_in_pieces(self):
        s = self.server('ams1', '[forward]\n#url\nsite = ams1\ninterval = 1s\n')
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda k: self.deliver(s, range(k, 700, 4)), range(4)))
        self.line.up = False
        s.configure('#url', 'url = http://127.0.0.1:%d' % self.line.port)
        s.again()
        self.until(lambda: self.state(s)['why'])
        # New ones, and what becomes of old ones, come while the history is on its way.
        self.deliver(s, range(700, 710))
        self.deliver(s, [5], labels={})
        self.assertEqual(self.state(s)['queue'], 710)
        self.assertLessEqual(s.number('SELECT count(*) FROM forward_queue'), 256)
        self.line.cut_answers = [300, 450, 900, 1300]
        self.line.up = True
        largest = 0
        while self.center.number('SELECT count(*) FROM crashes') < 710:
            largest = max(largest, s.number('SELECT count(*) FROM forward_queue'))
        self.assertLessEqual(largest, 256 + 64)
        self.deliver(s, range(710, 720))
        self.settled(s)
        self.same(s)
        self.assertEqual(self.state(s)['records'], 720)

    def test_something_between_takes_only_small_requests(self):
        largest, center = 3000, self.center

        class Strict(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                status, kind, data = 413, 'text/plain', b'too large'
                if len(body) <= largest:
                    status, r, data = center.ask('POST', self.path, body, {'Content-Type': self.headers['Content-Type']})
                    kind = r.getheader('Content-Type')
                self.send_response(status)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                pass
        proxy = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Strict)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        s = self.server('ams1', '[forward]\nurl = http://127.0.0.1:%d\nsite = ams1\ninterval = 1s\ngive_up = 1s\n' % proxy.server_port)
        self.deliver(s, range(6))
        s.deliver({'record': record(6), 'dmesg': os.urandom(4000).hex()}, 201)
        self.deliver(s, range(7, 12))
        self.until(lambda: self.state(s)['refused'])
        self.settled(s)
        self.assertEqual([(r['object'], '413' in r['why']) for r in self.state(s)['refusals']], [(7, True)])
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 11)


class Tokens(Case):
    def setUp(self):
        super().setUp()
        self.center.command('user', 'add', 'robin', '--role', 'administrator', given=PASSWORD)
        self.file = os.path.join(self.temp.name, 'token')
        self.center.headers = {'Authorization': 'Bearer ' + self.token('all', 'view,forward,submit')}

    def token(self, name, scope='forward'):
        return self.center.command('token', 'add', name, '--user', 'robin', '--scope', scope).split('\n')[-1]

    def write(self, token):
        with open(self.file + '.new', 'w', encoding='ascii') as f:
            f.write(token + '\n')
        os.chmod(self.file + '.new', 0o600)
        os.rename(self.file + '.new', self.file)

    def test_wrong_then_mended(self):
        self.write('eyrie_t_' + 'x' * 43)
        s = self.site(more='token_file = %s\n' % self.file)
        self.deliver(s, range(20))
        for token, words in ((None, '401'), (self.token('ams1', 'view'), '403'), (self.token('lon2'), 'token is that of the site "lon2"')):
            if token:
                self.write(token)
            self.until(lambda w=words: w in (self.state(s)['why'] or ''))
            self.assertEqual(self.state(s)['queue'], 20)
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 0)
        # Whoever is asked for it by name, without a restart.
        self.write(self.token('ams1'))
        self.settled(s)
        self.same(s)
        s.again()
        self.assertIn('is down, ', s.log)
        self.assertIn('is up again, 20 records', s.log)

    def test_only_who_may(self):
        head = {'schema': 'eyrie/forward/1', 'site': 'ams1', 'url': '', 'stream': 'a' * 32, 'replaces': '', 'base': 0, 'after': 0, 'queue': 0,
                'oldest': 0}
        body, kind = json.dumps(head) + '\n', {'Content-Type': 'application/vnd.eyrie.forward'}
        for headers, status in (({'Authorization': ''}, 401), ({'Authorization': 'Bearer ' + self.token('ams1', 'view,submit')}, 403),
                                ({'Authorization': 'Bearer ' + self.token('lon2')}, 403),
                                ({'Authorization': 'Bearer ' + self.token('ams1')}, 200)):
            self.assertEqual(self.center.ask('POST', '/api/v1/forward', body, dict(kind, **headers))[0], status, headers)
        # It may do that and nothing else.
        self.assertEqual(self.center.ask('GET', '/api/v1/crashes', None, {'Authorization': 'Bearer ' + self.token('ams1')})[0], 403)


class Hostile(Case):
    """Bodies that no site sends."""
    HEAD = {'schema': 'eyrie/forward/1', 'site': 'ams1', 'url': '', 'stream': 'a' * 32, 'replaces': '', 'base': 0, 'after': 0, 'queue': 0,
            'oldest': 0}

    def send(self, *frames, head=None, status=200):
        body = (head if isinstance(head, bytes) else json.dumps(dict(self.HEAD, **(head or {}))).encode()) + b'\n'
        for frame in frames:
            line, data = frame if isinstance(frame, tuple) else (frame, b'')
            body += (line if isinstance(line, bytes) else json.dumps(dict(line, bytes=line.get('bytes', len(data)))).encode()) + b'\n' + data
        got, _, data = self.center.ask('POST', '/api/v1/forward', body, {'Content-Type': 'application/vnd.eyrie.forward'})
        self.assertEqual(got, status, data)
        return json.loads(data)

    def test_bad_batches(self):
        for head in (b'', b'x', b'[]', b'{}', b'{"a":1,"a":2}', b'{' + b'"a":' * 3000, b'\0', {'schema': 'eyrie/forward/2'}, {'site': '../x'},
                     {'site': ''}, {'stream': ''}, {'stream': 'x' * 40}, {'url': 'javascript:alert(1)'}, {'base': -1}, {'after': 'x'}, {'queue': 1.5},
                     {'base': 1 << 63}):
            self.send(head=head, status=400)
        one = {'sequence': 1, 'kind': 'crash', 'origin': 1, 'time': 1}
        for frames in ((dict(one, bytes=5),), (dict(one, bytes=-1),), (dict(one, bytes=1 << 62),), (dict(one, sequence=0),), (one, one),
                       (dict(one, sequence=2), one), (b'{"sequence":1',), (dict(one, dump={'state': 'odd'}),), (dict(one, dump=7),),
                       (dict(one, kind=7),), (dict(one, kind='x' * 5000),), tuple(dict(one, sequence=i + 1) for i in range(65))):
            self.send(*frames, status=400)
        self.assertEqual(self.center.json('/api/v1/sites')['sites'], [])

    def test_refused_records_stop_nobody(self):
        body, kind = multipart({'record': record(1)})
        crash = {'sequence': 3, 'kind': 'crash', 'origin': 7, 'time': 1700000000, 'type': kind,
                 'dump': {'state': 'kept', 'bytes': 5, 'path': 'a/b/c', 'purged': 0}}
        other, _ = multipart({'record': record(2), 'site': 'lon2'})
        answer = self.send(({'sequence': 1, 'kind': 'crash', 'origin': 5, 'time': 1, 'type': kind}, b'no multipart'),
                           {'sequence': 2, 'kind': 'of-tomorrow'}, (crash, body),
                           (dict(crash, sequence=4, origin=8), other),
                           {'sequence': 5, 'kind': 'dump', 'origin': 99, 'time': 1, 'dump': crash['dump']},
                           ({'sequence': 6, 'kind': 'heartbeat', 'time': 1}, b'{}'), ({'sequence': 9, 'kind': 'change', 'time': 1}, b'\0'))
        self.assertEqual(answer['position'], 9)
        self.assertEqual([r['sequence'] for r in answer['refused']], [1, 2, 4, 5, 6, 9])
        self.assertTrue(all(r['why'] for r in answer['refused']))
        self.assertEqual(self.center.number('SELECT count(*) FROM crashes'), 1)
        # The same again is nothing new, and what comes after a gap of numbers is.
        again = self.send((dict(crash, sequence=3), body), {'sequence': 12, 'kind': 'dump', 'origin': 7, 'time': 1,
                                                            'dump': dict(crash['dump'], state='purged', purged=1700000000)}, head={'after': 9})
        self.assertEqual((again['position'], again['refused'], again['failed']), (12, [], None))
        # What was refused is told until the site has confirmed it.
        self.assertEqual(self.send(head={'after': 4})['refused'], answer['refused'][3:])
        self.assertEqual(self.send({'sequence': 13, 'kind': 'gone', 'why': 'it is damaged'}, head={'after': 12})['refused'],
                         [{'sequence': 13, 'why': 'it is damaged'}])
        kept = self.center.json('/api/v1/crashes/1')['dump_state']['sites'][0]
        self.assertEqual((kept['crash'], kept['state'], kept['path']), (7, 'purged', 'a/b/c'))
        # Numbers that do not fit are told, and nothing is taken.
        self.assertEqual(self.send(head={'after': 14})['position'], -1)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
