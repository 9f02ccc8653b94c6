#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody in who does not belong: sign-in, sessions, roles, tokens, hosts, proxy, audit log.

    access.py EYRIED MAKE_REPOSITORY OPENAPI

docs/security.md names these tests, a threat each.
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
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import openapi  # noqa: E402

EYRIED, MAKE_REPOSITORY, OPENAPI = sys.argv[1:4]
PASSWORD = 'correct horse battery'
ID, OTHER_ID = '0123456789abcdef' * 2, 'fedcba9876543210' * 2
document = openapi.Document(OPENAPI)
secrets = {PASSWORD}


def database(folder):
    address = os.environ.get('EYRIE_TEST_POSTGRES')
    if not address:
        return 'path = %s/eyrie.db' % folder
    schema = re.sub(r'\W', '_', folder).lower()
    subprocess.run(['psql', '-q', '-c', 'CREATE SCHEMA "%s"' % schema, address], check=True)
    return "connection = %s options='-c search_path=%s'" % (address, schema)


class Center:
    """A configuration, its commands, and eyrieds on it."""

    def __init__(self, extra='', crashes=0):
        self.temp = tempfile.TemporaryDirectory(prefix='eyrie-access-')
        self.conf = os.path.join(self.temp.name, 'eyrie.conf')
        repository = os.path.join(self.temp.name, 'repository')
        if crashes:
            subprocess.run([sys.executable, MAKE_REPOSITORY, '--crashes', str(crashes), '--outbreak', '3', '--hosts', '5',
                            repository], check=True)
        else:
            os.mkdir(repository)
        with open(self.conf, 'w') as f:
            f.write('[repository]\npath = %s\n[database]\n%s\n[server]\nlisten = 127.0.0.1:0\n%s\n' % (
                repository, database(self.temp.name), extra))
        self.servers, self.logs = [], []

    def start(self):
        p = subprocess.Popen([EYRIED, 'serve', '--config', self.conf], stderr=subprocess.PIPE, text=True)
        log = ''
        while 'console and API at' not in log:
            line = p.stderr.readline()
            assert line, 'eyried did not start: ' + log
            log += line
        self.servers.append((p, log))
        return Client(int(re.search(r':(\d+)/', log).group(1)))

    def command(self, *args, given=None, code=0):
        r = subprocess.run([EYRIED, *args, '--config', self.conf], input=given, capture_output=True, text=True)
        assert r.returncode == code, (args, r.returncode, r.stdout, r.stderr)
        return r.stdout.strip() if not code else r.stderr

    def user(self, name, role='viewer', *more):
        self.command('user', 'add', name, '--role', role, *more, given=PASSWORD + '\n')

    def key(self, *more):
        secret = self.command('enroll-key', 'add', 'rack 7', '--site', 'ams1', *more)
        secrets.add(secret)
        return secret

    def stop(self):
        for p, log in self.servers:
            p.send_signal(signal.SIGTERM)
            log += p.stderr.read()
            p.stderr.close()
            self.logs.append(log)
            assert p.wait(30) == 0, log
            assert 'Sanitizer' not in log and 'runtime error' not in log, log
        self.temp.cleanup()
        # No secret in a log.
        for log in self.logs:
            for s in secrets:
                assert s not in log, 'a secret is in the log'


class Client:
    """Somebody: a cookie, a token, headers."""

    def __init__(self, port):
        self.port, self.headers, self.cookie = port, {}, None

    def ask(self, method, path, body=None, **headers):
        h = dict(self.headers)
        if self.cookie:
            h['Cookie'] = 'theme=dark; ' + self.cookie
        if body is not None:
            h['Content-Type'] = 'application/json'
            body = json.dumps(body)
        h.update({k.replace('_', '-'): v for k, v in headers.items()})
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        c.request(method, path, body, {k: v for k, v in h.items() if v is not None})
        r = c.getresponse()
        data = r.read()
        c.close()
        document.check_answer(method, path, r.status, r.getheader('Content-Type'), data)
        return r.status, r, data

    def status(self, method, path, body=None, **headers):
        return self.ask(method, path, body, **headers)[0]

    def json(self, method, path, body=None, **headers):
        status, _, data = self.ask(method, path, body, **headers)
        assert status in (200, 201), (status, data)
        return json.loads(data)

    def another(self, **headers):
        c = Client(self.port)
        c.headers = {k.replace('_', '-'): v for k, v in headers.items()}
        return c

    def sign_in(self, name, password=PASSWORD):
        status, r, data = self.ask('POST', '/api/v1/session', {'name': name, 'password': password})
        if status == 200:
            self.set_cookie = r.getheader('Set-Cookie')
            self.cookie = self.set_cookie.split(';')[0]
            self.headers['X-Eyrie-CSRF'] = json.loads(data)['csrf']
            secrets.add(self.cookie.split('=', 1)[1])
        return status

    def bearer(self, token):
        secrets.add(token)
        return self.another(Authorization='Bearer ' + token)


class Case(unittest.TestCase):
    extra = ''

    def setUp(self):
        self.center = Center(self.extra)
        self.addCleanup(self.center.stop)
        self.anybody = self.center.start()

    def person(self, name, role, *more):
        self.center.user(name, role, *more)
        c = self.anybody.another()
        self.assertEqual(c.sign_in(name), 200)
        return c


