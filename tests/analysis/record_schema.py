#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema and the reader agree: what one accepts or refuses, the other does too.

Usage: record_schema.py SCHEMA RECORD_CHECK RECORD...
"""
import copy
import json
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

MISSING = object()


def put(path, value):
    """A change of the record: the value at the path of keys replaced or removed."""
    def change(record):
        at = record
        for key in path[:-1]:
            at = at[key]
        if value is MISSING:
            del at[path[-1]]
        else:
            at[path[-1]] = value
    change.__doc__ = f"{'.'.join(map(str, path))} = {'(missing)' if value is MISSING else repr(value)[:60]}"
    return change


GOOD = [
    put(["event"], None), put(["identity"], None), put(["identity"], MISSING),
    put(["identity", "machine_id"], "0123456789abcdef0123456789abcdef"),
    put(["later"], {"unknown": [1, {"keys": "are kept"}]}), put(["event", "later"], 1),
    put(["log"], MISSING), put(["log"], "nul \u0000 in it"), put(["system", "load"], None),
    put(["system", "uptime_seconds"], 12.75), put(["system", "crash_time"], None),
    put(["system", "crash_time"], "2026-11-23T14:35:46.123456Z"), put(["event", "cpu"], -1),
    put(["event", "offset"], None), put(["event", "kind"], "NEW-KIND2"),
    put(["gaps"], [{"what": "tasks", "why": "no BTF in the dump", "how": 1}]),
    put(["tasks"], []), put(["event", "frames", 0, "module"], None),
    put(["event", "frames"], []), put(["event", "lines"], {"title": 3, "cpu": None, "later": "x"}),
    put(["event", "lines"], None), put(["event", "frames", 0, "line"], 7),
    put(["event", "verdict"], "hardware"), put(["dump"], {}), put(["panic_task", "pid"], None),
]
BAD = [
    put(["schema"], MISSING), put(["schema"], "eyrie/crash/2"), put(["schema"], 1),
    put(["system"], MISSING), put(["system"], None), put(["system"], []),
    put(["identity"], "web-01"), put(["identity", "hostname"], 1),
    put(["identity", "hostname"], "h" * 256), put(["identity", "boot_id"], "0" * 65),
    put(["system", "cpus"], -1), put(["system", "cpus"], "2"), put(["system", "cpus"], 1.5),
    put(["system", "memory_bytes"], True), put(["system", "crash_time"], "yesterday"),
    put(["system", "crash_time"], "2026-11-23 14:35:46+01:00"),
    put(["system", "crash_time"], 1700000000), put(["system", "uptime_seconds"], -1),
    put(["system", "uptime_seconds"], "5"), put(["system", "uptime_seconds"], 1e300),
    put(["system", "load"], [1, 2]), put(["system", "load"], [1, 2, "3"]),
    put(["system", "load"], [1, 2, 3, 4]), put(["inventory", "vendor"], ["QEMU"]),
    put(["event", "lines"], []), put(["event", "lines"], {"title": 0}),
    put(["event", "lines"], {"cpu": "3"}), put(["event", "frames", 0, "line"], 0),
    put(["event", "verdict"], 1), put(["event", "evidence"], "x" * 1025),
    put(["event"], []), put(["event", "kind"], MISSING), put(["event", "kind"], "<b>"),
    put(["event", "kind"], ""), put(["event", "reason"], None), put(["event", "reason"], ""),
    put(["event", "offset"], -5), put(["event", "pid"], -2), put(["event", "corrupted"], 1),
    put(["event", "title"], "t" * 4097), put(["event", "frames"], {}),
    put(["event", "frames", 0], "machine_kexec"), put(["event", "frames", 0, "address"], "xyz"),
    put(["event", "frames", 0, "address"], "0x00000000000000"),
    put(["event", "frames", 0, "reliable"], "yes"),
    put(["event", "frames"], [{"function": "f"}] * 4097),
    put(["panic_task"], 148), put(["panic_task", "address"], 18446744073709551615 // 2),
    put(["dump", "bytes"], "16 MB"), put(["dump", "complete"], "yes"), put(["engine"], 1),
    put(["gaps"], ["no BTF"]), put(["gaps"], [{"what": "tasks"}]), put(["gaps"], {}),
    put(["stacks"], {}), put(["tasks"], 64), put(["modules"], "lkdtm"), put(["log"], ["a", "b"]),
]


def main():
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    cases = []
    for path in sys.argv[3:]:
        record = json.load(open(path))
        cases.append((path, record, True))
        for changes, good in ((GOOD, True), (BAD, False)):
            for change in changes:
                changed = copy.deepcopy(record)
                change(changed)
                cases.append((change.__doc__, changed, good))
    lines = "".join(json.dumps(record) + "\n" for _, record, _ in cases)
    answers = subprocess.run([sys.argv[2]], input=lines, text=True, capture_output=True,
                             check=True).stdout.splitlines()
    failed = len(answers) != len(cases)
    for (name, record, good), answer in zip(cases, answers):
        by_schema = validator.is_valid(record)
        by_reader = answer == "ok"
        if by_schema != good or by_reader != good:
            print(f"{name}: expected {good}, schema says {by_schema}, reader says {answer}")
            failed = True
    print(f"{len(cases)} records checked")
    return failed


sys.exit(main())
