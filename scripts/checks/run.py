# SPDX-License-Identifier: GPL-2.0-or-later
"""Run parts one after the other; count, time and report them."""
import os
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build-check")
LOGS = os.path.join(BUILD, "logs")


class Outcome:
    """What one part found: counts, the cases that failed, and words on what was not run."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []  # (name, text that tells why)
        self.notes = []

    def ok(self, count=1):
        self.passed += count

    def fail(self, name, why):
        self.failed += 1
        self.failures.append((name, why))

    def skip(self, why, count=1):
        self.skipped += count
        self.notes.append(why)

    def expect(self, good, name, why):
        if good:
            self.ok()
        else:
            self.fail(name, why)


class Part:
    """One line of the table: fast parts run with --fast too."""

    def __init__(self, name, summary, function, fast=False, needs=()):
        self.name, self.summary, self.function = name, summary, function
        self.fast, self.needs = fast, needs


class Context:
    """What a part gets: where things are, how to run a program, where its log goes."""

    def __init__(self, part, options):
        self.part, self.options = part, options
        self.top, self.build = TOP, BUILD
        self.log_path = os.path.join(LOGS, part.name + ".log")
        self.log = open(self.log_path, "w", encoding="utf-8", errors="replace")

    def command(self, args, timeout=1800, env=None, cwd=TOP):
        """Run a program to its end; (exit status, its output). What runs too long is killed with
        all its children, so that nothing is left behind."""
        self.log.write("$ %s\n" % " ".join(map(str, args)))
        self.log.flush()
        p = subprocess.Popen([str(a) for a in args], cwd=cwd, env={**os.environ, **(env or {})},
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True, encoding="utf-8", errors="replace")
        try:
            output, _ = p.communicate(timeout=timeout)
            status = p.returncode
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            output, _ = p.communicate()
            output += "\nkilled: not done after %d s\n" % timeout
            status = 124
        self.log.write(output + ("\nexit status %d\n" % status if status else "\n"))
        self.log.flush()
        return status, output

    def files(self, *patterns):
        """The project's own files of these patterns, also those not committed yet."""
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
                             cwd=TOP, capture_output=True, check=True).stdout.decode()
        return sorted({f for f in out.split("\0") if f and os.path.exists(os.path.join(TOP, f))})


def say(text=""):
    print(text, flush=True)


def tail(text, lines=40):
    rows = text.rstrip().splitlines()
    return "\n".join((["..."] if len(rows) > lines else []) + rows[-lines:])


def choose(parts, names, fast):
    if not names:
        return [p for p in parts if p.fast or not fast]
    wanted = set(names)
    for part in reversed(parts):  # parts stand after what they need
        if part.name in wanted:
            wanted.update(part.needs)
    return [p for p in parts if p.name in wanted]


def run(parts, names, options, started):
    os.makedirs(LOGS, exist_ok=True)
    rows = [("install", time.time() - started, None)]
    broken = set()
    for part in choose(parts, names, options["fast"]):
        say("check: %s: %s ..." % (part.name, part.summary))
        outcome, t0 = Outcome(), time.time()
        missing = broken.intersection(part.needs)
        if missing:
            outcome.fail(part.name, "not run, since %s failed" % ", ".join(sorted(missing)))
        else:
            context = Context(part, options)
            try:
                part.function(context, outcome)
            except Exception as e:  # a part that breaks is a failure, not the end of the run
                outcome.fail(part.name, "%s: %s" % (type(e).__name__, e))
                import traceback
                context.log.write(traceback.format_exc())
            context.log.close()
        if outcome.failed:
            broken.add(part.name)
        seconds = time.time() - t0
        for name, why in outcome.failures:
            say("check: FAILED %s: %s" % (part.name, name))
            say("    " + tail(why).replace("\n", "\n    "))
        for note in outcome.notes:
            say("check: %s: not run: %s" % (part.name, note))
        say("check: %s: %d passed, %d failed%s, %.0f s" % (
            part.name, outcome.passed, outcome.failed,
            ", %d skipped" % outcome.skipped if outcome.skipped else "", seconds))
        rows.append((part.name, seconds, outcome))
    return report(rows, started)


def report(rows, started):
    say("\n%-10s %8s %8s %8s %8s" % ("part", "seconds", "passed", "failed", "skipped"))
    total = Outcome()
    for name, seconds, outcome in rows:
        if outcome is None:
            say("%-10s %8.0f" % (name, seconds))
            continue
        say("%-10s %8.0f %8d %8d %8s" % (name, seconds, outcome.passed, outcome.failed,
                                         outcome.skipped or ""))
        total.passed += outcome.passed
        total.failed += outcome.failed
        total.skipped += outcome.skipped
    say("%-10s %8.0f" % ("in all", time.time() - started))
    if total.failed:
        say("\nlogs: %s" % os.path.relpath(LOGS, os.getcwd()))
    say("%d passed, %d failed%s" % (total.passed, total.failed,
                                    ", %d skipped" % total.skipped if total.skipped else ""))
    sys.stdout.flush()
    return 2 if total.failed else 0