ISSUE = {'title': 'It crashes'}


class FirstUse(Case):
    def test_this_machine_until_there_is_a_user(self):
        self.assertIn('everybody on this machine is administrator', self.center.servers[0][1] + self.center.servers[0][0].stderr.readline())
        me = self.anybody.json('GET', '/api/v1/session')
        self.assertEqual((me['kind'], 'download' in me['permissions']), ('local', True))
        self.assertEqual(self.anybody.status('GET', '/api/v1/crashes'), 200)
        # What a proxy hands on comes from anywhere, and a token that is none is nobody.
        for header in ('X_Forwarded_For', 'Forwarded', 'Via', 'X_Real_IP'):
            self.assertEqual(self.anybody.status('GET', '/api/v1/crashes', **{header: '127.0.0.1'}), 401, header)
        self.assertEqual(self.anybody.status('GET', '/api/v1/crashes', Authorization='Bearer eyrie_t_' + 'x' * 43), 401)
        self.center.user('robin')
        self.assertEqual(self.anybody.status('GET', '/api/v1/crashes'), 401)
        self.assertEqual(self.anybody.json('GET', '/api/v1/session')['kind'], 'anonymous')
        self.center.command('user', 'disable', 'robin')
        self.assertEqual(self.anybody.status('GET', '/api/v1/crashes'), 401)


class NoLocalAdministrator(Case):
    extra = '[auth]\nlocal_administrator = no'

    def test_it_can_be_shut_from_the_beginning(self):
        self.assertEqual(self.anybody.status('GET', '/api/v1/crashes'), 401)
        self.assertEqual(self.anybody.status('GET', '/healthz'), 200)


