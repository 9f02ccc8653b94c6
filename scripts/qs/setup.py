# SPDX-License-Identifier: GPL-2.0-or-later
"""Build, and lay out the private folder."""
import os
import re
import shutil
import socket
import subprocess
import time

from .shell import StepFailed, Ticker

MARK = ".eyrie-quickstart"


def build(out, top, folder):
    out.heading("Build")
    t0 = time.time()
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        args = ["meson", "setup", folder]
        out.command(args)
        p = subprocess.run(args, cwd=top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False)
        if p.returncode:
            out.lines(p.stdout[-3000:])
            raise StepFailed("meson could not configure the build")
    args = ["ninja", "-C", folder]
    out.command(args)
    with Ticker(out, "building") as ticker, \
            subprocess.Popen(args, cwd=top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, encoding="utf-8", errors="replace") as p:
        rows = []
        for row in p.stdout:
            rows.append(row.rstrip())
            m = re.match(r"\[(\d+)/(\d+)\]", row)
            if m:
                ticker.note = ", step %s of %s" % m.groups()
    if p.returncode:
        out.lines("\n".join(rows[-40:]))
        raise StepFailed("the build failed")
    version = subprocess.run([os.path.join(folder, "eyrie"), "--version"], stdout=subprocess.PIPE,
                             encoding="utf-8", check=True).stdout.strip()
    out.done("Build", time.time() - t0, version)


def free_port(wanted=0):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", wanted))
        except OSError:
            return None
        return s.getsockname()[1]


class Place:
    """The private folder and what is in it."""

    def __init__(self, top, root, build_folder):
        self.top, self.root, self.build = top, root, build_folder
        self.eyrie = os.path.join(build_folder, "eyrie")
        self.eyried = os.path.join(build_folder, "eyried")
        self.samples = os.path.join(top, "samples")
        self.conf = os.path.join(root, "eyrie.conf")
        self.crash = os.path.join(root, "crash")
        self.repository = os.path.join(root, "repository")
        self.database = os.path.join(root, "eyrie.db")
        self.mail = os.path.join(root, "mail")
        self.reports = os.path.join(root, "reports")
        self.agent_state = os.path.join(root, "agent")
        self.port = self.mail_port = 0

    def paths(self):
        return [("configuration", self.conf), ("crash folder", self.crash),
                ("repository", self.repository), ("database", self.database),
                ("mails", self.mail), ("reports", self.reports)]

    def forget(self):
        """Remove an earlier run; only what is certainly one."""
        if os.path.exists(os.path.join(self.root, MARK)):
            shutil.rmtree(self.root)

    def prepare(self, port):
        if os.path.isdir(self.root) and os.listdir(self.root) and \
                not os.path.exists(os.path.join(self.root, MARK)):
            raise StepFailed("%s is not empty and not of an earlier quickstart; name another folder "
                             "with --dir" % self.root, 1)
        for folder in (self.crash, self.repository, self.reports, self.agent_state):
            os.makedirs(folder, exist_ok=True)
        with open(os.path.join(self.root, MARK), "w", encoding="utf-8") as f:
            f.write("made by ./quickstart; --fresh removes the folder\n")
        self.mail_port = free_port()
        if port is not None and not free_port(port):
            raise StepFailed("port %d is taken; name another with --port" % port, 1)
        self.port = port or free_port(8420) or free_port()
        self.write_conf()

    def write_conf(self):
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(CONF.format(**vars(self)))


# What an administrator would write, but for max_age.
CONF = """\
# Written by ./quickstart; see eyrie.conf(5).
[repository]
path = {repository}
site = default

[database]
path = {database}

[agent]
crash_dir = {crash}
state_dir = {agent_state}

[monitor]
# The crashes are as old as the samples: raise alerts all the same.
max_age = 0

[mail]
server = smtp://127.0.0.1:{mail_port}
from = eyrie@example.com
to = oncall@example.com

[server]
listen = 127.0.0.1:{port}
# Mails and reports link to it.
url = http://127.0.0.1:{port}
"""
