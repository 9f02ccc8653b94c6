#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""eyrie ingest files what the repository's public keys ask for: sealed. Arguments: eyrie, eyried, a vmcore."""
import os
import subprocess
import sys
import tempfile
import unittest

EYRIE, EYRIED, SAMPLE = (os.path.abspath(p) for p in sys.argv[1:4])


class IngestSeals(unittest.TestCase):
    def run_it(self, *arguments):
        done = subprocess.run([EYRIED if arguments[0] == "ingest" else EYRIE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_dump_is_sealed(self):
        with tempfile.TemporaryDirectory(prefix="eyrie-seal-") as top:
            root, conf, key = top + "/deep/repository", top + "/eyrie.conf", top + "/center"
            with open(conf, "w", encoding="ascii") as f:
                f.write("[repository]\npath = %s\nseal_secret = %s.key\n[database]\npath = %s/eyrie.db\n" % (root, key, top))
            os.makedirs(root)
            self.run_it("seal", "keygen", key)
            self.run_it("seal", "publish", "--config", conf, key + ".pub")
            self.run_it("ingest", "--config", conf, "--no-mail", "--dump=always", SAMPLE)
            dumps = [os.path.join(d, "vmcore") for d, _, names in os.walk(root) if "vmcore" in names]
            self.assertEqual(len(dumps), 1)
            with open(SAMPLE, "rb") as f, open(dumps[0], "rb") as sealed:
                plain, stored = f.read(), sealed.read()
            self.assertNotEqual(stored[:8], plain[:8])
            self.assertNotIn(plain[:4096], stored)
            self.run_it("unseal", "--key", key + ".key", dumps[0], top + "/out")
            with open(top + "/out", "rb") as f:
                self.assertEqual(f.read(), plain)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