class SignIn(Case):
    def test_sign_in_and_out(self):
        robin = self.person('robin', 'engineer')
        self.assertRegex(robin.set_cookie, r'^eyrie=eyrie_s_[\w-]{43}; Path=/; HttpOnly; SameSite=Strict$')
        me = robin.json('GET', '/api/v1/session')
        self.assertEqual((me['kind'], me['name'], me['permissions']), ('person', 'robin', ['view', 'triage', 'merge']))
        self.assertEqual(robin.status('DELETE', '/api/v1/session', X_Eyrie_CSRF=None), 403)
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 200)
        self.assertEqual(robin.status('DELETE', '/api/v1/session'), 200)
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 401)

    def test_a_stream_of_events_ends_with_what_let_it_in(self):
        local = self.follow(self.anybody)
        robin, kim = self.person('robin', 'viewer'), self.person('kim', 'viewer')
        self.assertTrue(self.ends(local), 'this machine is let in no more')
        token = robin.json('POST', '/api/v1/tokens', {'name': 'ci', 'scopes': ['view']})
        of_token, of_kim = self.follow(self.anybody.bearer(token['secret'])), self.follow(kim)
        other, stays = self.anybody.another(), self.follow(robin)
        self.assertEqual(other.sign_in('robin'), 200)
        signed_out = self.follow(other)
        self.assertEqual(other.status('DELETE', '/api/v1/session'), 200)
        self.assertTrue(self.ends(signed_out))
        self.center.command('user', 'disable', 'kim')
        self.assertTrue(self.ends(of_kim))
        self.assertEqual(robin.status('DELETE', '/api/v1/tokens/%d' % token['token']['id']), 200)
        self.assertTrue(self.ends(of_token))
        # All of them were looked at more than once meanwhile: whose session goes on is still told.
        self.person('root', 'engineer').json('POST', '/api/v1/issues', ISSUE)
        while b'event: issue' not in (line := stays.readline()):
            self.assertTrue(line, 'it ended')
        stays.close()

    def follow(self, client):
        """The stream of events, open: its first line was read."""
        c = http.client.HTTPConnection('127.0.0.1', client.port, timeout=60)
        headers = dict(client.headers)
        if client.cookie:
            headers['Cookie'] = client.cookie
        c.request('GET', '/api/v1/events', headers=headers)
        r = c.getresponse()
        self.assertEqual(r.status, 200)
        self.assertEqual(r.readline(), b'retry: 3000\n')
        self.addCleanup(c.close)
        return r

    @staticmethod
    def ends(stream):
        while stream.readline():
            pass
        return True

    def test_unknown_and_known_names_look_the_same(self):
        self.center.user('robin')
        self.center.user('proxied', 'viewer', '--no-password')
        self.center.user('gone')
        self.center.command('user', 'disable', 'gone')
        answers, times = set(), {}
        for name in ('robin', 'nobody', 'proxied', 'gone'):
            start = time.process_time(), time.monotonic()
            status, _, data = self.anybody.ask('POST', '/api/v1/session', {'name': name, 'password': 'wrong wrong wrong'})
            times[name] = time.monotonic() - start[1]
            answers.add((status, data))
        self.assertEqual(answers, {(401, b'{"error":{"status":401,"message":"name or password is wrong"}}')})
        self.assertEqual(self.anybody.status('POST', '/api/v1/session', {'name': 'gone', 'password': PASSWORD}), 401)
        # Each has run argon2id over 64 MiB, which no answer without it could take.
        self.assertGreater(min(times.values()), 0.01, times)

    def test_guessing_is_slowed_down_per_account_on_all_servers(self):
        self.center.user('robin')
        self.center.user('kim')
        other = self.center.start()
        for i in range(10):
            self.assertEqual((self.anybody, other)[i % 2].sign_in('robin', 'wrong wrong %d' % i), 401)
        self.assertEqual(self.anybody.sign_in('robin'), 429)
        status, r, _ = other.ask('POST', '/api/v1/session', {'name': 'robin', 'password': PASSWORD})
        self.assertEqual((status, r.getheader('Retry-After')), (429, '900'))
        self.assertEqual(other.sign_in('kim'), 200)
        # The administrator need not wait.
        self.center.command('user', 'passwd', 'robin', given='another long password\n')
        self.assertEqual(other.sign_in('robin', 'another long password'), 200)

    def test_guessing_is_slowed_down_per_address(self):
        seen = [self.anybody.sign_in('user%d' % i, 'wrong wrong wrong') for i in range(52)]
        self.assertEqual(seen, [401] * 50 + [429] * 2)

    def test_sessions_end_with_password_and_account(self):
        robin = self.person('robin', 'viewer')
        self.center.command('user', 'passwd', 'robin', given='another long password\n')
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 401)
        self.assertEqual(robin.sign_in('robin', 'another long password'), 200)
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 200)
        self.center.command('user', 'disable', 'robin')
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 401)
        self.assertEqual(robin.sign_in('robin', 'another long password'), 401)
        self.center.command('user', 'enable', 'robin')
        self.assertEqual(robin.sign_in('robin', 'another long password'), 200)

    def test_bad_passwords_and_names_are_refused(self):
        self.assertIn('12 to 1024', self.center.command('user', 'add', 'robin', given='short\n', code=2))
        for name in ('', '-x', 'a b', 'a' * 65, 'ä', '../x', 'a\n'):
            self.center.command('user', 'add', '--', name, given=PASSWORD + '\n', code=1)
        self.center.user('robin')
        self.assertIn('already', self.center.command('user', 'add', 'robin', given=PASSWORD + '\n', code=2))
        self.center.command('user', 'add', 'kim', '--role', 'king', given=PASSWORD + '\n', code=1)
        self.center.command('user', 'add', 'kim', '--grant', 'fly', given=PASSWORD + '\n', code=1)

    def test_a_page_of_another_site_changes_nothing(self):
        robin = self.person('robin', 'engineer')
        for headers in ({'Sec_Fetch_Site': 'cross-site'}, {'Origin': 'https://evil.example.com'}, {'X_Eyrie_CSRF': None},
                        {'X_Eyrie_CSRF': '0' * 64}, {'X_Eyrie_CSRF': ''}):
            self.assertEqual(robin.status('POST', '/api/v1/issues', ISSUE, **headers), 403, headers)
        kim = self.person('kim', 'engineer')
        self.assertEqual(robin.status('POST', '/api/v1/issues', ISSUE, X_Eyrie_CSRF=kim.headers['X-Eyrie-CSRF']), 403)
        self.assertEqual(robin.json('GET', '/api/v1/issues')['issues'], [])
        self.assertEqual(robin.status('POST', '/api/v1/issues', ISSUE), 201)

    def test_histories_name_who_signed_in(self):
        robin = self.person('robin', 'engineer')
        page = robin.json('POST', '/api/v1/issues', dict(ISSUE, who='The Boss'))
        self.assertEqual(page['history'][0]['who'], 'robin')

    def test_stored_sessions_and_tokens_are_hashes(self):
        if os.environ.get('EYRIE_TEST_POSTGRES'):
            self.skipTest('looks into the file')
        robin = self.person('robin', 'engineer')
        made = robin.json('POST', '/api/v1/tokens', {'name': 'ci', 'scopes': ['view']})
        secrets.add(made['secret'])
        key = self.center.key()
        files = b''
        for name in os.listdir(self.center.temp.name):
            if name.startswith('eyrie.db'):
                with open(os.path.join(self.center.temp.name, name), 'rb') as f:
                    files += f.read()
        self.assertIn(b'$argon2id$', files)
        for s in (PASSWORD, robin.cookie.split('=')[1], made['secret'], key):
            self.assertNotIn(s.encode(), files)


class Expiry(Case):
    extra = '[auth]\nsession_idle = 2s\nsession_lifetime = 1h'

    def test_an_idle_session_ends(self):
        robin = self.person('robin', 'viewer')
        until = time.monotonic() + 60
        time.sleep(3)
        while robin.status('GET', '/api/v1/crashes') == 200 and time.monotonic() < until:
            time.sleep(3)
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 401)


