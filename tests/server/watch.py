#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""eyried for those who watch it: the stream of events, and metrics.

    watch.py EYRIED MAKE_REPOSITORY OPENAPI
"""
import http.client
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api  # noqa: E402


def setUpModule():
    api.setUpModule()


def tearDownModule():
    api.tearDownModule()


class Stream:
    """Server-sent events as they come."""

    def __init__(self, to, query='', headers=None):
        self.c = http.client.HTTPConnection('127.0.0.1', to.port, timeout=30)
        self.c.request('GET', '/api/v1/events' + query, headers=headers or {})
        self.r = self.c.getresponse()
        assert self.r.status == 200, self.r.read()
        assert self.r.getheader('Content-Type') == 'text/event-stream'

    def event(self, kind=None):
        """The next event (of a kind): its id and data; None at the end."""
        fields = {}
        while True:
            line = self.r.readline()
            if not line:
                return None
            line = line.decode().rstrip('\n')
            if line:
                name, _, value = line.partition(': ')
                fields[name] = value
            elif 'data' in fields and kind in (None, fields['event']):
                data = json.loads(fields['data'])
                if fields['event'] != 'reset':
                    api.document.check(data, {'$ref': '#/components/schemas/Event'}, 'event')
                    assert (data['kind'], str(data['id'])) == (fields['event'], fields['id'])
                return data
            elif not line:
                fields = {}

    def close(self):
        self.r.close()
        self.c.close()


class Events(unittest.TestCase):
    def test_what_happens_is_told_and_resumed(self):
        first, second = Stream(api.server), Stream(api.server)
        title = 'It <b>happens</b>\u2028'
        api.Issues.post('', 201, title=title)
        e = first.event('issue')
        self.assertEqual(second.event('issue'), e)
        self.assertEqual(e['text'], 'created')
        second.close()
        for text in ('one', 'two'):
            api.Issues.post('/%d/comments' % e['subject'], text=text)
        again = Stream(api.server, headers={'Last-Event-ID': str(e['id'])})
        for stream in (first, again):
            for _ in range(2):
                self.assertEqual((lambda x: (x['subject'], x['text']))(stream.event('issue')), (e['subject'], 'comment'))
            stream.close()

    def test_from_the_begin(self):
        stream = Stream(api.server, '?last_id=0')
        kinds = set()
        for _ in range(90):
            kinds.add(stream.event()['kind'])
        self.assertIn('crash', kinds)
        self.assertIn('reason', kinds)
        stream.close()
        for query, headers in (('?last_id=-1', {}), ('?last_id=x', {}), ('?other=1', {}), ('', {'Last-Event-ID': 'x'})):
            self.assertEqual(api.server.ask('/api/v1/events' + query, headers=headers)[0], 400)

    def test_many_clients_and_the_limit(self):
        # A server of its own: that a silent client went away is seen when something is sent to it.
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, 'repository'))
            other = api.Server(folder)
            streams = [Stream(other) for _ in range(200)]
            self.assertEqual(other.ask('/api/v1/events')[0], 503)
            other.ask('/api/v1/issues', 'POST', b'{"title":"Told to all","who":"Robin"}', {'Content-Type': 'application/json'})
            for s in streams:
                self.assertEqual(s.event('issue')['text'], 'created')
                s.close()
            self.assertEqual(other.stop()[0], 0)

    def test_streams_end_with_the_server(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, 'repository'))
            other = api.Server(folder)
            stream = Stream(other)
            code, _ = other.stop()
            self.assertEqual(code, 0)
            while stream.event():
                pass


class Metrics(unittest.TestCase):
    """/metrics against the rules of its two formats."""
    NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
    LABELS = r'\{([a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")*)\}'

    def parse(self, text, openmetrics):
        types, samples, current, done = {}, {}, None, set()
        lines = text.split('\n')
        self.assertEqual(lines.pop(), '')
        if openmetrics:
            self.assertEqual(lines.pop(), '# EOF')
        for line in lines:
            m = re.fullmatch('# (HELP|TYPE) (%s) (.+)' % self.NAME, line)
            if m:
                if m.group(2) != current:
                    self.assertNotIn(m.group(2), done, 'a family in two pieces')
                    done.add(m.group(2))
                    current = m.group(2)
                if m.group(1) == 'TYPE':
                    self.assertIn(m.group(3), ('counter', 'gauge', 'histogram'))
                    types[current] = m.group(3)
                continue
            m = re.fullmatch('(%s)(?:%s)? (-?[0-9.]+(?:e[+-]?[0-9]+)?)' % (self.NAME, self.LABELS), line)
            self.assertTrue(m, line)
            kind = types[current]
            suffixes = {'counter': ['_total'] if openmetrics else [''], 'gauge': [''], 'histogram': ['_bucket', '_sum', '_count']}[kind]
            self.assertIn(m.group(1), [current + s for s in suffixes], line)
            self.assertTrue(kind != 'counter' or m.group(1).endswith('_total'))
            self.assertNotIn((m.group(1), m.group(2)), samples, line)
            samples[m.group(1), m.group(2)] = float(m.group(3))
        for name, kind in types.items():
            if kind == 'histogram':
                buckets = [v for (n, _), v in samples.items() if n == name + '_bucket']
                self.assertEqual(buckets, sorted(buckets))
                self.assertEqual(buckets[-1], samples[name + '_count', None])
                self.assertIn((name + '_bucket', 'le="+Inf"'), samples)
        return samples

    def test_both_formats(self):
        for accept, kind in (('text/plain', 'text/plain; version=0.0.4; charset=utf-8'),
                             ('application/openmetrics-text; version=1.0.0,text/plain;q=0.5',
                              'application/openmetrics-text; version=1.0.0; charset=utf-8')):
            api.server.json('/api/v1/crashes?limit=1')
            status, r, data = api.server.ask('/metrics', headers={'Accept': accept})
            self.assertEqual((status, r.getheader('Content-Type')), (200, kind))
            samples = self.parse(data.decode(), 'openmetrics' in kind)
            self.assertEqual(samples['eyrie_crashes_total', 'site="default"'] if ('eyrie_crashes_total', 'site="default"') in samples else 102,
                             sum(v for (n, _), v in samples.items() if n == 'eyrie_crashes_total'))
            self.assertEqual(sum(v for (n, _), v in samples.items() if n == 'eyrie_crashes_by_kind'), 102)
            self.assertEqual(samples['eyrie_database_up', None], 1)
            self.assertGreater(samples['eyrie_http_requests_total', 'method="GET",route="/api/v1/crashes",status="2xx"'], 0)
            self.assertGreater(samples['process_resident_memory_bytes', None], 1 << 20)
            self.assertGreater(samples['eyrie_job_last_success_timestamp_seconds', 'job="populate"'], 1e9)
            self.assertGreater(sum(v for (n, _), v in samples.items() if n == 'eyrie_alerts_active'), 0)
            self.assertGreater(samples['eyrie_hosts', None], 10)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
