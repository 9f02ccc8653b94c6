#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`eyrie report` on databases filled through the product's own intake.

After a wanted change of the page: EYRIE_UPDATE_GOLDEN=1, then read the diff of golden/.
"""
import csv
import io
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

MAKE_DB, EYRIED, PROBE = (os.path.abspath(p) for p in sys.argv[1:4])
del sys.argv[1:4]
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
X = "{http://www.w3.org/1999/xhtml}"
DAY = 86400
OCTOBER, NOVEMBER, DECEMBER = 1790812800, 1793491200, 1796083200
NOW = NOVEMBER + 22 * DAY + 12 * 3600  # 2026-11-23 12:00

FIXED = [
    {"time": NOVEMBER - 20 * DAY, "host": "web-01", "uptime": 500},
    {"time": NOVEMBER - 3 * DAY, "host": "db-01", "reason": "g1:HANG:xfs_log", "kind": "HANG",
     "title": "INFO: task blocked in xfs_log", "site": "fra1"},
    {"time": NOVEMBER, "host": "web-01", "uptime": 7200},
    {"time": NOVEMBER + 2 * DAY, "host": "web-01", "uptime": 90000},
    {"time": NOVEMBER + 2 * DAY + 60, "host": "web-02", "uptime": 3 * DAY, "product": "Server 10"},
    {"time": NOVEMBER + 10 * DAY, "host": "web-01", "reason": "g1:NULL-DEREF:nft_do_chain",
     "kind": "NULL-DEREF", "title": "BUG: kernel NULL pointer dereference in nft_do_chain",
     "kernel": "6.12.117-amd64", "uptime": 300},
    {"time": NOVEMBER + 11 * DAY, "host": "db-01", "reason": "g1:NULL-DEREF:nft_do_chain",
     "kind": "NULL-DEREF", "site": "fra1", "uptime": 40 * DAY,
     "title": "BUG: kernel NULL pointer dereference in nft_do_chain"},
    {"time": DECEMBER, "host": "web-09"},
]
FIXED_MORE = [
    {"alert": {"time": NOVEMBER - 5 * DAY, "subject": "Example Server 9", "scope": "model",
               "summary": "5 hosts of Example Server 9 crashed within 24 h"}},
    {"alert": {"time": NOVEMBER + 3 * DAY, "subject_id": 2, "resolved": NOVEMBER + 4 * DAY,
               "who": "operator"}},
    {"state": ["g1:BUG:lkdtm_BUG", "reported"]},
]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="eyrie-report-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        self.db = os.path.join(self.dir, "eyrie.db")

    def fill(self, crashes, more=()):
        lines = [{"crash": c} for c in crashes] + list(more)
        subprocess.run([MAKE_DB, self.db], check=True, timeout=120,
                       input="".join(json.dumps(line) + "\n" for line in lines).encode())

    def run_report(self, *args, now=NOW, code=0, db=None):
        env = {**os.environ, "EYRIE_NOW": str(now), "EYRIE_CONFIG": os.devnull}
        conf = os.path.join(self.dir, "eyrie.conf")
        if not os.path.exists(conf):
            with open(conf, "w", encoding="utf-8"):
                pass
        p = subprocess.run([EYRIED, "report", "--config", conf, "--db", db or self.db,
                            *args], capture_output=True, env=env, timeout=60, check=False)
        self.assertEqual(p.returncode, code, p.stderr.decode())
        self.assertNotIn(b"runtime error", p.stderr)
        return p.stderr.decode() if code else p.stdout

    def html(self, *args, **kw):
        page = self.run_report(*args, **kw).decode("utf-8")
        root = ElementTree.fromstring(page)
        self.check_page(page, root)
        return root

    def json(self, *args, **kw):
        return json.loads(self.run_report("--format", "json", *args, **kw))

    def check_page(self, page, root):
        """Self-contained, accessible, nothing that runs."""
        self.assertTrue(page.startswith("<!DOCTYPE html>\n"))
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        self.assertEqual(len(ids), len(set(ids)))
        for e in root.iter():
            tag = e.tag.removeprefix(X)
            self.assertNotIn(tag, ("script", "link", "img", "iframe", "object", "embed", "base",
                                   "foreignObject", "image", "use", "form", "animate", "set"))
            for name, value in e.attrib.items():
                self.assertFalse(name.startswith("on"), name)
                self.assertNotIn(name, ("src", "srcset", "style", "data"))
                if name == "href":
                    self.assertRegex(value, r"^(https?://|/)")
                    self.assertEqual(tag, "a")
            if tag == "svg" and e.get("role") == "img":
                for i in e.get("aria-labelledby").split():
                    self.assertIn(i, ids)
            elif tag == "svg":
                self.assertEqual(e.get("aria-hidden"), "true")
        style = root.find(f"{X}head/{X}style").text
        self.assertNotIn("url(", style)
        self.assertNotIn("@import", style)


def text(e):
    return " ".join("".join(e.itertext()).split())


def find(root, css_class):
    return [e for e in root.iter() if css_class in (e.get("class") or "").split()]


def tables(root):
    """{heading: [[cell, ...], ...]} of the sections that have a table."""
    found = {}
    for section in root.iter(X + "section"):
        heading, body = section.find(X + "h2"), section.find(f".//{X}tbody")
        if heading is not None and body is not None:
            found[text(heading)] = [[text(cell) for cell in row] for row in body]
    return found


def outline(root):
    """What a person reads, in order, without the numbers of the drawings' geometry."""
    lines = []

    def walk(e, depth):
        tag = e.tag.removeprefix(X)
        if tag in ("style", "head"):
            return
        if tag == "svg":
            if e.get("role") == "img":
                lines.append("  " * depth + "chart: " + "; ".join(
                    text(t) for t in e.iter() if t.tag in (X + "title", X + "desc")))
            return
        if tag in ("h1", "h2", "p", "tr") or (e.get("class") or "") == "tile":
            cells = [text(c) for c in e] if tag == "tr" or e.get("class") == "tile" else [text(e)]
            lines.append("  " * depth + f"{tag}: " + " | ".join(cells))
            return
        for child in e:
            walk(child, depth + (tag in ("section", "table")))

    walk(root, 0)
    return "\n".join(lines) + "\n"