class Roles(Case):
    def test_what_each_role_may(self):
        may = {'viewer': {'view'}, 'engineer': {'view', 'triage', 'merge'},
               'operator': {'view', 'triage', 'merge', 'operate', 'submit'},
               'administrator': {'view', 'triage', 'merge', 'download', 'operate', 'administer', 'submit', 'forward'}}
        for role, expected in may.items():
            c = self.person(role, role)
            self.assertEqual(set(c.json('GET', '/api/v1/session')['permissions']), expected)
            self.assertEqual(c.status('GET', '/api/v1/crashes'), 200)
            self.assertEqual(c.status('POST', '/api/v1/issues', ISSUE), 201 if 'triage' in expected else 403, role)
            self.assertEqual(c.status('GET', '/api/v1/audit'), 200 if 'administer' in expected else 403, role)
        c = self.person('granted', 'viewer', '--grant', 'download')
        self.assertEqual(set(c.json('GET', '/api/v1/session')['permissions']), {'view', 'download'})
        self.center.command('user', 'role', 'granted', '--role', 'engineer')
        self.assertEqual(set(c.json('GET', '/api/v1/session')['permissions']), may['engineer'])


class Tokens(Case):
    def test_tokens_have_scopes_and_end(self):
        robin = self.person('robin', 'engineer')
        self.assertEqual(robin.status('POST', '/api/v1/tokens', {'name': 'x', 'scopes': ['administer']}), 403)
        for body in ({'name': 'x'}, {'name': 'x', 'scopes': []}, {'name': 'x', 'scopes': ['fly']}, {'name': '', 'scopes': ['view']},
                     {'name': 'x', 'scopes': ['view'], 'days': 0}, {'name': 'x', 'scopes': ['view'], 'days': 99999}):
            self.assertEqual(robin.status('POST', '/api/v1/tokens', body), 400, body)
        made = robin.json('POST', '/api/v1/tokens', {'name': 'ci', 'scopes': ['view'], 'days': 1})
        self.assertRegex(made['secret'], r'^eyrie_t_[\w-]{43}$')
        ci = self.anybody.bearer(made['secret'])
        self.assertEqual(ci.json('GET', '/api/v1/session')['permissions'], ['view'])
        self.assertEqual(ci.status('GET', '/api/v1/crashes'), 200)
        self.assertEqual(ci.status('POST', '/api/v1/issues', ISSUE), 403)
        # A token makes no tokens: it would outlive its end.
        self.assertEqual(ci.status('POST', '/api/v1/tokens', {'name': 'y', 'scopes': ['view']}), 403)
        self.assertEqual(ci.status('DELETE', '/api/v1/tokens/%d' % made['token']['id']), 403)
        listed = robin.json('GET', '/api/v1/tokens')['tokens']
        self.assertEqual([(t['name'], t['scopes'], t['last_used'] is not None) for t in listed], [('ci', ['view'], True)])
        self.assertNotIn(made['secret'], json.dumps(listed))
        kim = self.person('kim', 'engineer')
        self.assertEqual(kim.status('DELETE', '/api/v1/tokens/%d' % made['token']['id']), 404)
        self.assertEqual(robin.status('DELETE', '/api/v1/tokens/%d' % made['token']['id']), 200)
        self.assertEqual(ci.status('GET', '/api/v1/crashes'), 401)

    def test_a_token_never_may_more_than_its_person(self):
        self.center.user('robin', 'operator')
        token = self.center.command('token', 'add', 'ops', '--user', 'robin', '--scope', 'view,triage,administer')
        c = self.anybody.bearer(token)
        self.assertEqual(c.json('GET', '/api/v1/session')['permissions'], ['view', 'triage'])
        self.center.command('user', 'role', 'robin', '--role', 'viewer')
        self.assertEqual(c.status('POST', '/api/v1/issues', ISSUE), 403)
        self.center.command('user', 'disable', 'robin')
        self.assertEqual(c.status('GET', '/api/v1/crashes'), 401)

    def test_a_token_ends_at_its_day(self):
        self.center.user('robin')
        token = self.center.command('token', 'add', 'old', '--user', 'robin', '--days', '1')
        secrets.add(token)
        listed = self.center.command('token', 'list', '--user', 'robin')
        self.assertNotIn(token, listed)
        c = self.anybody.bearer(token)
        self.assertEqual(c.status('GET', '/api/v1/crashes'), 200)
        os.environ['EYRIE_NOW'] = str(int(time.time()) + 2 * 86400)
        try:
            later = self.center.start()
        finally:
            del os.environ['EYRIE_NOW']
        self.assertEqual(later.bearer(token).status('GET', '/api/v1/crashes'), 401)
        self.center.command('token', 'revoke', re.search(r'^(\d+)', listed.split('\n')[1]).group(1))
        self.assertEqual(c.status('GET', '/api/v1/crashes'), 401)


