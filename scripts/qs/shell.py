# SPDX-License-Identifier: GPL-2.0-or-later
"""Run steps and show what they do."""
import os
import shlex
import subprocess
import sys
import threading
import time


class StepFailed(Exception):
    def __init__(self, message, status=2):
        super().__init__(message)
        self.status = status


class Output:
    """What a person sees: a heading a step, its command, its output, its time."""

    def __init__(self):
        self.steps = []  # (title, seconds, result)
        self.color = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def _style(self, code, text):
        return "\033[%sm%s\033[0m" % (code, text) if self.color else text

    def say(self, text=""):
        print(text, flush=True)

    def heading(self, title):
        self.say("\n" + self._style("1", "%d. %s" % (len(self.steps) + 1, title)))

    def command(self, args):
        self.say(self._style("36", "   $ " + " ".join(shlex.quote(str(a)) for a in args)))

    def lines(self, text, limit=40):
        rows = text.replace("\r\n", "\n").rstrip("\n").split("\n") if text.strip() else []
        for row in rows[:limit]:
            self.say("   | " + printable(row))
        if len(rows) > limit:
            self.say("   | ... %d lines more" % (len(rows) - limit))

    def done(self, title, seconds, result):
        self.steps.append((title, seconds, result))
        self.say(self._style("32", "   => %s (%.1f s)" % (result, seconds)))

    def summary(self, place, seconds):
        self.say("\n" + self._style("1", "What happened"))
        width = max(len(t) for t, _, _ in self.steps)
        for title, took, result in self.steps:
            self.say("   %-*s %6.1f s  %s" % (width, title, took, result))
        self.say("   %-*s %6.1f s" % (width, "in all", seconds))
        self.say("\n" + self._style("1", "Where it is"))
        for what, path in place.paths():
            self.say("   %-14s %s" % (what, path))


def printable(text):
    """Text of a dump must not steer the terminal."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)


class Ticker:
    """Says now and then that a step still runs, so that nobody thinks it hangs."""

    def __init__(self, out, what, seconds=10):
        self.out, self.what, self.seconds = out, what, seconds
        self.stop = threading.Event()
        self.note = ""
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        t0 = time.time()
        while not self.stop.wait(self.seconds):
            self.out.say("   ... %s: %d s%s" % (self.what, time.time() - t0, self.note))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def run(out, args, what, limit=40, env=None, cwd=None, allowed=(0,)):
    """Run a command and show its output; (exit status, output, seconds)."""
    out.command(args)
    t0 = time.time()
    with Ticker(out, what):
        p = subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, cwd=cwd,
                           encoding="utf-8", errors="replace", check=False)
    seconds = time.time() - t0
    out.lines(p.stdout, limit)
    if p.returncode not in allowed:
        raise StepFailed("%s failed: %s ended with %d" % (what, args[0], p.returncode))
    return p.returncode, p.stdout, seconds
