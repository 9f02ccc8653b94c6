#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program with a PostgreSQL server of its own.

    with_postgres.py [--durable] PROGRAM [ARG...]

The server lives in a temporary folder and listens on a socket there only; its address, without
the name of a schema, is in EYRIE_TEST_POSTGRES. It is gone when the program ends. --durable keeps
fsync on, for benchmarks and tests that kill it; its folder is in EYRIE_TEST_POSTGRES_DATA then.
Exit code: the program's; 77 where PostgreSQL is not installed.
"""
import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile


def find_programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: int(f.split("/")[4]))
    return folders[-1] if folders else None


class Server:
    def __init__(self, folder, durable):
        self.programs = find_programs()
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.durable = durable
        # PostgreSQL refuses to run as root.
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            os.chmod(folder, 0o755)

    def run(self, program, *arguments):
        drop = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        done = subprocess.run([os.path.join(self.programs, program), *arguments], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, **drop)
        if done.returncode:
            sys.exit("%s: %s" % (program, done.stdout))

    def start(self):
        self.run("initdb", "-D", self.data, "-U", "eyrie", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "-N")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as f:
            f.write("listen_addresses = ''\nunix_socket_directories = '%s'\n"
                    "max_connections = 64\nshared_buffers = 64MB\n" % self.folder)
            if not self.durable:
                f.write("fsync = off\nfull_page_writes = off\n")
        self.run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l",
                 os.path.join(self.folder, "log"), "start")

    def stop(self):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    @property
    def address(self):
        return "host=%s user=eyrie dbname=postgres" % self.folder


def main():
    arguments = sys.argv[1:]
    durable = arguments[:1] == ["--durable"]
    if durable:
        arguments = arguments[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if arguments else 1
    if not find_programs():
        print("PostgreSQL is not installed (apt-get install postgresql)")
        return 77
    folder = tempfile.mkdtemp(prefix="eyrie-postgres-")
    server = Server(folder, durable)
    try:
        server.start()
        environment = dict(os.environ, EYRIE_TEST_POSTGRES=server.address,
                           EYRIE_TEST_POSTGRES_DATA=server.data)
        return subprocess.run(arguments, env=environment).returncode
    finally:
        try:
            server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