class People(Case):
    """Administrators change people, keys and hosts' tokens; nobody else does."""
    NEW = 'another long password'

    def setUp(self):
        super().setUp()
        secrets.add(self.NEW)

    def test_administrators_add_change_and_shut_out_people(self):
        root = self.person('root', 'administrator')
        made = root.json('POST', '/api/v1/users', {'name': 'kim', 'role': 'viewer', 'grants': ['download'], 'password': PASSWORD})
        self.assertEqual((made['role'], made['grants'], made['password'], made['last_sign_in']), ('viewer', ['download'], True, None))
        user = '/api/v1/users/%d/' % made['id']
        kim = self.anybody.another()
        self.assertEqual(kim.sign_in('kim'), 200)
        self.assertEqual(kim.json('GET', '/api/v1/session')['permissions'], ['view', 'download'])
        root.json('POST', user + 'role', {'role': 'operator'})
        self.assertEqual(kim.json('GET', '/api/v1/session')['permissions'], ['view', 'triage', 'merge', 'operate', 'submit'])
        root.json('POST', user + 'password', {'password': self.NEW})
        self.assertEqual(kim.status('GET', '/api/v1/crashes'), 401)
        self.assertEqual((kim.sign_in('kim'), kim.sign_in('kim', self.NEW)), (401, 200))
        self.assertTrue(root.json('POST', user + 'disable', {})['disabled'])
        self.assertEqual((kim.status('GET', '/api/v1/crashes'), kim.sign_in('kim', self.NEW)), (401, 401))
        self.assertFalse(root.json('POST', user + 'enable', {})['disabled'])
        self.assertEqual(kim.sign_in('kim', self.NEW), 200)
        proxied = root.json('POST', '/api/v1/users', {'name': 'a@b.example', 'role': 'viewer', 'password': None})
        self.assertFalse(proxied['password'])
        self.assertEqual([u['name'] for u in root.json('GET', '/api/v1/users')['users']], ['a@b.example', 'kim', 'root'])
        rows = root.json('GET', '/api/v1/audit?action=user.')['audit']
        self.assertEqual([(r['action'], r['who'], r['object'], r['detail']) for r in rows if r['kind'] == 'person'], [
            ('user.add', 'root', 'a@b.example', 'viewer'), ('user.enable', 'root', 'kim', None), ('user.disable', 'root', 'kim', None),
            ('user.passwd', 'root', 'kim', None), ('user.role', 'root', 'kim', 'operator'), ('user.add', 'root', 'kim', 'viewer')])

    def test_bad_people_are_refused(self):
        root = self.person('root', 'administrator')
        good = {'name': 'kim', 'role': 'viewer', 'password': PASSWORD}
        for bad in ({'name': 'a b'}, {'name': '../x'}, {'name': ''}, {'name': 'x' * 65}, {'name': '<b>'}, {'name': 'root'}, {'role': 'king'},
                    {'role': 5}, {'grants': ['fly']}, {'grants': 'view'}, {'password': 'short'}, {'password': 'x' * 1025}, {'x': 1}):
            self.assertEqual(root.status('POST', '/api/v1/users', dict(good, **bad)), 400, bad)
        for path, body in (('role', {'role': 'viewer'}), ('disable', {}), ('password', {'password': self.NEW})):
            self.assertEqual(root.status('POST', '/api/v1/users/999/' + path, body), 404)
            # Whoever changes people stays an administrator.
            self.assertEqual(root.status('POST', '/api/v1/users/1/' + path, body), 403)
        self.assertEqual([u['name'] for u in root.json('GET', '/api/v1/users')['users']], ['root'])

    def test_neither_tokens_nor_this_machine_make_people(self):
        body = {'name': 'kim', 'role': 'administrator', 'password': PASSWORD}
        status, _, data = self.anybody.ask('POST', '/api/v1/users', body)
        self.assertEqual((status, b'eyrie user add' in data), (403, True))
        root = self.person('root', 'administrator')
        token = root.json('POST', '/api/v1/tokens', {'name': 'ci', 'scopes': ['administer']})
        ci = self.anybody.bearer(token['secret'])
        self.assertEqual((ci.status('GET', '/api/v1/users'), ci.status('POST', '/api/v1/users', body)), (200, 403))
        self.assertEqual(ci.status('POST', '/api/v1/password', {'old': PASSWORD, 'new': self.NEW}), 403)

    def test_only_administrators(self):
        self.center.user('root', 'administrator')
        kim = self.person('kim', 'operator')
        for path in ('users', 'enroll-keys', 'host-tokens'):
            self.assertEqual(kim.status('GET', '/api/v1/' + path), 403, path)
        self.assertEqual(kim.status('POST', '/api/v1/users', {'name': 'x', 'role': 'viewer'}), 403)
        for path in ('role', 'disable', 'enable', 'password'):
            self.assertEqual(kim.status('POST', '/api/v1/users/1/' + path, {}), 403, path)
        self.assertEqual(kim.status('POST', '/api/v1/enroll-keys', {'name': 'x'}), 403)
        for path in ('enroll-keys/1', 'host-tokens/1'):
            self.assertEqual(kim.status('DELETE', '/api/v1/' + path), 403, path)

    def test_ones_own_password(self):
        kim = self.person('kim', 'viewer')
        other = self.anybody.another()
        self.assertEqual(other.sign_in('kim'), 200)
        self.assertEqual(kim.status('POST', '/api/v1/password', {'old': 'wrong wrong wrong', 'new': self.NEW}), 403)
        for bad in ({}, {'old': PASSWORD}, {'old': PASSWORD, 'new': 'short'}, {'old': PASSWORD, 'new': self.NEW, 'name': 'root'}):
            self.assertEqual(kim.status('POST', '/api/v1/password', bad), 400, bad)
        self.assertEqual(kim.status('POST', '/api/v1/password', {'old': PASSWORD, 'new': self.NEW}, X_Eyrie_CSRF=None), 403)
        status, r, data = kim.ask('POST', '/api/v1/password', {'old': PASSWORD, 'new': self.NEW})
        self.assertEqual((status, json.loads(data)['name']), (200, 'kim'))
        # This session goes on, the others are over.
        self.assertEqual((kim.status('GET', '/api/v1/crashes'), other.status('GET', '/api/v1/crashes')), (401, 401))
        kim.cookie = r.getheader('Set-Cookie').split(';')[0]
        secrets.add(kim.cookie.split('=', 1)[1])
        kim.headers['X-Eyrie-CSRF'] = json.loads(data)['csrf']
        self.assertEqual(kim.status('GET', '/api/v1/crashes'), 200)
        self.assertEqual((other.sign_in('kim'), other.sign_in('kim', self.NEW)), (401, 200))
        root = self.person('root', 'administrator')
        actions = [r['action'] for r in root.json('GET', '/api/v1/audit?who=kim')['audit']]
        self.assertEqual(actions, ['sign-in', 'sign-in', 'user.passwd', 'sign-in.failed', 'sign-in', 'sign-in'])

    def test_guessing_ones_password_is_slowed_down(self):
        kim = self.person('kim', 'viewer')
        guesses = [kim.status('POST', '/api/v1/password', {'old': 'wrong wrong %d' % i, 'new': self.NEW}) for i in range(11)]
        self.assertEqual(guesses, [403] * 10 + [429])

    def test_keys_and_hosts_tokens(self):
        root = self.person('root', 'administrator')
        made = root.json('POST', '/api/v1/enroll-keys', {'name': 'rack 7', 'site': 'ams1', 'uses': 2, 'days': 7})
        secrets.add(made['secret'])
        self.assertEqual((made['enroll_key']['site'], made['enroll_key']['max_uses'], made['enroll_key']['uses']), ('ams1', 2, 0))
        for bad in ({}, {'name': ''}, {'name': 'x', 'site': '../x'}, {'name': 'x', 'uses': -1}, {'name': 'x', 'uses': 2 ** 40},
                    {'name': 'x', 'days': 0}, {'name': 'x', 'days': 99999}, {'name': 'x', 'who': 'root'}):
            self.assertEqual(root.status('POST', '/api/v1/enroll-keys', bad), 400, bad)
        tokens = []
        for n in (1, 2):
            body = {'hostname': 'web-0%d' % n, 'machine_id': '%032x' % n}
            tokens.append(self.anybody.bearer(made['secret']).json('POST', '/api/v1/enroll', body)['token'])
            secrets.add(tokens[-1])
        [key] = root.json('GET', '/api/v1/enroll-keys')['enroll_keys']
        self.assertEqual((key['name'], key['uses'], key['revoked']), ('rack 7', 2, None))
        self.assertEqual(root.json('DELETE', '/api/v1/enroll-keys/%d' % key['id']), {'revoked': key['id']})
        self.assertEqual(root.status('DELETE', '/api/v1/enroll-keys/%d' % key['id']), 404)
        page = root.json('GET', '/api/v1/host-tokens?limit=1')
        rest = root.json('GET', '/api/v1/host-tokens?limit=1&cursor=' + page['next'])
        self.assertEqual([t['host'] for t in page['host_tokens'] + rest['host_tokens']], ['web-02', 'web-01'])
        [one] = root.json('GET', '/api/v1/host-tokens?host=web-01')['host_tokens']
        kinds = lambda: [self.anybody.bearer(t).json('GET', '/api/v1/session')['kind'] for t in tokens]
        self.assertEqual(kinds(), ['host', 'host'])
        self.assertEqual(root.status('DELETE', '/api/v1/host-tokens/%d' % one['id']), 200)
        self.assertEqual(kinds(), ['anonymous', 'host'])
        text = json.dumps([root.json('GET', '/api/v1/' + p) for p in ('enroll-keys', 'host-tokens', 'users', 'audit?limit=1000')])
        for s in (made['secret'], *tokens, PASSWORD, root.cookie.split('=', 1)[1]):
            self.assertNotIn(s, text)
        rows = root.json('GET', '/api/v1/audit?limit=1000')['audit']
        self.assertEqual([(r['action'], r['object']) for r in rows if r['action'].startswith(('enroll-key.', 'host-token.'))],
                         [('host-token.revoke', str(one['id'])), ('enroll-key.revoke', str(key['id'])), ('enroll-key.create', 'rack 7')])


