#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""eyrie-capture on a real dump in place of /proc/vmcore: whatever happens, the collector runs.

  test_capture.py EYRIE-CAPTURE SAMPLE.vmcore
"""
import json, os, subprocess, sys, tempfile, unittest

CAPTURE, SAMPLE = sys.argv[1:3]


class Capture(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="eyrie-capture-")
        self.out = os.path.join(self.dir.name, "out")
        self.mark = os.path.join(self.dir.name, "collected")

    def tearDown(self):
        self.dir.cleanup()

    def run_capture(self, *options, collector=None):
        collector = collector or ["sh", "-c", "touch '%s'; exit 7" % self.mark]
        return subprocess.run([CAPTURE, *options, "--", *collector], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)

    def assert_collected(self, p):
        self.assertTrue(os.path.exists(self.mark), "the collector did not run")
        self.assertEqual(p.returncode, 7, "the exit status is not the collector's")

    def test_saves_before_the_collector(self):
        p = self.run_capture("--vmcore", SAMPLE, "--output", self.out)
        self.assert_collected(p)
        folders = os.listdir(self.out)
        self.assertEqual(len(folders), 1, folders)
        folder = os.path.join(self.out, folders[0])
        with open(os.path.join(folder, "record.json")) as f:
            record = json.load(f)
        self.assertEqual(record["event"]["signature"], "lkdtm_BUG+0x5")
        with open(os.path.join(folder, "analysis.txt")) as f:
            self.assertIn("machine_kexec", f.read())
        self.assertEqual(os.stat(folder).st_mode & 0o77, 0, "others may read what may hold secrets")

    def test_not_a_dump(self):
        p = self.run_capture("--vmcore", "/etc/passwd", "--output", self.out)
        self.assert_collected(p)
        self.assertIn("not a kernel dump", p.stderr)
        self.assertFalse(os.path.exists(self.out) and os.listdir(self.out))

    def test_no_dump(self):
        self.assert_collected(self.run_capture("--vmcore", "/nonexistent", "--output", self.out))

    def test_output_cannot_be_made(self):
        with open(self.out, "w"):
            pass
        p = self.run_capture("--vmcore", SAMPLE, "--output", self.out)
        self.assert_collected(p)
        self.assertEqual(len(p.stderr.splitlines()), 1, p.stderr)

    def test_full_disk(self):
        p = self.run_capture("--vmcore", SAMPLE, "--output", "/dev/full/x")
        self.assert_collected(p)

    def test_collector_missing(self):
        p = self.run_capture("--vmcore", "/nonexistent", "--output", self.out, collector=["/nonexistent/collector"])
        self.assertEqual(p.returncode, 3)
        self.assertIn("cannot run the collector", p.stderr)

    def test_no_collector_named(self):
        p = subprocess.run([CAPTURE, "--output", self.out], capture_output=True, text=True)
        self.assertEqual(p.returncode, 1)

    def test_collectors_own_options_are_left_alone(self):
        p = self.run_capture("--vmcore", "/nonexistent", collector=["sh", "-c", "echo \"$@\"", "sh", "--output", "x"])
        self.assertEqual((p.returncode, p.stdout), (0, "--output x\n"))

    def test_static_and_small(self):
        stripped = os.path.join(self.dir.name, "stripped")
        subprocess.run(["strip", "-o", stripped, CAPTURE], check=True)
        self.assertLess(os.path.getsize(stripped), 4 << 20)
        headers = subprocess.run(["readelf", "-l", CAPTURE], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("INTERP", headers)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