class Page(Case):
    def test_golden(self):
        self.fill(FIXED, FIXED_MORE)
        for name, args, now in (("running", [], NOW),
                                ("over", ["--month", "2026-11", "--console-url",
                                          "https://eyrie.example.com/"], DECEMBER + DAY)):
            got = outline(self.html(*args, now=now))
            path = os.path.join(GOLDEN, name + ".txt")
            if os.environ.get("EYRIE_UPDATE_GOLDEN"):
                with open(path, "w", encoding="utf-8") as f:
                    f.write(got)
            with open(path, encoding="utf-8") as f:
                self.assertEqual(got, f.read())

    def test_links(self):
        self.fill(FIXED, FIXED_MORE)
        self.assertEqual(list(self.html().iter(X + "a")), [])
        links = {a.get("href"): text(a) for a in
                 self.html("--console-url", "https://eyrie.example.com/").iter(X + "a")}
        self.assertEqual(links["https://eyrie.example.com/reasons/1"], "BUG in lkdtm_BUG")
        self.assertEqual(links["https://eyrie.example.com/hosts/1"], "web-01")
        self.assertIn("http", self.run_report("--console-url", "javascript:alert(1)", code=1))

    def test_nothing_ever(self):
        self.fill([])
        root = self.html()
        self.assertEqual(text(find(root, "summary")[0]),
                         "No crash has been recorded in November 2026 so far. No crash has reached "
                         "this database yet.")
        self.assertEqual(self.json()["totals"], {"crashes": 0, "hosts": 0, "reasons": 0})
        self.assertEqual(self.run_report("--format", "csv").count(b"\n"), 1)

    def test_empty_month_says_what_was_last(self):
        self.fill(FIXED[:2])
        summary = text(find(self.html("--month", "2026-11", now=DECEMBER), "summary")[0])
        self.assertEqual(summary, "No crash was recorded in November 2026. In October there were "
                         "2. The last crash that reached Eyrie is of 2026-10-29.")

    def test_one_crash(self):
        self.fill([FIXED[2]])
        root = self.html()
        self.assertEqual(text(find(root, "summary")[0]),
                         "1 crash on 1 host, 1 reason, which is new so far. In October 1–23 there "
                         "was none.")
        self.assertEqual([text(t) for t in find(root, "big")], ["1", "1", "1", "2 h", "0"])
        columns = [e for e in root.iter(X + "rect") if e.get("class") == "new"]
        self.assertEqual(len([c for c in columns if c.get("x") and float(c.get("width")) < 60]), 1)

    def test_february_and_a_month_of_31_days(self):
        self.fill([{"time": OCTOBER + 30 * DAY + 5}, {"time": 1772150400 + DAY}])
        for month, days in (("2026-02", 28), ("2026-10", 31), ("2028-02", 29), ("1970-01", 31)):
            self.assertEqual(len(self.json("--month", month)["days"]), days)
        self.assertEqual(self.json("--month", "2026-10")["days"][30]["crashes"], 1)
        self.assertEqual(self.json("--month", "2026-02")["days"][27]["crashes"], 1)
        self.html("--month", "9999-12")
        self.html("--month", "1970-01")


HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "]]></style><b>",
           "a&b &amp; &#x27;", "\x1b[2J\x07", "\u202egnp.exe", "=cmd|' /C calc'!A0", "+1", "-2",
           "@SUM(A1)", "\t=1", "a,b\"c\nd\r\ne", " lead", "\u0085", "\ufffe", "x" * 3000,
           "\U0001f4a5", "")


class Hostile(Case):
    def fill_hostile(self):
        self.fill([{"time": NOVEMBER + i * 60, "host": s or "x", "title": s, "kernel": s,
                    "reason": f"g1:{s}", "kind": s, "vendor": s, "product": s, "firmware": s,
                    "comm": s, "module": s, "signature": s, "taint": s, "uptime": 5}
                   for i, s in enumerate(HOSTILE)],
                  [{"alert": {"time": NOVEMBER + i, "subject_id": i + 1, "subject": s,
                              "summary": s, "who": s}} for i, s in enumerate(HOSTILE)])
        # What is not even UTF-8 cannot pass through JSON; it may still stand in a database.
        with sqlite3.connect(self.db) as c:
            c.execute("UPDATE crashes SET title = CAST(X'ff3cfe' AS TEXT), "
                      "kernel = CAST(X'c328' AS TEXT) WHERE id = 1")
            c.execute("UPDATE reasons SET title = CAST(X'ff3cfe' AS TEXT) WHERE id = 1")
            c.execute("UPDATE hosts SET hostname = CAST(X'80' AS TEXT) WHERE id = 1")
        c.close()

    def test_page(self):
        self.fill_hostile()
        page = self.run_report("--console-url", "https://eyrie.example.com").decode("utf-8")
        self.check_page(page, ElementTree.fromstring(page))
        for bad in ("<script", "<img", "<b>", "\x1b", "\u202e", "]]>"):
            self.assertNotIn(bad, page)
        self.assertIn("&lt;img src=x onerror=alert(1)&gt;", page)

    def test_json(self):
        self.fill_hostile()
        self.assertEqual(self.json()["totals"]["crashes"], len(HOSTILE))

    def test_csv(self):
        self.fill_hostile()
        raw = self.run_report("--format", "csv").decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(raw, newline="")))
        self.assertEqual(len(rows), len(HOSTILE))
        for row in rows:
            self.assertEqual(len(row), 18)
            for value in row.values():
                self.assertNotRegex(value, r"\A[=+\-@\t\r\n|]")
        titles = [row["title"] for row in rows]
        self.assertIn("'=cmd|' /C calc'!A0", titles)
        self.assertIn('a,b"c\nd\\x0d\ne', titles)
        self.assertIn(" lead", titles)