class Hosts(Case):
    def enrol(self, key, code=201, **body):
        body = dict({'hostname': 'web-01', 'machine_id': ID}, **body)
        status, _, data = self.anybody.bearer(key).ask('POST', '/api/v1/enroll', body)
        self.assertEqual(status, code, data)
        answer = json.loads(data)
        if code == 201:
            secrets.add(answer['token'])
        return answer

    def setUp(self):
        super().setUp()
        self.center.user('robin', 'administrator')

    def test_a_host_enrols_and_may_only_submit(self):
        made = self.enrol(self.center.key())
        self.assertEqual((made['host'], made['site']), ('web-01', 'ams1'))
        self.assertRegex(made['token'], r'^eyrie_h_[\w-]{43}$')
        host = self.anybody.bearer(made['token'])
        me = host.json('GET', '/api/v1/session')
        self.assertEqual((me['kind'], me['name'], me['permissions']), ('host', 'web-01', ['submit']))
        for path in ('overview', 'crashes', 'hosts', 'audit', 'issues', 'reasons', 'report'):
            self.assertEqual(host.status('GET', '/api/v1/' + path), 403, path)
        self.assertEqual(host.status('POST', '/api/v1/issues', ISSUE), 403)

    def test_a_hosts_token_ends_when_revoked(self):
        token = self.enrol(self.center.key())['token']
        listed = self.center.command('host-token', 'list', 'web-01')
        self.assertIn(ID, listed)
        self.assertNotIn(token, listed)
        self.center.command('host-token', 'revoke', listed.split('\n')[1].split()[0])
        self.assertEqual(self.anybody.bearer(token).json('GET', '/api/v1/session')['kind'], 'anonymous')
        self.enrol(token, 401)

    def test_keys_end_by_use_day_and_hand(self):
        key = self.center.key('--uses', '2')
        self.enrol(key)
        self.enrol(key, hostname='web-02', machine_id=OTHER_ID)
        self.enrol(key, 401, hostname='web-03', machine_id='a' * 32)
        key = self.center.key('--days', '1')
        os.environ['EYRIE_NOW'] = str(int(time.time()) + 2 * 86400)
        try:
            later = self.center.start()
        finally:
            del os.environ['EYRIE_NOW']
        self.assertEqual(later.bearer(key).status('POST', '/api/v1/enroll', {'hostname': 'x', 'machine_id': ID}), 401)
        self.enrol(key)
        number = self.center.command('enroll-key', 'list').split('\n')[1].split()[0]
        self.center.command('enroll-key', 'revoke', number)
        self.enrol(key, 401)
        for bad in ('eyrie_k_' + 'x' * 43, 'x', 'eyrie_t_' + 'x' * 43):
            self.enrol(bad, 401)

    def test_enrolling_again_ends_the_earlier_token(self):
        key = self.center.key()
        first = self.enrol(key, dmi_uuid='AA-01')['token']
        # The same disk image in another machine is another machine.
        clone = self.enrol(key, hostname='web-02', dmi_uuid='AA-02')['token']
        again = self.enrol(key, machine_id=OTHER_ID, dmi_uuid='aa-01')['token']
        kinds = [self.anybody.bearer(t).json('GET', '/api/v1/session')['kind'] for t in (first, clone, again)]
        self.assertEqual(kinds, ['anonymous', 'host', 'host'])

    def test_rotation_keeps_the_identity(self):
        first = self.enrol(self.center.key())['token']
        self.enrol(first, 403, machine_id=OTHER_ID)
        second = self.enrol(first, hostname='renamed')['token']
        self.assertNotEqual(first, second)
        for token in (first, second):
            self.assertEqual(self.anybody.bearer(token).json('GET', '/api/v1/session')['kind'], 'host')
        os.environ['EYRIE_NOW'] = str(int(time.time()) + 2 * 3600)
        try:
            later = self.center.start()
        finally:
            del os.environ['EYRIE_NOW']
        kinds = [later.bearer(t).json('GET', '/api/v1/session')['kind'] for t in (first, second)]
        self.assertEqual(kinds, ['anonymous', 'host'])

    def test_bad_claims_are_refused(self):
        key = self.center.key()
        for body in ({'hostname': ''}, {'machine_id': None}, {'machine_id': "x' OR 1=1"}, {'machine_id': 'a' * 65}, {'machine_id': 5},
                     {'hostname': 'x' * 300}, {'role': 'administrator'}):
            self.enrol(key, 400, **body)

    def test_guessing_keys_is_slowed_down(self):
        guesser = self.anybody.bearer('eyrie_k_' + 'y' * 43)
        seen = [guesser.status('POST', '/api/v1/enroll', {'hostname': 'x', 'machine_id': ID}) for _ in range(52)]
        self.assertEqual(seen, [401] * 50 + [429] * 2)
        # A right key is not held up by who guesses behind the same address.
        self.enrol(self.center.key())


