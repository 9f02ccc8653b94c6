#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Set Eyrie up and run its main job on the dumps of samples/.

usage: ./quickstart [--once] [--port N] [--dir FOLDER] [--fresh] [--build FOLDER] [--no-install]

Installs the Debian packages that are missing (as root), builds, and then plays one host and its
center in a private folder: a host that crashed three times, its agent, the repository, the
database, a mail server that takes the alerts, the report of the month. Each step prints the
command that it runs, so that you can run it yourself. In the end the console stays up, and its
address is the last line; Ctrl-C ends it. Running it again goes on with what is there.

  --once          end when the chain is done, do not serve the console
  --port N        the console's port (8420, or another that is free)
  --dir FOLDER    the private folder (root: /var/lib/eyrie-quickstart)
  --fresh         forget what an earlier run left in that folder
  --build FOLDER  use this build (build)
  --no-install    do not look for missing packages

Exit codes: 0 done; 1 usage; 2 a step did not do what it should; 3 no network or no disk space.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from qs import chain, shell, setup  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def default_folder():
    if os.geteuid() == 0:
        return "/var/lib/eyrie-quickstart"
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "eyrie-quickstart")


def options():
    p = argparse.ArgumentParser(prog="quickstart", add_help=False)
    p.add_argument("--once", action="store_true")
    p.add_argument("--port", type=int)
    p.add_argument("--dir", default=default_folder())
    p.add_argument("--fresh", action="store_true")
    p.add_argument("--build", default=os.path.join(TOP, "build"))
    p.add_argument("--no-install", action="store_true")
    try:
        o = p.parse_args()
        if o.port is not None and not 0 < o.port < 65536:
            p.error("--port: %d is not 1 to 65535" % o.port)
        return o
    except SystemExit:
        sys.exit(1)


def main():
    o = options()
    started = time.time()
    out = shell.Output()
    try:
        setup.build(out, TOP, os.path.abspath(o.build))
        place = setup.Place(TOP, os.path.abspath(o.dir), os.path.abspath(o.build))
        if o.fresh:
            place.forget()
        place.prepare(o.port)
        with chain.MailServer(place) as mail:
            chain.run(out, place, mail)
            out.summary(place, time.time() - started)
            if o.once:
                return 0
            return chain.serve(out, place)
    except shell.StepFailed as e:
        print("\nquickstart: %s" % e, file=sys.stderr)
        return e.status
    except OSError as e:
        print("\nquickstart: %s" % e, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
