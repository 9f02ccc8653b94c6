# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of ./check, in order: one function each."""
import json
import os
import tempfile

from . import chain, docs, mesontests, source
from .run import Part

SANITIZE = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
# (strict_string_checks is off: it faults strndup() of a text that has no NUL, which POSIX allows.)
SANITIZER_ENV = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
                 "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


def build(context, outcome):
    options = ["-Dwerror=true"]
    if os.path.exists(os.path.join(context.top, "console", "package.json")):
        options.append("-Dconsole=enabled")  # else a build without Node or a registry goes without
    status, output = mesontests.setup(context, context.build, *options)
    outcome.expect(status == 0, "build", output)


def quick(context, outcome):
    mesontests.run(context, outcome, context.build, ["quick"])


def slow(context, outcome):
    mesontests.run(context, outcome, context.build, ["slow"])


def guest(context, outcome):
    """Machines that crash, dump, boot and report, with the kernel that Debian ships today."""
    kernel = os.path.join(context.build, "guest-kernel")
    if not os.path.isdir(os.path.join(kernel, "boot")):
        status, output = context.command(["tests/guest/fetch-kernel", kernel], timeout=600)
        if status:
            outcome.fail("tests/guest/fetch-kernel", output)
            return
    mesontests.run(context, outcome, context.build, ["guest"], env={"EYRIE_GUEST_KERNEL": kernel})


def sanitize(context, outcome):
    folder = os.path.join(context.top, "build-check-asan")
    status, output = mesontests.setup(context, folder, "-Dwerror=true", *SANITIZE)
    outcome.expect(status == 0, "build with address,undefined", output)
    if status == 0:
        mesontests.run(context, outcome, folder, ["quick", "fuzz"], env=SANITIZER_ENV, multiplier=5)


def fuzz(context, outcome):
    """A few seconds of looking for new inputs: also, the programs build with clang."""
    status, output = context.command(["fuzz/run.sh", "--list"])
    targets = output.split() if status == 0 else []
    outcome.expect(targets, "fuzz/run.sh --list", output)
    for name in targets:
        status, output = context.command(["fuzz/run.sh", name, "8"], timeout=900)
        outcome.expect(status == 0, "fuzz/run.sh " + name, output)


def shared(context, outcome):
    """Scores on the corpora that stand beside the project, where they do."""
    folder = os.path.join(os.path.dirname(context.top), "shared")
    if not os.path.isdir(os.path.join(folder, "corpus")):
        outcome.skip("the corpora of dumps and logs (../shared) are not on this machine")
        return
    eyrie = os.path.join(context.build, "eyrie")
    with tempfile.TemporaryDirectory(prefix="eyrie-check-") as tmp:
        scores = os.path.join(tmp, "vmcore.json")
        _, output = context.command(
            ["/usr/bin/python3", os.path.join(folder, "tools/score_vmcore.py"), "--eyrie", eyrie,
             "--dir", os.path.join(folder, "corpus/vmcores"), "-v", "--json", scores])
        count_dumps(outcome, scores, output)
        scores = os.path.join(tmp, "oops.json")
        status, output = context.command(
            ["/usr/bin/python3", os.path.join(folder, "tools/score_oops.py"), "--cmd",
             eyrie + " oops --batch", "--set", "dev", "--meta", "--stream", "--extras",
             "--json", scores])
        check_oops(outcome, scores, status, output)


def count_dumps(outcome, path, output):
    if not os.path.exists(path):
        outcome.fail("score_vmcore.py", output)
        return
    with open(path, encoding="utf-8") as f:
        rows = json.load(f)["rows"]
    if not rows:
        outcome.fail("score_vmcore.py", "found no dump\n" + output)
    for name, row in rows.items():
        wrong = [c for c in ("rip", "task", "trace", "bt", "log", "ps", "mem", "mod")
                 if "error" in row or (row[c] is not None and row[c] < (0.85 if c == "bt" else 0.9999))]
        outcome.expect(not wrong, "analysis of " + name,
                       row.get("error") or "wrong: %s\n%s" % (", ".join(wrong), output))


# What has been reached on the logs' corpus; a change that loses any of it fails.
OOPS_FLOORS = {"a.recall_clean": 0.99, "a.recall": 0.995, "a.precision": 1.0, "b.cls": 0.99,
               "c.title_func": 0.97, "c.rip_off": 1.0, "d_TITLE.F1": 0.95, "d_nostall.F1": 0.95,
               "meta1": 1.0, "meta2": 0.995, "stream": 0.99}


def check_oops(outcome, path, status, output):
    if status or not os.path.exists(path):
        outcome.fail("score_oops.py", output)
        return
    with open(path, encoding="utf-8") as f:
        scores = json.load(f)
    outcome.ok()
    for name, floor in OOPS_FLOORS.items():
        score = scores
        for key in name.split("."):
            score = score.get(key, 0)
        outcome.expect(score >= floor, "score_oops.py " + name,
                       "%s is below %s\n%s" % (score, floor, output))


def console(context, outcome):
    """Type check and unit tests of the console, by its own scripts. The build installs its libraries."""
    folder = os.path.join(context.top, "console")
    package = os.path.join(folder, "package.json")
    if not os.path.exists(package):
        outcome.skip("there is no console/package.json")
        return
    with open(package, encoding="utf-8") as f:
        scripts = json.load(f).get("scripts", {})
    for script in ("types", "test"):
        if script in scripts:
            status, output = context.command(["npm", "run", "--silent", script], cwd=folder)
            if status:
                outcome.fail("npm run " + script, output)
            else:
                outcome.ok(mesontests.node_cases(output))


PARTS = [
    Part("source", "license lines, file lengths, formatting", source.source, fast=True),
    Part("build", "all programs, warnings are errors", build, fast=True),
    Part("quick", "unit tests", quick, fast=True, needs=["build"]),
    Part("docs", "links, man pages, commands and config keys documented", docs.docs, fast=True,
         needs=["build"]),
    Part("console", "types and unit tests of the console", console, fast=True, needs=["build"]),
    Part("slow", "tests with servers, mail and a browser", slow, needs=["build"]),
    Part("chain", "./quickstart --once on the shipped dumps, twice", chain.chain, needs=["build"]),
    Part("guest", "whole machines in QEMU crash, dump, boot and report", guest, needs=["build"]),
    Part("shared", "scores on the corpora beside the project", shared, needs=["build"]),
    Part("sanitize", "unit tests and fuzz corpora under address and undefined sanitizers", sanitize),
    Part("fuzz", "libFuzzer, 8 seconds a target, built by clang", fuzz),
    Part("tidy", "clang-tidy", source.tidy, needs=["build"]),
]