class Proxy(Case):
    extra = '[auth]\nproxy_header = X-Remote-User\nproxy_addresses = 127.0.0.0/8\nproxy_role = viewer'

    def test_the_proxy_says_who_it_is(self):
        self.assertEqual(self.anybody.status('GET', '/api/v1/crashes'), 401)
        guest = self.anybody.another(X_Remote_User='guest@example.com', X_Forwarded_For='192.0.2.7')
        me = guest.json('GET', '/api/v1/session')
        self.assertEqual((me['kind'], me['name'], me['permissions']), ('person', 'guest@example.com', ['view']))
        self.center.user('kim', 'engineer', '--no-password')
        kim = self.anybody.another(X_Remote_User='kim', X_Forwarded_For='203.0.113.9, 192.0.2.7')
        self.assertEqual(kim.status('POST', '/api/v1/issues', ISSUE), 403)
        self.assertEqual(kim.status('POST', '/api/v1/issues', ISSUE, X_Eyrie_CSRF='proxy'), 201)
        self.center.command('user', 'disable', 'kim')
        self.assertEqual(kim.status('GET', '/api/v1/crashes'), 401)
        for bad in ('a b', '', 'x' * 65, '../x', '<b>'):
            self.assertEqual(self.anybody.another(X_Remote_User=bad).status('GET', '/api/v1/crashes'), 401, bad)
        root = self.person('root', 'administrator')
        rows = root.json('GET', '/api/v1/audit?who=kim')['audit']
        self.assertEqual([(r['action'], r['address']) for r in rows], [('issue.create', '192.0.2.7')])


