# SPDX-License-Identifier: GPL-2.0-or-later
"""Run tests by meson and count the cases inside each."""
import json
import os
import re


def setup(context, build, *options, env=None):
    """Configure a build folder (again, if it is there) and build it; (status, output)."""
    there = os.path.exists(os.path.join(build, "build.ninja"))
    args = ["meson", "setup", build, *options] + (["--reconfigure"] if there else [])
    status, output = context.command(args, env=env)
    if status and there:  # a folder of another meson or with options that are gone
        status, output = context.command(["meson", "setup", "--wipe", build, *options], env=env)
    if status:
        return status, output
    return context.command(["ninja", "-C", build, "-j", context.options["jobs"]])


def cases(test):
    """(passed, failed, skipped) of one test of meson's log, by what its runner printed."""
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        return 0, 0, 1
    passed = failed = skipped = 0
    # cmocka: "[ RUN      ] name", then one of the others.
    passed += len(re.findall(r"^\[       OK \] \S", text, re.M))
    failed += len(set(re.findall(r"^\[  (?:FAILED|ERROR)   ?\] (\w+)$", text, re.M)))
    skipped += len(set(re.findall(r"^\[  SKIPPED \] (\w+)$", text, re.M)))
    # TAP
    passed += len(re.findall(r"^ok \d+(?!.*# SKIP)", text, re.M))
    skipped += len(re.findall(r"^ok \d+.*# SKIP", text, re.M))
    failed += len(re.findall(r"^not ok \d+", text, re.M))
    # Our scripts: a line a case, "ok   name" or "FAIL name".
    passed += len(re.findall(r"^ok {2,}\S", text, re.M))
    failed += len(re.findall(r"^FAIL \S", text, re.M))
    # Python's unittest
    for ran, end in re.findall(r"^Ran (\d+) tests? in .*\n\n((?:OK|FAILED).*)$", text, re.M):
        counts = {k: int(n) for k, n in re.findall(r"(failures|errors|skipped)=(\d+)", end)}
        bad = counts.get("failures", 0) + counts.get("errors", 0)
        passed += int(ran) - bad - counts.get("skipped", 0)
        failed += bad
        skipped += counts.get("skipped", 0)
    if not passed and not failed and not skipped:
        return (1, 0, 0) if good else (0, 1, 0)
    if not good and not failed:  # it died after, or between, its cases
        failed = 1
    return passed, failed, skipped


def run(context, outcome, build, suites, env=None, multiplier=1, no_suites=()):
    """Run the tests of these suites and add their cases to the outcome."""
    args = ["meson", "test", "-C", build, "--no-rebuild", "--num-processes",
            context.options["jobs"], "--timeout-multiplier", multiplier]
    for suite in suites:
        args += ["--suite", suite]
    for suite in no_suites:
        args += ["--no-suite", suite]
    logs = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(logs):
        os.unlink(logs)
    status, output = context.command(args, timeout=3600, env=env)
    tests = []
    if os.path.exists(logs):
        with open(logs, encoding="utf-8", errors="replace") as f:
            tests = [json.loads(line) for line in f if line.strip()]
    for test in tests:
        passed, failed, skipped = cases(test)
        outcome.passed += passed
        outcome.skipped += skipped
        context.log.write("%s: %d passed, %d failed, %d skipped, %.1f s\n" % (
            test["name"], passed, failed, skipped, test.get("duration") or 0))
        if skipped:
            outcome.notes.append("%d case(s) of %s" % (skipped, test["name"]))
        if failed:
            text = (test.get("stdout", "") + "\n" + test.get("stderr", "")).strip()
            outcome.failures.append((test["name"], text or "meson says: " + test["result"]))
            outcome.failed += failed
            context.log.write(text + "\n")
    if status and not outcome.failed:
        outcome.fail("meson test", output)
    if not tests and not status and "No suitable tests" not in output and "No tests" not in output:
        outcome.fail("meson test", "left no log:\n" + output)


def node_cases(output):
    """How many tests Node's runner says have passed ("# pass 12", or with its other reporter)."""
    m = re.search(r"^(?:#|\S) pass (\d+)$", output, re.M)
    return int(m.group(1)) if m else 1
