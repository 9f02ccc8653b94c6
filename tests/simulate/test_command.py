#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""eyrie simulate as a program: test_command.py EYRIE EYRIED

The same seed makes the same bytes, another one others; the center counts what the truth says.
"""
import csv
import filecmp
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter

EYRIE, EYRIED = sys.argv[1:3]


def run(*arguments, status=0):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def same(a, b):
    c = filecmp.dircmp(a, b)
    if c.left_only or c.right_only:
        return False
    _, differ, errors = filecmp.cmpfiles(a, b, c.common_files, shallow=False)
    return not differ and not errors and all(same(os.path.join(a, d), os.path.join(b, d)) for d in c.common_dirs)


def simulate(folder, *more):
    return run(EYRIE, 'simulate', '--quiet', '--small', '--scenario', 'demo', '--set', 'fleet.duration=55d', *more, folder)


def main():
    with tempfile.TemporaryDirectory(prefix='eyrie-simulate-') as top:
        a, b, c = (os.path.join(top, x) for x in 'abc')
        said = simulate(a)
        simulate(b)
        simulate(c, '--seed', '2')
        assert same(a, b), 'the same seed made other bytes'
        assert not same(a, c), 'another seed made the same bytes'
        assert ' 0 delivered' in simulate(a), 'a second run is to pass over what is there'

        with open(os.path.join(a, 'truth.csv'), encoding='utf-8') as f:
            truth = [row for row in csv.DictReader(f) if row['lost'] == '0']
        with open(os.path.join(a, 'truth.json'), encoding='utf-8') as f:
            causes = {x['name']: x for x in json.load(f)['causes']}
        assert len(truth) > 200 and '%d delivered' % len(truth) in said
        for name in ('driver', 'lockup', 'memory-1'):
            assert causes[name]['crashes'] > 0, name

        conf = os.path.join(top, 'eyrie.conf')
        with open(conf, 'w', encoding='utf-8') as f:
            f.write('[repository]\npath = %s/repository\n[database]\npath = %s/eyrie.db\n' % (a, top))
        run(EYRIED, 'populate', '--config', conf, '--quiet')
        db = sqlite3.connect(os.path.join(top, 'eyrie.db'))
        counted = dict(db.execute('SELECT key, crashes FROM reasons'))
        hosts = dict(db.execute('SELECT key, hosts FROM reasons'))
        assert counted == dict(Counter(r['reason'] for r in truth)), 'crashes of reasons'
        assert hosts == dict(Counter(k for k, _ in {(r['reason'], r['host']) for r in truth})), 'hosts of reasons'
        kernels = dict(db.execute('SELECT kernel, count(*) FROM crashes GROUP BY kernel'))
        assert kernels == dict(Counter(r['kernel'] for r in truth)), 'kernels'
        assert len(kernels) == 2
        db.close()

    assert 'outbreak' in run(EYRIE, 'simulate', '--list')
    assert '[bug published]' in run(EYRIE, 'simulate', '--show', 'published')
    run(EYRIE, 'simulate', '--show', 'nothing', status=1)
    run(EYRIE, 'simulate', '--scenario', 'demo', status=1)
    run(EYRIE, 'simulate', '--scenario', 'demo', '--set', 'fleet.hosts=x', '/nonexistent/x', status=1)
    run(EYRIE, 'simulate', '--scenario', '/nonexistent/scenario', '/tmp/x', status=2)


main()
print('ok')