class ProxyElsewhere(Case):
    extra = '[auth]\nproxy_header = X-Remote-User\nproxy_addresses = 192.0.2.1'

    def test_the_header_of_others_is_not_read(self):
        self.center.user('kim', 'administrator')
        self.assertEqual(self.anybody.another(X_Remote_User='kim').status('GET', '/api/v1/crashes'), 401)

    def test_a_header_without_addresses_is_refused(self):
        for lines, what in (('proxy_header = X-User', 'proxy_addresses'), ('proxy_addresses = 10.0.0.0/33', '10.0.0.0/33'),
                            ('proxy_addresses = host.example.com', 'host.example.com'), ('proxy_role = king', 'king')):
            other = Center('[auth]\n' + lines)
            self.assertIn(what, other.command('serve', code=1))
            other.stop()


class Audit(Case):
    def test_each_change_is_in_the_audit_log(self):
        root = self.person('root', 'administrator')
        page = root.json('POST', '/api/v1/issues', ISSUE)
        self.assertEqual(root.status('POST', '/api/v1/issues/%d' % page['issue']['id'], {'owner': 'kim', 'version': 1}), 200)
        # What is refused or fails changes nothing, and no row says that it did.
        self.assertEqual(root.status('POST', '/api/v1/issues/%d' % page['issue']['id'], {'owner': 'alex', 'version': 1}), 409)
        self.assertEqual(root.status('POST', '/api/v1/issues/999', {'owner': 'alex'}), 404)
        rows = root.json('GET', '/api/v1/audit?action=issue.')['audit']
        self.assertEqual([(r['action'], r['who'], r['object'], r['address'], r['kind']) for r in rows],
                         [('issue.change', 'root', '1', '127.0.0.1', 'person'), ('issue.create', 'root', None, '127.0.0.1', 'person')])
        self.assertEqual(self.anybody.sign_in('root', 'a password typed wrong'), 401)
        rows = root.json('GET', '/api/v1/audit')['audit']
        self.assertEqual([r['action'] for r in rows],
                         ['sign-in.failed', 'issue.change', 'issue.create', 'sign-in', 'user.add'])
        self.assertEqual(rows[-1]['kind'], 'command')
        first = root.json('GET', '/api/v1/audit?limit=2')
        rest = root.json('GET', '/api/v1/audit?limit=1000&cursor=' + first['next'])
        self.assertEqual(first['audit'] + rest['audit'], rows)

    def test_no_secret_is_in_the_audit_log(self):
        root = self.person('root', 'administrator')
        made = root.json('POST', '/api/v1/tokens', {'name': 'ci', 'scopes': ['view']})
        key = self.center.key()
        host = self.anybody.bearer(key).json('POST', '/api/v1/enroll', {'hostname': 'web-01', 'machine_id': ID})
        # A password in the field of the name is a common mistake.
        self.assertEqual(self.anybody.sign_in(PASSWORD.replace(' ', '-'), 'x' * 20), 401)
        text = json.dumps(root.json('GET', '/api/v1/audit?limit=1000'))
        for s in secrets | {made['secret'], key, host['token'], PASSWORD.replace(' ', '-')}:
            self.assertNotIn(s, text)
        self.assertIn('host.enrol', text)


class Https(Case):
    extra = 'url = https://eyrie.example.com/'

    def test_behind_tls_the_cookie_is_for_this_host_alone(self):
        robin = self.person('robin', 'viewer')
        self.assertRegex(robin.set_cookie, r'^__Host-eyrie=eyrie_s_[\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure$')
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 200)
        robin.cookie = robin.cookie.replace('__Host-', '')
        self.assertEqual(robin.status('GET', '/api/v1/crashes'), 401)


class Tls(unittest.TestCase):
    def test_tls_speaks_1_2_and_later_only(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                            '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], check=True, capture_output=True)
            center = Center('tls_certificate = %s\ntls_key = %s' % (cert, key))
            client = center.start()
            context = ssl.create_default_context(cafile=cert)
            c = http.client.HTTPSConnection('127.0.0.1', client.port, context=context, timeout=30)
            c.request('GET', '/healthz')
            self.assertEqual(c.getresponse().status, 200)
            self.assertIn(c.sock.version(), ('TLSv1.2', 'TLSv1.3'))
            c.close()
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers('ALL:@SECLEVEL=0')
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                old.wrap_socket(socket.create_connection(('127.0.0.1', client.port)))
            center.stop()
            broken = Center('tls_certificate = %s\ntls_key = %s' % (cert, cert))
            self.assertIn('tls_key', broken.command('serve', code=3))
            broken.stop()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