class Numbers(Case):
    def recount(self, crashes, begin, end):
        """The same numbers, counted from the input in another language."""
        mine = [c for c in crashes if begin <= c["time"] < end]
        first = {}
        for c in crashes:
            first[c["reason"]] = min(first.get(c["reason"], c["time"]), c["time"])
        fresh = {r for r, t in first.items() if begin <= t < end}
        up = sorted(c["uptime"] for c in mine if c["uptime"] >= 0)

        def top(key):
            groups = {}
            for c in mine:
                groups.setdefault(key(c), []).append(c)
            return {k: (len(v), len({c["host"] for c in v})) for k, v in groups.items()}

        return {
            "totals": {"crashes": len(mine), "hosts": len({c["host"] for c in mine}),
                       "reasons": len({c["reason"] for c in mine})},
            "new": len(fresh), "crashes_of_new": sum(c["reason"] in fresh for c in mine),
            "days": [(sum(c["time"] // DAY == d for c in mine),
                      sum(c["time"] // DAY == d and c["reason"] in fresh for c in mine))
                     for d in range(begin // DAY, end // DAY)],
            "uptime": (len(up), statistics.median_low(up), sum(up) // len(up), up[0], up[-1]),
            "classes": [sum(lo <= u < hi for u in up) for lo, hi in
                        zip((0, 600, 3600, DAY, 7 * DAY, 30 * DAY),
                            (600, 3600, DAY, 7 * DAY, 30 * DAY, 1 << 62))],
            "reasons": top(lambda c: c["reason"]), "hosts": top(lambda c: c["host"]),
            "kernels": top(lambda c: c["kernel"]), "sites": top(lambda c: c["site"]),
            "kinds": top(lambda c: c["kind"]),
            "models": top(lambda c: "Example " + c["product"]),
        }

    def check_recount(self, crashes, begin, end, month):
        want, got = self.recount(crashes, begin, end), self.json("--month", month, now=DECEMBER)
        self.assertEqual(got["totals"], want["totals"])
        self.assertEqual(got["reasons"]["new"], want["new"])
        self.assertEqual(got["reasons"]["crashes_of_new"], want["crashes_of_new"])
        self.assertEqual([(d["crashes"], d["of_new_reasons"]) for d in got["days"]], want["days"])
        u = got["uptime_seconds"]
        self.assertEqual((u["known"], u["median"], u["mean"], u["min"], u["max"]), want["uptime"])
        self.assertEqual([c["crashes"] for c in u["classes"]], want["classes"])
        for name in ("reasons", "hosts", "kernels", "sites", "kinds", "models"):
            rows = got[name]["top"]
            self.assertEqual(len(rows) + got[name]["more"], len(want[name]), name)
            for row in rows:
                key = row["key"] if name == "reasons" else row["name"]
                self.assertEqual((row["crashes"], row["hosts"]), want[name][key], name)
            counts = sorted((n for n, _ in want[name].values()), reverse=True)
            self.assertEqual([r["crashes"] for r in rows], counts[:len(rows)], name)
        return got

    def test_thousands(self):
        rng = random.Random(20261123)
        crashes = []
        for _ in range(4000):
            site, reason = rng.choice(("ams1", "fra1")), rng.randrange(60)
            crashes.append({
                "time": rng.randrange(OCTOBER, DECEMBER if reason < 50 else OCTOBER + 31 * DAY),
                "host": f"{site}-{min(rng.randrange(400), rng.randrange(400)):03}", "site": site,
                "kernel": rng.choice(("6.1.0-55-amd64", "6.1.0-56-amd64")),
                "product": f"Server {reason % 13}", "uptime": rng.choice((-1, 1)) *
                int(10 ** rng.uniform(0, 7)), "reason": f"g1:K:{reason}",
                "kind": f"K{reason % 9}", "title": f"crash in f{reason}"})
            if reason >= 55:
                crashes[-1]["time"] += 31 * DAY - (crashes[-1]["time"] > OCTOBER + 29 * DAY) * 3 * DAY
        for c in crashes:
            c["uptime"] = max(c["uptime"], -1)
        self.fill(crashes)
        got = self.check_recount(crashes, NOVEMBER, DECEMBER, "2026-11")
        self.check_recount(crashes, OCTOBER, NOVEMBER, "2026-10")
        begin = time.monotonic()
        root = self.html("--month", "2026-11", now=DECEMBER)
        self.assertLess(time.monotonic() - begin, 5)
        # The page says the same numbers as the JSON.
        shown = [text(t).replace(",", "") for t in find(root, "big")]
        self.assertEqual(shown[:3], [str(got["totals"][k]) for k in ("crashes", "hosts", "reasons")])
        rows = tables(root)["Reasons"]
        self.assertEqual(len(rows), 21)
        self.assertEqual([r[2].replace(",", "") for r in rows[:20]],
                         [str(r["crashes"]) for r in got["reasons"]["top"]])
        self.assertEqual(sum(int(r[2].replace(",", "")) for r in rows), got["totals"]["crashes"])
        for name in ("Hosts", "Models", "Kernels", "Kinds of crash", "Sites"):
            self.assertEqual(sum(int(r[2].replace(",", "")) for r in tables(root)[name]),
                             got["totals"]["crashes"], name)
        tips = "".join(text(t) + "\n" for t in root.iter(X + "title"))
        for i, day in enumerate(got["days"], 1):
            if day["crashes"]:
                self.assertIn(f"{i} November: {day['crashes']} crash{'es' * (day['crashes'] > 1)} "
                              f"({day['crashes'] - day['of_new_reasons']} of known reasons, "
                              f"{day['of_new_reasons']} of new reasons)", tips)
        # More crashes than one page of the database's lists holds.
        rows = list(csv.DictReader(io.StringIO(self.run_report(
            "--format", "csv", "--month", "2026-11").decode())))
        self.assertEqual(len(rows), got["totals"]["crashes"])
        self.assertGreater(len(rows), 1000)
        self.assertEqual(len({r["id"] for r in rows}), len(rows))

    def test_edges_of_the_month(self):
        crashes = [{"time": t, "host": f"h{i}", "reason": "g1:K:0", "kernel": "k", "site": "s",
                    "kind": "K", "product": "P", "uptime": i, "title": "t"}
                   for i, t in enumerate((NOVEMBER - 1, NOVEMBER, DECEMBER - 1, DECEMBER))]
        self.fill(crashes)
        got = self.check_recount(crashes, NOVEMBER, DECEMBER, "2026-11")
        self.assertEqual(got["totals"]["crashes"], 2)
        self.assertEqual(got["reasons"]["new"], 0)
        self.assertEqual((got["days"][0]["crashes"], got["days"][29]["crashes"]), (1, 1))

    def test_a_running_month_is_compared_with_as_many_days(self):
        self.fill([{"time": OCTOBER + d * DAY, "host": f"h{d}"} for d in range(31)])
        got = self.json(now=NOVEMBER + 10 * DAY)
        self.assertTrue(got["running"])
        self.assertEqual(got["before"]["crashes"], 11)
        self.assertEqual(self.json("--month", "2026-11", now=DECEMBER)["before"]["crashes"], 31)


class Command(Case):
    def test_errors(self):
        self.assertIn("2026-13", self.run_report("--month", "2026-13", code=1))
        self.assertIn("pdf", self.run_report("--format", "pdf", code=1))
        self.assertIn("stray", self.run_report("stray", code=1))
        self.run_report("--nonsense", code=1)
        self.assertIn("no.db", self.run_report(db=os.path.join(self.dir, "no.db"), code=2))
        garbage = os.path.join(self.dir, "garbage.db")
        with open(garbage, "wb") as f:
            f.write(b"this is no database" * 500)
        self.assertIn("garbage.db", self.run_report(db=garbage, code=2))
        self.fill([])
        self.assertIn("[mail] server", self.run_report("--mail", code=1))
        self.assertIn("nowhere", self.run_report("--out", self.dir + "/nowhere/x.html", code=3))

    def test_out(self):
        self.fill(FIXED)
        out = os.path.join(self.dir, "r.html")
        self.assertEqual(self.run_report("--out", out), b"")
        with open(out, "rb") as f:
            self.assertEqual(f.read(), self.run_report("--out", "-"))
        self.assertEqual(sorted(os.listdir(self.dir)), ["eyrie.conf", "eyrie.db", "r.html"])

    def test_month_words(self):
        self.fill(FIXED)
        self.assertEqual(self.json("--month", "last")["month"], "2026-10")
        self.assertEqual(self.json("--month", "this")["month"], "2026-11")

    def test_help(self):
        out = self.run_report("--help").decode()
        for word in ("Usage:", "--month", "Exit codes", "Example"):
            self.assertIn(word, out)

    def test_reading_writes_nothing(self):
        self.fill(FIXED)
        with open(self.db, "rb") as f:
            before = f.read()
        self.html()
        with open(self.db, "rb") as f:
            self.assertEqual(f.read(), before)


class Job(Case):
    def job(self, now, config="", code=0):
        conf = os.path.join(self.dir, "job.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"[database]\npath = {self.db}\n[report]\ndirectory = {self.dir}/out\n{config}")
        p = subprocess.run([PROBE, conf], capture_output=True, timeout=60, check=False,
                           env={**os.environ, "EYRIE_NOW": str(now)})
        self.assertEqual(p.returncode, code, p.stderr)
        return p.stdout.decode()

    def test_files(self):
        self.fill(FIXED)
        self.assertIn("written 1 ", self.job(NOW))
        self.assertEqual(os.listdir(self.dir + "/out"), ["2026-11.html"])
        # In the first days of a month the one before is written too: crashes arrive late.
        self.assertIn("written 2 ", self.job(DECEMBER + DAY))
        self.assertIn("written 1 ", self.job(DECEMBER + 8 * DAY))
        self.assertEqual(sorted(os.listdir(self.dir + "/out")), ["2026-11.html", "2026-12.html"])
        page = ElementTree.parse(self.dir + "/out/2026-11.html")
        self.assertIn("As recorded on 2026-12-02", text(page.getroot()))

    def test_a_mail_that_fails_is_tried_again(self):
        self.fill(FIXED)
        config = "mail = yes\n[mail]\nserver = smtp://127.0.0.1:9\nto = ops@example.com\n"
        self.assertIn("mailed 0000-00", self.job(DECEMBER + 3600, config))  # too early
        for _ in range(2):
            self.assertIn("written 2 ", self.job(DECEMBER + DAY, config, code=3))

    def test_nothing_configured_does_nothing(self):
        self.fill(FIXED)
        conf = os.path.join(self.dir, "empty.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"[database]\npath = {self.db}\n")
        p = subprocess.run([PROBE, conf], capture_output=True, timeout=60, check=True)
        self.assertEqual(p.stdout, b"written 0 mailed 0000-00 -\n")


if __name__ == "__main__":
    os.environ.pop("EYRIE_CONFIG", None)
    unittest.main()
