#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build and test everything.

usage: ./check [--fast] [--no-install] [--list] [--jobs N] [PART...]

Prints a line when a part begins and ends, the output of a part that failed, then a table of the
parts with their times, and as the last line "N passed, N failed" (and ", N skipped"), counting
single test cases. With PART only those run (and the build, which they need). Logs stay in
build-check/logs/.

  --fast        only what takes seconds (under 5 minutes in all): build, quick tests, linters, docs
  --no-install  do not look for missing Debian packages first
  --list        list the parts and end
  --jobs N      processes at once (default: the number of cores)

Exit codes: 0 all passed; 1 usage; 2 something failed.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import run as checks_run  # noqa: E402
from checks import parts  # noqa: E402


def main(argv):
    options = {"fast": False, "jobs": os.cpu_count() or 2}
    names = []
    args = iter(argv)
    for arg in args:
        if arg in ("-h", "--help"):
            print(__doc__.strip())
            return 0
        if arg == "--fast":
            options["fast"] = True
        elif arg == "--no-install":
            pass  # ./check itself heeds it
        elif arg == "--list":
            for part in parts.PARTS:
                print("%-10s %s%s" % (part.name, part.summary, "" if part.fast else "  (not --fast)"))
            return 0
        elif arg == "--jobs":
            value = next(args, "")
            if not value.isdigit() or int(value) < 1:
                print("check: --jobs wants a number", file=sys.stderr)
                return 1
            options["jobs"] = int(value)
        elif arg in [p.name for p in parts.PARTS]:
            names.append(arg)
        else:
            print('check: no part or option "%s"; ./check --help' % arg, file=sys.stderr)
            return 1
    started = float(os.environ.get("EYRIE_CHECK_START", time.time()))
    return checks_run.run(parts.PARTS, names, options, started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
