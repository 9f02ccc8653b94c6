#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""crash at the center: no symbols, symbols added, its text and differences stored; sealed and compressed dumps.

    test_crash_run.py EYRIED EYRIE SAMPLES TEXTS [CRASH VMLINUX]

A script stands in for crash: it prints what the real one wrote of the sample. With CRASH and VMLINUX (of the sample's
kernel) the real one is run.
"""
import glob
import gzip
import os
import shutil
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

EYRIED, EYRIE, SAMPLES, TEXTS = sys.argv[1:5]
REAL = sys.argv[5:7]


def elf(build_id):
    """An ELF file with a build id and, it says, debuginfo: what a vmlinux is recognized by."""
    note = struct.pack('<III4s', 4, len(build_id), 3, b'GNU\0') + build_id
    names = b'\0.note.gnu.build-id\0.debug_info\0.shstrtab\0'
    sections = [(0, 0, 0, 0), (1, 7, 64, len(note)), (20, 1, 64, 0), (32, 3, 64 + len(note), len(names))]
    header = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\2\1\1', 2, 62, 1, 0, 0, 64 + len(note) + len(names), 0, 64, 0, 0, 64,
                         len(sections), 3)
    table = b''.join(struct.pack('<IIQQQQIIQQ', n, t, 0, 0, off, size, 0, 0, 1, 0) for n, t, off, size in sections)
    return header + note + names + table


class CrashRun(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix='eyrie-crash-run-')
        self.dir = self.temp.name
        self.crash = REAL[0] if REAL else self.write('crash', '#!/bin/sh\ncat %s/bug-6.1.crash9.txt\n' % os.path.abspath(TEXTS))
        os.chmod(self.crash, 0o755) if not REAL else None
        self.conf = self.write('eyrie.conf', '[repository]\npath = %s/repository\n[database]\npath = %s/eyrie.db\n'
                               '[symbols]\npath = %s/symbols\n[analysis]\ncrash = %s\ndebug_path = %s/none\n'
                               % (self.dir, self.dir, self.dir, self.crash, self.dir))

    def tearDown(self):
        self.temp.cleanup()

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, 'wb' if isinstance(text, bytes) else 'w') as f:
            f.write(text)
        return path

    def run_eyrie(self, *args, code=0):
        env = dict(os.environ, TMPDIR=self.dir)
        done = subprocess.run([EYRIED, *args, '--config', self.conf], capture_output=True, text=True, env=env)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def row(self):
        db = sqlite3.connect(os.path.join(self.dir, 'eyrie.db'))
        try:
            return db.execute('SELECT state, build_id, message, differs, attempts FROM crash_runs').fetchone()
        finally:
            db.close()

    def no_copies(self):
        self.assertEqual(glob.glob(os.path.join(self.dir, 'eyrie-dump-*')), [])

    def ingest(self, dump):
        os.makedirs(os.path.join(self.dir, 'repository'), exist_ok=True)
        self.run_eyrie('ingest', dump)

    def symbols(self):
        build_id = self.row()[1]
        vmlinux = REAL[1] if REAL else self.write('vmlinux', elf(bytes.fromhex(build_id)))
        self.run_eyrie('symbols', 'add', vmlinux)

    def test_symbols_come_later(self):
        self.ingest(os.path.join(SAMPLES, 'bug-6.1.vmcore'))
        self.assertIn('1 without symbols', self.run_eyrie('crash-run'))
        state, build_id, message, _, _ = self.row()
        self.assertEqual(state, 'no-symbols')
        self.assertIn('no symbols for build id %s; add them with' % build_id, message)
        self.assertIn('0 without symbols', self.run_eyrie('crash-run'))  # it waits
        self.symbols()
        self.assertIn('1 dumps read by crash', self.run_eyrie('crash-run'))
        self.assertEqual((self.row()[0], self.row()[4]), ('done', 2))
        text, = glob.glob(os.path.join(self.dir, 'repository/*/*/*/crash.txt'))
        with open(text) as f:
            self.assertIn('lkdtm', f.read())
        folder = os.path.dirname(text)
        subprocess.run(['sha256sum', '--quiet', '-c', 'checksums'], cwd=folder, check=True)
        self.assertIn('0 dumps read', self.run_eyrie('crash-run'))
        self.assertIn('1 dumps read', self.run_eyrie('crash-run', '1'))
        self.run_eyrie('crash-run', '77', code=2)
        self.no_copies()

    def test_what_crash_says_otherwise(self):
        if REAL:
            self.skipTest('the real one agrees')
        text = open(os.path.join(TEXTS, 'bug-6.1.crash9.txt'), encoding='utf-8', errors='replace').read()
        self.write('other.txt', text.replace('CPUS: 2', 'CPUS: 7').replace('UPTIME: ', 'UPTIME: 9'))
        self.write('crash', '#!/bin/sh\ncat %s/other.txt\n' % self.dir)
        self.ingest(os.path.join(SAMPLES, 'bug-6.1.vmcore'))
        self.run_eyrie('crash-run')
        self.symbols()
        self.assertIn('1 of them with differences', self.run_eyrie('crash-run'))
        self.assertGreater(self.row()[3], 0)

    def test_a_crash_that_fails_is_marked(self):
        if REAL:
            self.skipTest('it does not')
        self.ingest(os.path.join(SAMPLES, 'bug-6.1.vmcore'))
        self.run_eyrie('crash-run')
        self.symbols()
        self.write('crash', '#!/bin/sh\necho "crash: cannot do it" >&2\nexit 1\n')
        self.assertIn('1 failed', self.run_eyrie('crash-run'))
        self.assertEqual(self.row()[0], 'failed')
        self.assertIn('0 failed', self.run_eyrie('crash-run'))
        self.no_copies()

    def damage(self, compress):
        self.ingest(os.path.join(SAMPLES, 'bug-6.1.vmcore'))
        self.run_eyrie('crash-run')
        self.symbols()
        path, = glob.glob(os.path.join(self.dir, 'repository/*/*/*/vmcore'))
        data = open(path, 'rb').read()
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
        with open(path, 'wb') as f:
            f.write(compress(data))
        return os.path.dirname(path)

    def test_a_compressed_dump(self):
        folder = self.damage(lambda data: gzip.compress(data, 1))
        sums = subprocess.run('sha256sum $(ls | grep -v checksums)', shell=True, cwd=folder, stdout=subprocess.PIPE, check=True)
        os.chmod(os.path.join(folder, 'checksums'), 0o644)
        with open(os.path.join(folder, 'checksums'), 'wb') as f:
            f.write(sums.stdout)
        self.assertIn('1 dumps read', self.run_eyrie('crash-run', '1'))
        self.no_copies()

    def test_a_damaged_dump_is_not_read(self):
        self.damage(lambda data: data[:-1] + bytes([data[-1] ^ 1]))
        self.assertIn('1 failed', self.run_eyrie('crash-run', '1'))
        self.assertIn('vmcore', self.row()[2])
        db = sqlite3.connect(os.path.join(self.dir, 'eyrie.db'))
        self.assertEqual(db.execute('SELECT damage FROM folders').fetchall(), [('vmcore: its checksum differs',)])
        db.close()
        self.no_copies()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
