#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole chain on a repository in a bucket: agent, ingest, populate, policy, uploads, purge.

    with_s3.py chain_s3.py EYRIE EYRIED SAMPLES
"""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

EYRIE, EYRIED, SAMPLES = (os.path.abspath(p) for p in sys.argv[1:4])
LATER = {"EYRIE_NOW": str(int(time.time()) + 40 * 86400)}


class Chain(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="eyrie-chain-s3-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = "%s/%s" % (os.environ["EYRIE_TEST_S3"], os.path.basename(self.folder))
        keys = os.path.join(self.folder, "keys")
        with open(keys, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("access_key = %s\nsecret_key = %s\n" % (
                os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.conf = self.configuration("eyrie")

    def configuration(self, name):
        path = os.path.join(self.folder, name + ".conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write("[repository]\npath = %s\ns3_endpoint = %s\ns3_region = us-east-1\ns3_keys = %s/keys\n"
                    "s3_part_mib = 5\nuploads = %s/uploads\n[database]\npath = %s/%s.db\n"
                    "[agent]\ncrash_dir = %s/crash\nstate_dir = %s/state\nsettle = 0s\n"
                    "[server]\nlisten = 127.0.0.1:0\npopulate_interval = 0\n" % (
                        self.root, os.environ["AWS_ENDPOINT_URL"], self.folder, self.folder, self.folder, name,
                        self.folder, self.folder))
        return path

    def run_it(self, *arguments, conf=None, status=0, **environment):
        program = EYRIE if arguments[0] == "agent" else EYRIED
        done = subprocess.run([program, arguments[0], "--config", conf or self.conf, *arguments[1:]],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env=dict(self.environment, **environment))
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertNotIn(os.environ["AWS_SECRET_ACCESS_KEY"], done.stdout)
        return done.stdout

    def rows(self, query, name="eyrie"):
        db = sqlite3.connect("%s/%s.db" % (self.folder, name))
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def test_dumps_from_host_to_purge(self):
        samples = sorted(f for f in os.listdir(SAMPLES) if f.endswith(".vmcore"))
        self.assertIn("filed      as " + self.root,
                      self.run_it("ingest", "--no-mail", os.path.join(SAMPLES, samples[0])))
        self.assertIn("filed      before", self.run_it("ingest", "--no-mail", os.path.join(SAMPLES, samples[0])))
        for sample in samples:  # the first comes by both roads
            os.makedirs(os.path.join(self.folder, "crash", sample))
            shutil.copy(os.path.join(SAMPLES, sample), os.path.join(self.folder, "crash", sample, "vmcore"))
        output = self.run_it("agent")
        self.assertEqual(output.count("filed as"), len(samples))
        self.run_it("populate")
        self.assertEqual(self.rows("SELECT count(*), sum(dump = 'kept') FROM crashes"),
                         [(len(samples), len(samples))])
        # Another center's database, from the bucket alone.
        other = self.configuration("other")
        self.run_it("populate", conf=other)
        crashes = "SELECT time, dump_bytes, dump FROM crashes ORDER BY 1, 2"
        self.assertEqual(self.rows(crashes), self.rows(crashes, "other"))
        self.assertRegex(self.run_it("populate", conf=other), r"\b%d\b" % len(samples))
        # Not yet, then all of them, then none.
        self.run_it("purge")
        self.assertEqual(self.rows("SELECT count(*) FROM crashes WHERE dump = 'kept'"), [(len(samples),)])
        self.run_it("purge", **LATER)
        self.assertEqual(self.rows("SELECT count(*) FROM crashes WHERE dump = 'purged'"), [(len(samples),)])
        third = self.configuration("third")
        self.run_it("populate", conf=third)
        self.assertEqual(self.rows("SELECT count(*) FROM crashes", "third"), [(len(samples),)])
        self.assertEqual(self.rows("SELECT count(*) FROM crashes WHERE dump = 'kept'", "third"), [(0,)])

    def test_agent_heeds_the_policy_of_the_bucket(self):
        sample = os.path.join(SAMPLES, sorted(os.listdir(SAMPLES))[-1])
        self.run_it("ingest", "--no-mail", "--dump=never", sample)
        reason = self.rows("SELECT key FROM reasons")[0][0]
        db = sqlite3.connect(self.folder + "/eyrie.db")
        db.execute("UPDATE reasons SET state = 'hardware'")
        db.commit()
        db.close()
        self.run_it("populate")
        os.makedirs(os.path.join(self.folder, "crash", "a"))
        shutil.copy(sample, os.path.join(self.folder, "crash", "a", "vmcore"))
        output = self.run_it("agent", "--site", "elsewhere")
        self.assertIn("the policy wants only the log", output, reason)

    def test_keys_of_the_bucket_seal_what_comes(self):
        def eyrie(*arguments):
            done = subprocess.run([EYRIE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                  env=self.environment)
            self.assertEqual(done.returncode, 0, done.stdout)
            return done.stdout
        key, out = self.folder + "/center", self.folder + "/out"
        eyrie("seal", "keygen", key)
        self.assertIn(self.root, eyrie("seal", "publish", "--config", self.conf, key + ".pub"))
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write("[repository]\nseal_secret = %s.key\n" % key)
        sample = os.path.join(SAMPLES, "bug-6.1.vmcore")
        self.run_it("ingest", "--no-mail", "--dump=always", sample)
        center = "http://127.0.0.1:%d" % self.serve()
        self.assertIn("is sealed", eyrie("crash", "open", "--center", center, "--output", out, "1"))
        eyrie("unseal", "--key", key + ".key", out, out + ".plain")
        with open(sample, "rb") as f, open(out + ".plain", "rb") as plain, open(out, "rb") as sealed:
            original = f.read()
            self.assertEqual(plain.read(), original)
            self.assertNotIn(original[:4096], sealed.read())

    def test_bad_store_is_one_sentence(self):
        shutil.copy(self.conf, self.folder + "/bad.conf")
        for change, words in (("s3_endpoint = http://127.0.0.1:1\ns3_retries = 0", "cannot reach the S3 store"),
                              ("s3_endpoint = " + os.environ["EYRIE_TEST_S3_SKEWED"], "the clock of this machine is"),
                              ("s3_addressing = both", "s3_addressing"),
                              ("path = s3://no-such-bucket", "there is no bucket no-such-bucket")):
            with open(self.folder + "/bad.conf", "a", encoding="utf-8") as f:
                f.write("[repository]\n%s\n" % change)
            conf = self.folder + "/bad.conf"
            done = subprocess.run([EYRIED, "populate", "--config", conf], capture_output=True, text=True,
                                  check=False, env=self.environment)
            self.assertIn(done.returncode, (1, 3), done.stderr)
            self.assertIn(words, done.stderr)
            shutil.copy(self.conf, conf)

    def serve(self):
        process = subprocess.Popen([EYRIED, "serve", "--config", self.conf], stderr=subprocess.PIPE, text=True,
                                   env=self.environment)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        log = ""
        while "console and API at" not in log:
            line = process.stderr.readline()
            self.assertTrue(line, "eyried did not start: " + log)
            log += line
        return int(re.findall(r":(\d+)/", log)[-1])

    def ask(self, port, method, path, body=None, status=200, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.assertEqual(answer.status, status, data)
        return answer, data

    def test_an_upload_ends_in_the_bucket(self):
        port = self.serve()
        self.ask(port, "GET", "/readyz")
        record = {"schema": "eyrie/crash/1", "engine": "native", "gaps": [], "log": "",
                  "dump": {"format": "kdump", "bytes": 6000000, "complete": True},
                  "identity": {"hostname": "web-01", "machine_id": "0123456789abcdef0123456789abcdef",
                               "boot_id": None, "dmi_uuid": None, "dmi_serial": None},
                  "system": {"hostname": "web-01", "release": "6.1.0", "crash_time": "2026-11-22T12:00:00Z",
                             "uptime_seconds": 5.0},
                  "event": None}
        _, data = self.ask(port, "POST", "/api/v1/crashes", json.dumps(record), 201, Content_Type="application/json")
        crash = json.loads(data)
        self.assertEqual(crash["want"], "vmcore", data)
        dump = os.urandom(6000000)
        sums = hashlib.sha256(dump).hexdigest()
        meta = ",".join("%s %s" % (k, base64.b64encode(v.encode()).decode()) for k, v in (
            ("crash", str(crash["id"])), ("filename", "vmcore"), ("sha256", sums)))
        answer, _ = self.ask(port, "POST", "/api/v1/uploads", None, 201, Tus_Resumable="1.0.0",
                             Upload_Length=str(len(dump)), Upload_Metadata=meta)
        place = answer.getheader("Location")
        for at in (0, 3000000):
            self.ask(port, "PATCH", place, dump[at:at + 3000000], 204, Tus_Resumable="1.0.0",
                     Upload_Offset=str(at), Content_Type="application/offset+octet-stream")
        self.assertEqual(self.rows("SELECT dump FROM crashes"), [("kept",)])
        # The bucket alone tells another center the same.
        self.run_it("populate", conf=self.configuration("other"))
        self.assertEqual(self.rows("SELECT dump, dump_bytes FROM crashes", "other"), [("kept", len(dump))])


if __name__ == "__main__":
    if not os.environ.get("EYRIE_TEST_S3"):
        sys.exit("run it by with_s3.py")
    unittest.main(argv=sys.argv[:1])
