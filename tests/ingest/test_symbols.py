#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The symbols store: from an ELF file, a folder, a .deb and a .tar; what is no debuginfo, twice, too much.

    test_symbols.py EYRIED CC
"""
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

EYRIED, CC = sys.argv[1:3]


class Symbols(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix='eyrie-symbols-')
        self.dir = self.temp.name
        self.store = os.path.join(self.dir, 'store')

    def tearDown(self):
        self.temp.cleanup()

    def path(self, name):
        return os.path.join(self.dir, name)

    def build(self, name, *flags):
        with open(self.path('x.c'), 'w') as f:
            f.write('int main(void) { return %d; }\n' % len(name))
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        subprocess.run([CC, *flags, '-Wl,--build-id=sha1', '-o', self.path(name), self.path('x.c')], check=True)
        return self.path(name)

    def run_eyrie(self, *args, code=0):
        done = subprocess.run([EYRIED, 'symbols', *args, '--path', self.store], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def ids(self):
        return [line.split()[0] for line in self.run_eyrie('list').splitlines()]

    def test_one_file_twice_and_gone(self):
        self.assertEqual(self.ids(), [])
        vmlinux = self.build('vmlinux-1', '-g')
        self.assertIn('1 added', self.run_eyrie('add', vmlinux))
        self.assertIn('0 added', self.run_eyrie('add', vmlinux))
        build_id, = self.ids()
        stored = os.path.join(self.store, '.build-id', build_id[:2], build_id[2:] + '.debug')
        with open(stored, 'rb') as a, open(vmlinux, 'rb') as b:
            self.assertEqual(a.read(), b.read())
        self.assertEqual([n for n in os.listdir(self.store) if n != '.build-id'], [])
        self.run_eyrie('remove', build_id)
        self.assertEqual(self.ids(), [])
        self.run_eyrie('remove', build_id, code=2)
        self.run_eyrie('remove', '../../etc', code=2)

    def test_what_is_no_debuginfo(self):
        self.assertIn('no file with a build id', self.run_eyrie('add', self.build('plain', '-s'), code=2))
        with open(self.path('text'), 'w') as f:
            f.write('nothing\n' * 1000)
        self.run_eyrie('add', self.path('text'), code=2)
        with open(self.path('cut'), 'wb') as f:
            f.write(open(self.build('whole', '-g'), 'rb').read()[:900])
        self.run_eyrie('add', self.path('cut'), code=2)
        self.run_eyrie('add', self.path('missing'), code=2)
        self.assertEqual(self.ids(), [])

    def test_packages(self):
        self.build('root/usr/lib/debug/boot/vmlinux-6', '-g')
        self.build('root/usr/lib/debug/lib/modules/6/kernel/a.ko.debug', '-g', '-O2')
        self.build('root/usr/bin/tool', '-s')
        os.symlink('../../boot/vmlinux-6', self.path('root/usr/lib/debug/lib/link'))
        os.makedirs(self.path('root/DEBIAN'))
        with open(self.path('root/DEBIAN/control'), 'w') as f:
            f.write('Package: linux-dbg\nVersion: 1\nArchitecture: amd64\nMaintainer: A <a@example.com>\nDescription: x\n')
        for kind in ('xz', 'zstd', 'gzip'):
            subprocess.run(['dpkg-deb', '-Z' + kind, '--root-owner-group', '-b', self.path('root'), self.path(kind + '.deb')],
                           check=True, stdout=subprocess.DEVNULL)
        self.assertIn('2 added', self.run_eyrie('add', self.path('xz.deb')))
        self.assertIn('vmlinux-6', self.run_eyrie('list'))
        self.assertIn('0 added', self.run_eyrie('add', self.path('zstd.deb'), self.path('gzip.deb'), self.path('root')))
        with open(self.path('half.deb'), 'wb') as f:
            f.write(open(self.path('xz.deb'), 'rb').read()[:-600])
        self.run_eyrie('add', self.path('half.deb'), code=2)
        # A path that would lead out of the store means nothing: only the build id names a file.
        with tarfile.open(self.path('evil.tar'), 'w') as tar:
            tar.add(self.build('other', '-g', '-O1'), '../../../evil')
        self.assertIn('1 added', self.run_eyrie('add', self.path('evil.tar')))
        self.assertEqual(len(self.ids()), 3)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
