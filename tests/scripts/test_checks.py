#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The checker must see a failure where there is one: ./check's counting, its look at the docs, and
the replay driver of the fuzz targets (given as the first argument)."""
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "scripts"))
from checks import docs, mesontests, run  # noqa: E402

REPLAY = os.path.abspath(sys.argv.pop(1))


def cases(result, stdout="", stderr=""):
    return mesontests.cases({"result": result, "stdout": stdout, "stderr": stderr})


class Counting(unittest.TestCase):
    def test_cmocka(self):
        out = ("[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"
               "[  ERROR   ] --- 1 != 2\n[   LINE   ] --- x.c:3: error: Failure!\n[  FAILED  ] b\n"
               "[ RUN      ] c\n[  SKIPPED ] c\n[==========] 3 test(s) run.\n[  PASSED  ] 1 test(s).\n"
               "[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] c\n"
               "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n\n 1 FAILED TEST(S)\n")
        self.assertEqual(cases("FAIL", out), (1, 1, 1))
        self.assertEqual(cases("FAIL", "", out), (1, 1, 1))

    def test_died_between_cases(self):
        self.assertEqual(cases("FAIL", "[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"), (1, 1, 0))
        self.assertEqual(cases("TIMEOUT", "[ RUN      ] a\n"), (0, 1, 0))

    def test_programs_without_cases(self):
        self.assertEqual(cases("OK", "fine\n"), (1, 0, 0))
        self.assertEqual(cases("FAIL"), (0, 1, 0))
        self.assertEqual(cases("SKIP"), (0, 0, 1))

    def test_tap_and_unittest(self):
        self.assertEqual(cases("FAIL", "1..3\nok 1 a\nnot ok 2 b\nok 3 # SKIP no\n"), (1, 1, 1))
        self.assertEqual(cases("FAIL", "", "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"),
                         (2, 2, 1))
        self.assertEqual(cases("FAIL", "ok   a  0.1 s\nFAIL b  0.1 s\n       why\n"), (1, 1, 0))
        self.assertEqual(cases("OK", "", "Ran 2 tests in 0.1s\n\nOK\n"), (2, 0, 0))

    def test_node(self):
        self.assertEqual(mesontests.node_cases("# tests 4\n# pass 4\n# fail 0\n"), 4)
        self.assertEqual(mesontests.node_cases("\u2139 pass 7\n"), 7)


class Docs(unittest.TestCase):
    """Each rule on a tree that breaks it."""

    def outcome(self, function, files):
        with tempfile.TemporaryDirectory() as top:
            for name, text in files.items():
                path = os.path.join(top, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)

            class Context:
                def files(self, *patterns):
                    ends = tuple(p.rsplit("*", 1)[1] for p in patterns)
                    folders = tuple(p.split("*")[0] for p in patterns)
                    return [f for f in sorted(files) if f.endswith(ends) and f.startswith(folders)]
            context = Context()
            context.top = top
            outcome = run.Outcome()
            function(context, outcome)
        return outcome

    def test_links(self):
        good = {"a.md": "[x](b.md#two-words) [y](https://example.com/)\n`[no](link)`", "b.md": "# Two `words`\n"}
        self.assertEqual(self.outcome(docs.links, good).failed, 0)
        self.assertEqual(self.outcome(docs.links, {"a.md": "[x](b.md)"}).failed, 1)
        self.assertEqual(self.outcome(docs.links, {"a.md": "[x](#there)\n# Here\n"}).failed, 1)

    def test_config_keys(self):
        page = "# [mail]\n`server`\n:   Where.\n"
        code = 'x = ey_config_string(config, "mail",\n\t\t"%s", NULL);'
        name = "docs/man/eyrie.conf.5.md"
        self.assertEqual(self.outcome(docs.config_keys, {name: page, "src/a.c": code % "server"}).failed, 0)
        self.assertEqual(self.outcome(docs.config_keys, {name: page, "src/a.c": code % "user"}).failed, 1)

    def test_sections(self):
        page = "".join("# %s\n" % s for s in docs.COMMAND_SECTIONS)
        self.assertEqual(self.outcome(docs.pages, {"docs/man/x.1.md": page}).failed, 0)
        self.assertEqual(self.outcome(docs.pages, {"docs/man/x.1.md": page.replace("OPTIONS", "X")}).failed, 1)


class Replay(unittest.TestCase):
    """The target of this test aborts on inputs that begin with "boo", and hangs on none."""

    def replay(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "seed"), "w", encoding="utf-8") as f:
                f.write(text)
            p = subprocess.run([REPLAY, *options, "seed"], cwd=folder, capture_output=True, text=True,
                               check=False)
            saved = os.path.join(folder, "crash-" + os.path.basename(REPLAY))
            data = open(saved, "rb").read() if os.path.exists(saved) else None
        return p, data

    def test_seed_that_crashes(self):
        p, data = self.replay("boo!")
        self.assertNotEqual(p.returncode, 0)
        self.assertEqual(data, b"boo!")
        self.assertIn("ended on seed, saved in", p.stderr)

    def test_mutation_that_crashes(self):
        p, data = self.replay("bon")
        self.assertEqual((p.returncode, data), (0, None))
        p, data = self.replay("bon", "--mutations", "200000")
        self.assertNotEqual(p.returncode, 0)
        self.assertEqual(data[:3], b"boo")
        self.assertIn("a mutation of seed", p.stderr)

    def test_no_input(self):
        self.assertEqual(subprocess.run([REPLAY], capture_output=True, check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
