# SPDX-License-Identifier: GPL-2.0-or-later
"""Part of api.py: what hosts tell of themselves, and what is told of them."""
import json

# Set by api.py.
server = None


class HostTests:
    """Heartbeats, life and changes."""

    @staticmethod
    def post(path, status=200, **body):
        got, _, data = server.ask('/api/v1/' + path, 'POST', json.dumps(body), {
            'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin'})
        assert got == status, (path, body, got, data)
        return json.loads(data)

    @staticmethod
    def beat(number, status=200, boot=1, **changes):
        body = {'schema': 'eyrie/heartbeat/1', 'site': 'ams1', 'uptime': 90.5, 'news': {'x': 1},
                'identity': {'hostname': 'beat-%02d' % number, 'machine_id': '%032x' % (0xabc000 + number), 'dmi_serial': 'S%d' % number,
                             'boot_id': '11111111-2222-4333-8444-%06d%06d' % (number, boot),
                             'dmi_uuid': '4c4c4544-0042-3510-8053-%012d' % number},
                'kernel': {'release': '6.1.0-%d-amd64' % boot, 'version': '#1 SMP', 'machine': 'x86_64'},
                'inventory': {'vendor': 'Example', 'product': 'Server 9', 'bios_version': '1.%d' % boot, 'bios_date': '05/01/2026',
                              'microcode': '0x%x' % boot, 'memory_bytes': 1 << 34, 'os': 'debian 12'},
                'packages': [{'name': 'linux-image-amd64', 'version': '6.1.%d-1' % boot}], 'labels': {'role': 'web'}}
        body.update(changes)
        return HostTests.post('heartbeats', status, **body)

    def test_heartbeats_make_boots_with_what_changed(self):
        first = self.beat(1)
        self.assertEqual((first['life'], first['next']), ('production', 86400))
        self.assertEqual(self.beat(1), first)
        second = self.beat(1, boot=2)
        self.assertEqual(second['host'], first['host'])
        self.assertNotEqual(second['boot'], first['boot'])
        page = server.json('/api/v1/hosts/%d' % first['host'])
        host = page['host']
        self.assertEqual((host['name'], host['life'], host['image'], host['firmware'], host['crashes'], host['last_seen']),
                         ('beat-01', 'production', 'debian 12', '1.2 05/01/2026', 0, None))
        self.assertEqual(page['labels'], [{'name': 'role', 'value': 'web', 'source': 'host'}])
        changed = {c['what']: (c['from'], c['to']) for c in page['boots'][0]['changed']}
        self.assertEqual(changed, {'kernel.release': ('6.1.0-1-amd64', '6.1.0-2-amd64'), 'inventory.bios_version': ('1.1', '1.2'),
                                   'inventory.microcode': ('0x1', '0x2'), 'packages.linux-image-amd64': ('6.1.1-1', '6.1.2-1')})
        self.assertIsNone(page['boots'][1]['changed'])

    def test_bad_heartbeats(self):
        for changes in ({'schema': 'eyrie/crash/1'}, {'schema': None}, {'uptime': -1}, {'uptime': 'x'}, {'uptime': 1e300}, {'identity': {}},
                        {'identity': {'hostname': 'a'}}, {'identity': {'hostname': 'a\nb', 'boot_id': '1'}}, {'identity': 'x'},
                        {'identity': {'hostname': 'a', 'boot_id': 'no id'}}, {'site': '../x'}, {'site': 7}, {'labels': {'a b': 'c'}},
                        {'labels': {'a': 5}}, {'labels': {'l%d' % i: '' for i in range(65)}}, {'inventory': {'vendor': 'x' * 256}},
                        {'inventory': {'vendor': 'a\u001b[31m'}}, {'inventory': {'k%d' % i: 1 for i in range(65)}},
                        {'packages': [{'name': 'x', 'version': '1'}] * 257}, {'packages': [{'name': 5}]}):
            self.assertIn('message', self.beat(2, 400, **changes)['error'])
        self.beat(2, packages='x', inventory=[], labels=None, kernel='')

    def test_clones_are_shown(self):
        one, same = self.beat(3), '%032x' % 0xabc003
        ids = {'hostname': 'beat-04', 'machine_id': same, 'boot_id': '11111111-2222-4333-8444-000000000099',
               'dmi_uuid': '4c4c4544-0042-3510-8053-000000000099'}
        two = self.beat(4, identity=ids)
        self.beat(3)
        self.beat(4, identity=ids)
        shown = [c['host_id'] for c in server.json('/api/v1/clones')['clones'] if c['machine_id'] == same]
        self.assertEqual(sorted(shown), sorted([one['host'], two['host']]))
        twins = server.json('/api/v1/hosts/%d' % one['host'])['twins']
        self.assertEqual([(t['host_id'], t['at_once']) for t in twins], [(two['host'], True)])

    def test_life_and_changes(self):
        host = self.beat(5)['host']
        page = self.post('hosts/%d/life' % host, life='maintenance', why='new <memory>', who='Robin')
        self.assertTrue(page['changed'])
        self.assertFalse(self.post('hosts/%d/life' % host, life='maintenance', who='Kim')['changed'])
        self.assertEqual([(e['who'], e['old'], e['new'], e['why']) for e in page['life_history']],
                         [('Robin', 'production', 'maintenance', 'new <memory>')])
        self.assertEqual([h['id'] for h in server.json('/api/v1/hosts?life=maintenance')['hosts']], [host])
        self.assertNotIn(host, [h['id'] for h in server.json('/api/v1/hosts?life=production&limit=1000')['hosts']])
        self.assertEqual(self.beat(5)['life'], 'maintenance')
        self.post('hosts/%d/life' % host, 400, life='odd', who='Robin')
        self.post('hosts/999999/life', 404, life='lab', who='Robin')
        made = self.post('changes', 201, key='run-5', tool='ansible', what='kernel 6.1.0-2', hosts=['beat-05', 'no-such'],
                         link='https://cm.example.com/5')
        self.assertEqual((made['hosts'], made['unknown'], made['already']), (1, ['no-such'], False))
        self.assertEqual(self.post('changes', key='run-5', tool='ansible', what='x', hosts=['beat-05'])['id'], made['id'])
        self.post('changes', 201, tool='puppet', what='sysctl', label={'name': 'role', 'value': 'web'}, time='2026-11-20T10:00:00Z')
        self.post('changes', 201, tool='puppet', what='dns', everywhere=True, site='other')
        listed = server.json('/api/v1/changes?host=%d' % host)['changes']
        self.assertEqual([c['what'] for c in listed if not c['everywhere']], ['kernel 6.1.0-2', 'sysctl'])
        self.assertEqual(server.json('/api/v1/hosts/%d' % host)['changes'], listed)
        for body in ({}, {'tool': 'x', 'what': 'y'}, {'tool': 'x', 'what': 'y', 'everywhere': True, 'hosts': ['a']},
                     {'tool': 'x', 'what': 'y', 'everywhere': 1}, {'tool': 'x', 'what': 'y', 'hosts': 'beat-05'},
                     {'tool': 'x', 'what': 'y', 'hosts': ['a'] * 1001}, {'tool': 'x', 'what': 'y', 'hosts': [5]},
                     {'tool': 'x', 'what': 'y', 'everywhere': True, 'link': 'javascript:alert(1)'},
                     {'tool': 'x', 'what': 'y', 'everywhere': True, 'time': '2199-01-01'},
                     {'tool': 'x', 'what': 'y', 'everywhere': True, 'site': '..'}, {'tool': 'x', 'what': 'y', 'label': {}}):
            self.assertIn('message', self.post('changes', 400, **body)['error'])
