#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each test that docs/security.md names exists: security.py SOURCE-ROOT"""
import os
import re
import sys

root = sys.argv[1]
with open(os.path.join(root, 'docs/security.md'), encoding='utf-8') as f:
    rows = [line for line in f if line.startswith('| ') and not line.startswith(('| threat', '| ---'))]
code = ''
for name in ('access.py', 'api.py', 'hostile.py', 'dump.py', 'test_routes.c'):
    with open(os.path.join(root, 'tests/server', name), encoding='utf-8') as f:
        code += f.read()
wrong = []
for row in rows:
    names = re.findall(r'`(\w+)`', row.split('|')[3])
    if not names:
        wrong.append('no test: ' + row.strip())
    wrong += ['there is no test ' + n for n in names
              if not re.search(r'def %s\(|static void %s\(' % (n, n), code)]
print('\n'.join(wrong) or '%d threats, each with its test' % len(rows))
sys.exit(bool(wrong) or len(rows) < 20)
