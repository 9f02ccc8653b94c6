#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that hosts put into the bucket themselves: sealed before, compared after, in parts that may break off.

    with_s3.py direct_s3.py EYRIE EYRIED SAMPLE
"""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

EYRIE, EYRIED, SAMPLE = (os.path.abspath(p) for p in sys.argv[1:4])
PART = 5 << 20


class Direct(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="eyrie-direct-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.mkdir(self.folder + "/tmp")
        self.root = "%s/%s" % (os.environ["EYRIE_TEST_S3"], os.path.basename(self.folder))
        self.conf = self.folder + "/eyrie.conf"
        with open(self.conf, "w", encoding="ascii") as f:
            f.write("[repository]\npath = %s\ns3_endpoint = %s\ns3_region = us-east-1\ns3_part_mib = 5\ndirect_uploads = yes\n"
                    "uploads = %s/uploads\n[database]\npath = %s/eyrie.db\n[server]\nlisten = 127.0.0.1:0\npopulate_interval = 0\n" % (
                        self.root, os.environ["AWS_ENDPOINT_URL"], self.folder, self.folder))
        self.number = 0

    def serve(self):
        process = subprocess.Popen([EYRIED, "serve", "--config", self.conf], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(lambda: self.assertEqual(process.wait(60), 0))
        self.addCleanup(process.send_signal, signal.SIGTERM)
        log = ""
        while "console and API at" not in log:
            line = process.stderr.readline()
            self.assertTrue(line, "eyried did not start: " + log)
            log += line
        self.port = int(re.findall(r":(\d+)/", log)[-1])

    def run_it(self, program, *arguments, status=0):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env=dict(environment, TMPDIR=self.folder + "/tmp"))
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertEqual(os.listdir(self.folder + "/tmp"), [])
        return done.stdout

    def keys(self):
        key = self.folder + "/center"
        self.run_it(EYRIE, "seal", "keygen", key)
        done = subprocess.run([EYRIE, "seal", "publish", "--config", self.conf, key + ".pub"], check=False)
        self.assertEqual(done.returncode, 0)
        with open(self.conf, "a", encoding="ascii") as f:
            f.write("[repository]\nseal_secret = %s.key\n" % key)
        return key

    def ask(self, method, path, body=None, status=200, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        c.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        data = answer.read()
        c.close()
        self.assertEqual(answer.status, status, data)
        return answer, data

    def json(self, method, path, body=None, status=200):
        return json.loads(self.ask(method, path, body, status, Content_Type="application/json")[1])

    def put(self, url, data):
        """As any HTTP client: no key, no header but those that it makes itself."""
        u = urllib.parse.urlsplit(url)
        c = http.client.HTTPConnection(u.netloc, timeout=120)
        c.request("PUT", "%s?%s" % (u.path, u.query), data)
        answer = c.getresponse()
        text = answer.read()
        c.close()
        self.assertEqual(answer.status, 200, text)

    def crash(self, dump):
        """A crash and the upload of its dump; its id, and where to ask."""
        self.number += 1
        record = {"schema": "eyrie/crash/1", "engine": "native", "gaps": [], "log": "",
                  "dump": {"format": "kdump", "bytes": len(dump), "complete": True},
                  "identity": {"hostname": "web-01", "machine_id": "0123456789abcdef" * 2, "boot_id": "%032x" % self.number,
                               "dmi_uuid": None, "dmi_serial": None},
                  "system": {"hostname": "web-01", "release": "6.1.0", "crash_time": "2026-11-22T12:00:%02dZ" % self.number,
                             "uptime_seconds": 5.0}, "event": None}
        crash = self.json("POST", "/api/v1/crashes", json.dumps(record), 201)["id"]
        return crash, self.upload(crash, dump)

    def upload(self, crash, dump, status=201):
        meta = ",".join("%s %s" % (k, base64.b64encode(v.encode()).decode()) for k, v in (
            ("crash", str(crash)), ("filename", "vmcore"), ("sha256", hashlib.sha256(dump).hexdigest())))
        answer, _ = self.ask("POST", "/api/v1/uploads", None, status, Tus_Resumable="1.0.0", Upload_Length=str(len(dump)), Upload_Metadata=meta)
        return answer.getheader("Location") + "/direct"

    def state(self, crash):
        return self.json("GET", "/api/v1/crashes/%d" % crash)["crash"]["dump"]["state"]

    def test_the_agent_puts_a_sealed_dump_into_the_bucket(self):
        key = self.keys()
        self.serve()
        host = self.folder + "/host.conf"
        os.makedirs(self.folder + "/crash/202611230101")
        shutil.copy(SAMPLE, self.folder + "/crash/202611230101/dump.1")
        os.utime(self.folder + "/crash/202611230101/dump.1", (time.time() - 86400,) * 2)
        with open(host, "w", encoding="ascii") as f:
            f.write("[agent]\ncrash_dir = %s/crash\nstate_dir = %s/state\ncenter = http://127.0.0.1:%d\n" % (
                self.folder, self.folder, self.port))
        self.assertIn("with its dump", self.run_it(EYRIE, "agent", "--config", host))
        self.assertEqual(self.state(1), "kept")
        # Nothing of it came through the center.
        metrics = self.ask("GET", "/metrics")[1].decode()
        self.assertNotRegex(metrics, r'method="PATCH",route="/api/v1/uploads/{id}"[^}]*} [1-9]')
        self.assertRegex(metrics, r'method="POST",route="/api/v1/uploads/{id}/direct"[^}]*2xx[^}]*} [1-9]')
        out = self.folder + "/out"
        self.assertIn("is sealed", self.run_it(EYRIE, "crash", "open", "--center", "http://127.0.0.1:%d" % self.port, "--output", out, "1"))
        self.run_it(EYRIE, "unseal", "--key", key + ".key", out, out + ".plain")
        with open(SAMPLE, "rb") as a, open(out + ".plain", "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.assertIn("nothing new", self.run_it(EYRIE, "agent", "--config", host))

    def test_an_upload_goes_on_where_it_broke_off(self):
        self.serve()
        self.assertEqual(self.json("GET", "/api/v1/direct"), {"direct": True, "seal_to": None})
        dump = os.urandom(2 * PART + 1000)
        crash, place = self.crash(dump)
        missing = self.json("POST", place + "?begin=1", "{}")
        self.assertEqual((missing["complete"], missing["part_bytes"], [p["number"] for p in missing["parts"]]), (False, PART, [1, 2, 3]))
        self.put(missing["parts"][1]["url"], dump[PART:2 * PART])
        # A part that is too short is none.
        self.put(missing["parts"][2]["url"], dump[2 * PART:2 * PART + 5])
        self.assertEqual(self.state(crash), "skipped")
        self.upload(crash, dump, 200)
        missing = self.json("POST", place, "{}")
        self.assertEqual([p["number"] for p in missing["parts"]], [1, 3])
        self.put(missing["parts"][0]["url"], dump[:PART])
        self.put(missing["parts"][1]["url"], dump[2 * PART:])
        self.assertEqual(self.json("POST", place, "{}"), {"complete": True, "part_bytes": PART, "parts": []})
        self.assertEqual(self.state(crash), "kept")
        self.assertEqual(self.ask("GET", "/api/v1/crashes/%d/dump" % crash)[1], dump)
        self.ask("POST", place, "{}", 404, Content_Type="application/json")

    def test_what_is_not_what_was_announced_is_removed(self):
        self.serve()
        dump = os.urandom(70000)
        crash, place = self.crash(dump)
        missing = self.json("POST", place + "?begin=1", "{}")
        self.put(missing["parts"][0]["url"], dump[:-1] + bytes([dump[-1] ^ 1]))
        self.assertIn("changed on its way", self.json("POST", place, "{}", 460)["error"]["message"])
        self.assertEqual(self.state(crash), "skipped")
        # Begun anew, with parts of another upload thrown away.
        other = os.urandom(70000)
        place = self.upload(crash, other)
        self.put(self.json("POST", place + "?begin=1", "{}")["parts"][0]["url"], dump)
        place = self.upload(crash, dump)
        self.put(self.json("POST", place + "?begin=1", "{}")["parts"][0]["url"], dump)
        self.assertTrue(self.json("POST", place, "{}")["complete"])
        self.assertEqual(self.ask("GET", "/api/v1/crashes/%d/dump" % crash)[1], dump)

    def test_what_is_not_sealed_is_not_kept(self):
        self.keys()
        self.run_it(EYRIE, "seal", "keygen", self.folder + "/other")
        self.serve()
        self.assertIn("all ", self.json("GET", "/api/v1/direct")["seal_to"])
        plain = os.urandom(70000)
        with open(self.folder + "/plain", "wb") as f:
            f.write(plain)
        self.run_it(EYRIE, "seal", "file", "--to", self.folder + "/other.pub", self.folder + "/plain", self.folder + "/sealed")
        with open(self.folder + "/sealed", "rb") as f:
            sealed = f.read()
        for dump, words in ((plain, "not sealed, and has to be"), (sealed, "not sealed to key")):
            crash, place = self.crash(dump)
            self.put(self.json("POST", place + "?begin=1", "{}")["parts"][0]["url"], dump)
            self.assertIn(words, self.json("POST", place, "{}", 460)["error"]["message"])
            self.assertEqual(self.state(crash), "skipped")
            self.ask("GET", "/api/v1/crashes/%d/dump" % crash, None, 404)

    def test_it_is_off_unless_told(self):
        with open(self.conf, "a", encoding="ascii") as f:
            f.write("[repository]\ndirect_uploads = no\n")
        self.serve()
        self.assertEqual(self.json("GET", "/api/v1/direct"), {"direct": False, "seal_to": None})
        _, place = self.crash(b"x" * 5000)
        self.assertIn("not put into the store directly", self.json("POST", place, "{}", 404)["error"]["message"])


if __name__ == "__main__":
    if not os.environ.get("EYRIE_TEST_S3"):
        sys.exit("run it by with_s3.py")
    unittest.main(argv=sys.argv[:1], verbosity=2)
