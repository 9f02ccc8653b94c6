#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line over the API, against a real eyried.

    ask.py EYRIED MAKE_REPOSITORY OPENAPI EYRIE
"""
import http.server
import json
import os
import pty
import re
import subprocess
import sys
import threading
import unittest

EYRIE = sys.argv.pop(4)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api  # noqa: E402

HOSTILE = 'It <b>burns</b> \u202e日本語'


CONFIG = ''


def eyrie(*args, status=0, width=None, center=None):
    env = dict(os.environ, COLUMNS=str(width or ''))
    r = subprocess.run([EYRIE, *args, '--config', CONFIG] + (['--center', center] if center else []),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    assert r.returncode == status, (args, r.returncode, r.stdout, r.stderr)
    return r.stdout if not status else r.stderr


def setUpModule():
    global CONFIG
    api.setUpModule()
    CONFIG = os.path.join(api.temp.name, 'client.conf')
    with open(CONFIG, 'w') as f:
        f.write('[client]\nurl = http://127.0.0.1:%d\n' % api.server.port)


def tearDownModule():
    api.tearDownModule()


class Ask(unittest.TestCase):
    def test_lists(self):
        for noun, key in (('crash', 'crashes'), ('reason', 'reasons'), ('issue', 'issues'), ('host', 'hosts'), ('alert', 'alerts')):
            rows = api.server.json('/api/v1/%s?limit=1000' % key)[key]
            # JSON is the API's own.
            self.assertEqual([sorted(r) for r in json.loads(eyrie(noun, 'list', '--json', '--limit', '1000'))[key]], [sorted(r) for r in rows])
            pages = [json.loads(line) for line in eyrie(noun, 'list', '--json', '--limit', '2', '--all').splitlines()]
            self.assertEqual([r['id'] for p in pages for r in p[key]], [r['id'] for r in rows])
            table = eyrie(noun, 'list', '--all').splitlines()
            self.assertEqual([int(line.split()[0]) for line in table[1:]], [r['id'] for r in rows])
            self.assertTrue(table[0].split()[0] == 'ID', table[0])
            for width in (60, 100):
                for line in eyrie(noun, 'list', '--all', width=width).splitlines():
                    self.assertLessEqual(len(line), width + 1)

    def test_every_filter_of_the_api_is_an_option(self):
        for noun, path in (('crash', 'crashes'), ('reason', 'reasons'), ('issue', 'issues'), ('host', 'hosts'), ('alert', 'alerts')):
            page = eyrie(noun, '--help')
            for p in api.document.doc['paths']['/api/v1/' + path]['get']['parameters']:
                if p['name'] in ('cursor', 'limit', 'who'):
                    continue
                option = '--' + p['name'].replace('_', '-')
                self.assertRegex(page, option + r'\b', (noun, option))
                value = str(api.document.samples(p)[0])
                eyrie(noun, 'list', option + '=' + value)
                got = json.loads(eyrie(noun, 'list', option, value, '--json'))
                want = api.server.json('/api/v1/%s?%s' % (path, api.urllib.parse.urlencode({p['name']: value})))
                # Alerts are brought up to date meanwhile.
                self.assertEqual([r['id'] for r in got[path]], [r['id'] for r in want[path]], option)

    def test_show_and_parts(self):
        crash = api.server.json('/api/v1/crashes?limit=1')['crashes'][0]
        n = str(crash['id'])
        self.assertEqual(json.loads(eyrie('crash', 'show', n, '--json'))['crash'], crash)
        text = eyrie('crash', 'show', n)
        self.assertRegex(text, r'(?m)^kernel +%s$' % re.escape(crash['kernel']))
        self.assertRegex(text, r'(?m)^host +%s$' % re.escape(crash['host']['name']))
        for part in ('log', 'analysis', 'record'):
            self.assertEqual(eyrie('crash', part, n).encode(), api.server.ask('/api/v1/crashes/%s/%s' % (n, part))[2])
        for noun in ('reason', 'host', 'alert', 'issue'):
            eyrie(noun, 'show', '1')
        self.assertIn('crashes', eyrie('overview'))

    def test_the_life_of_an_issue(self):
        made = json.loads(eyrie('issue', 'create', '--title', HOSTILE, '--why', 'seen', '--who', 'Robin', '--json'))
        n = str(made['issue']['id'])
        self.assertEqual(made['issue']['title'], HOSTILE)
        self.assertEqual(made['history'][0]['who'], 'Robin')
        text = eyrie('issue', 'list') + eyrie('issue', 'show', n)
        self.assertNotIn('\x1b', text)
        self.assertNotIn('\u202e', text)
        self.assertIn('日本語', text)
        eyrie('issue', 'set', n, '--state', 'fix-available', '--vendor-case', '4711', '--version', '1')
        self.assertIn('somebody changed', eyrie('issue', 'set', n, '--owner', 'Kim', '--version', '1', status=2))
        eyrie('issue', 'comment', n, '--who', 'Kim', 'two\nlines')
        eyrie('issue', 'assign', n, '--add', '1')
        eyrie('issue', 'fix', n, '--distribution', 'debian', '--package', 'linux', '--format', 'dpkg', '--fixed-in', '6.1.999-1')
        page = json.loads(eyrie('issue', 'rule', n, '--function', 'ext4_*', '--json'))
        self.assertEqual((len(page['reasons']), len(page['fixes']), len(page['rules'])), (1, 1, 1))
        eyrie('issue', 'rule', n, '--remove', str(page['rules'][0]['id']))
        page = json.loads(eyrie('issue', 'assign', n, '--remove', '1', '--json'))
        self.assertEqual((page['reasons'], page['rules'], page['history'][-1]['what']), ([], [], 'created'))

    def test_changes_of_others(self):
        self.assertIn('maintenance', eyrie('host', 'life', '1', 'maintenance', '--why', 'new memory'))
        alert = api.server.json('/api/v1/alerts?state=firing')['alerts'][-1]
        self.assertEqual(json.loads(eyrie('alert', 'ack', str(alert['id']), '--who', 'Kim', '--json'))['alert']['who'], 'Kim')

    def test_exit_codes(self):
        for args in (('crash',), ('crash', 'nope'), ('crash', 'show'), ('crash', 'list', '--nope=1'), ('crash', 'list', '--limit'),
                     ('crash', 'show', '1', '2'), ('issue', 'set', '1', '--version', 'x')):
            self.assertRegex(eyrie(*args, status=1), '^eyrie ')
        for args in (('crash', 'show', '999999'), ('crash', 'show', '../hosts'), ('crash', 'list', '--limit', '0'), ('crash', 'list', '--since', 'x'),
                     ('issue', 'create', '--title', ''), ('alert', 'ack', '999999')):
            self.assertEqual(eyrie(*args, status=2).count('\n'), 1)
        self.assertEqual(eyrie('crash', 'list', status=3, center='http://127.0.0.1:1').count('\n'), 1)
        self.assertEqual(eyrie('crash', 'list', status=1, center='http://center.example.com').count('\n'), 1)

    def test_a_terminal_is_never_obeyed(self):
        """Even where the center itself is hostile."""
        bad = '\x1b[31m \x9b31m \u202e \x07 \x7f burns'

        class Center(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                row = {'id': 1, 'title': bad, bad: bad, 'name': bad}
                body = json.dumps({'issue': row, 'issues': [row], bad: [row, bad], 'next': None}).encode()
                if self.path.endswith('/log'):
                    body = bad.encode()
                self.send_response(200 if '2' not in self.path else 400)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        center = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Center)
        threading.Thread(target=center.serve_forever, daemon=True).start()
        for args in (('issue', 'list'), ('issue', 'show', '1'), ('crash', 'log', '1'), ('issue', 'show', '2')):
            pid, fd = pty.fork()
            if not pid:
                os.environ.pop('COLUMNS', None)
                os.execv(EYRIE, [EYRIE, *args, '--config', CONFIG, '--center', 'http://127.0.0.1:%d' % center.server_address[1]])
            out = b''
            while True:
                try:
                    part = os.read(fd, 65536)
                except OSError:
                    break
                if not part:
                    break
                out += part
            os.close(fd)
            os.waitpid(pid, 0)
            text = out.decode()
            self.assertNotRegex(text, '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]', args)
            self.assertTrue('burns' in text or '2' in args, text)
        center.shutdown()
        center.server_close()

    def test_events_are_followed(self):
        p = subprocess.Popen([EYRIE, 'events', '--json', '--last-id', '0', '--config', CONFIG, '--center', 'http://127.0.0.1:%d' % api.server.port],
                             stdout=subprocess.PIPE, text=True)
        first = json.loads(p.stdout.readline())
        self.assertEqual(first['id'], 1)
        made = json.loads(eyrie('issue', 'create', '--title', 'Followed', '--json'))['issue']['id']
        while True:
            event = json.loads(p.stdout.readline())
            if (event['kind'], event['subject']) == ('issue', made):
                break
        p.terminate()
        p.wait()
        p.stdout.close()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
