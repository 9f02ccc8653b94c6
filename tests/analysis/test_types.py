#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_types.py --eyrie PROGRAM SAMPLE.vmcore: a dump whose BTF is zeroed, as of a kernel built without it.

Without types the log, its event and the symbols are there, and the rest is a named gap; with the types in a file (by
build id from a folder, or named) the record is that of the whole dump. A file of another kernel is refused. System.map
stands in for kallsyms in the same way.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "broken"))
import kdump  # noqa: E402

ARGS = None
PAGE = 4096


def analyse(dump, *options):
    p = subprocess.run(
        [ARGS.eyrie, "analyze", "--format=json", *options, dump], capture_output=True, check=False
    )
    return p.returncode, json.loads(p.stdout) if not p.returncode else p.stderr.decode()


def gaps(record):
    return {g["what"]: g["why"] for g in record["gaps"]}


class Types(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        d = kdump.Dump(ARGS.sample)
        d.load_symbols()
        s = d.symbols
        cls.build_id = next(l[9:] for l in d.vmcoreinfo.split("\n") if l.startswith("BUILD-ID="))
        cls.btf = d.read(s["__start_BTF"], s["__stop_BTF"] - s["__start_BTF"])
        cls.types = cls.path("types")
        os.mkdir(cls.types)
        with open(os.path.join(cls.types, cls.build_id + ".btf"), "wb") as f:
            f.write(cls.btf)
        with open(cls.path("System.map"), "w", encoding="ascii") as f:
            for name, address in sorted(s.items(), key=lambda item: item[1]):
                f.write("%016x T %s\n" % (address, name))
        cls.blank(d, "no-types.vmcore", s["__start_BTF"], s["__stop_BTF"])
        cls.blank(d, "no-names.vmcore", s["kallsyms_names"], d.names_end)
        cls.whole = analyse(ARGS.sample)[1]

    @classmethod
    def path(cls, name):
        return os.path.join(cls.tmp.name, name)

    @classmethod
    def blank(cls, d, name, start, end):
        """The dump with zeros at [start, end)."""
        before = dict(d.changed)
        for pfn in d.frames(start, end):
            page = bytearray(d.page(pfn))
            low = d.physical(start) - pfn * PAGE
            high = d.physical(end - 1) + 1 - pfn * PAGE
            page[max(low, 0) : min(high, PAGE)] = bytes(min(high, PAGE) - max(low, 0))
            d.changed[pfn] = bytes(page)
        d.save(cls.path(name))
        d.changed = before

    def assert_whole(self, record):
        self.assertEqual(record["gaps"], [])
        for part in ("system", "event", "panic_task", "stacks", "tasks", "modules", "log", "inventory"):
            self.assertEqual(record[part], self.whole[part], part)

    def test_without_types_the_log_and_its_event_are_there(self):
        empty = self.path("empty")
        os.mkdir(empty)
        status, record = analyse(self.path("no-types.vmcore"), "--types=" + empty)
        self.assertEqual(status, 0)
        self.assertEqual(record["log"], self.whole["log"])
        self.assertEqual(record["event"]["signature"], self.whole["event"]["signature"])
        self.assertIn("types", gaps(record))
        self.assertIn("modules", gaps(record))

    def test_without_types_a_stack_is_followed_to_the_first_module(self):
        empty = self.path("empty-2")
        os.mkdir(empty)
        record = analyse(self.path("no-types.vmcore"), "--types=" + empty)[1]
        for stack, whole in zip(record["stacks"], self.whole["stacks"]):
            self.assertIsNone(stack["pid"])
            self.assertEqual(stack["address"], whole["address"])
            frames = []
            for frame in whole["frames"]:
                if frame["module"]:
                    break
                frames.append(frame["function"])
            self.assertEqual([f["function"] for f in stack["frames"]][: len(frames)], frames)
            self.assertGreater(len(frames), 3)

    def test_types_are_found_by_build_id(self):
        self.assert_whole(analyse(self.path("no-types.vmcore"), "--types=" + self.types)[1])

    def test_types_can_be_named(self):
        path = os.path.join(self.types, self.build_id + ".btf")
        self.assert_whole(analyse(self.path("no-types.vmcore"), "--types=" + path)[1])

    def test_types_of_another_kernel_are_refused(self):
        # Any other layout: here no structure has a member "comm".
        other = self.path("other.btf")
        data = bytearray(self.btf)
        at = data.find(b"\0comm\0")
        data[at + 1 : at + 5] = b"mmoc"
        with open(other, "wb") as f:
            f.write(data)
        status, record = analyse(self.path("no-types.vmcore"), "--types=" + other)
        self.assertEqual(status, 0)
        self.assertIn("another kernel", gaps(record)["the types given"])
        self.assertEqual(record["log"], self.whole["log"])

    def test_damaged_types_are_refused(self):
        for name, data in (("short.btf", self.btf[:10]), ("zeros.btf", bytes(1000)), ("empty.btf", b"")):
            with open(self.path(name), "wb") as f:
                f.write(data)
            status, record = analyse(self.path("no-types.vmcore"), "--types=" + self.path(name))
            self.assertEqual(status, 0)
            self.assertIn("the types given", gaps(record))

    def test_types_that_are_not_there(self):
        status, message = analyse(self.path("no-types.vmcore"), "--types=" + self.path("nothing"))
        self.assertEqual(status, 2)
        self.assertIn("cannot open", message)

    def test_system_map_stands_in_for_kallsyms(self):
        dump = self.path("no-names.vmcore")
        self.assertIn("symbols", gaps(analyse(dump)[1]))
        record = analyse(dump, "--system-map=" + self.path("System.map"))[1]
        self.assertEqual(record["gaps"], [])
        self.assertEqual(record["tasks"], self.whole["tasks"])
        self.assertEqual(record["event"], self.whole["event"])
        self.assertEqual(len(record["stacks"]), len(self.whole["stacks"]))

    def test_system_map_of_another_kernel_is_refused(self):
        other = self.path("other.map")
        with open(self.path("System.map"), encoding="ascii") as f, open(other, "w", encoding="ascii") as out:
            for line in f:
                if line.endswith(" linux_banner\n"):
                    line = "%016x T linux_banner\n" % (int(line.split()[0], 16) + 64)
                out.write(line)
        found = gaps(analyse(self.path("no-names.vmcore"), "--system-map=" + other)[1])
        self.assertIn("another kernel", found["the System.map given"])
        self.assertIn("symbols", found)


def main():
    global ARGS
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--eyrie", required=True)
    ap.add_argument("sample")
    ARGS, rest = ap.parse_known_args()
    unittest.main(argv=[sys.argv[0]] + rest)


if __name__ == "__main__":
    main()
