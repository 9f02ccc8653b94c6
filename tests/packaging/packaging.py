#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The units are valid and locked down; the example configuration is what the manual says.

Usage: packaging.py SOURCE_ROOT EYRIE
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT, EYRIE = sys.argv[1:3]
PACKAGING = os.path.join(ROOT, "packaging")
# systemd-analyze's exposure level times ten: about 2, where most services have 9. The agent may reach the center.
EXPOSURE = {"eyrie-agent.service": "25"}
failures = 0


def check(condition, what):
    global failures
    if not condition:
        print("FAILED:", what)
        failures += 1


def read(*names):
    return open(os.path.join(ROOT, *names)).read()


def units():
    if not shutil.which("systemd-analyze"):
        print("systemd-analyze is not there: units are not verified")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(os.path.join(PACKAGING, "systemd")):
            if not name.endswith((".service.in", ".timer")):
                continue
            # The programs are not installed where the units look for them.
            text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true",
                          read("packaging", "systemd", name), flags=re.M)
            with open(os.path.join(folder, name.removesuffix(".in")), "w") as f:
                f.write(text)
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                                  capture_output=True, text=True)
            said = [line for line in (done.stdout + done.stderr).splitlines() if folder in line
                    or name in line]
            check(done.returncode == 0 and not said, f"{name}: {done.stderr}")
            if name.endswith(".service"):
                done = subprocess.run(["systemd-analyze", "security", "--offline=yes",
                                       "--threshold=" + EXPOSURE.get(name, "20"), path],
                                      capture_output=True, text=True)
                check(done.returncode == 0, f"{name}: exposure {done.stdout[-100:]}")


def programs():
    """What units and man pages call exists with these words."""
    done = subprocess.run([EYRIE, "agent", "--help"], capture_output=True, text=True)
    options = set(re.findall(r"--[a-z-]+", done.stdout))
    unit = read("packaging", "systemd", "eyrie-agent.service.in")
    for option in re.findall(r"^ExecStart=.* (--\S+)", unit, flags=re.M):
        check(option in options, f"eyrie-agent.service: {option}")
    page = read("docs", "man", "eyrie-agent.8.md")
    for option in options:
        check(f"**{option}**" in page, f"eyrie-agent.8.md does not name {option}")


def configuration():
    """The example's keys of [agent] and [repository] are the manual's, with its defaults."""
    example = read("packaging", "eyrie.conf")
    manual = read("docs", "man", "eyrie.conf.5.md")
    for section in ("agent", "repository"):
        text = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", example, flags=re.M | re.S)[1]
        page = re.search(rf"^# \[{section}\]\n(.*?)(?=^# |\Z)", manual, flags=re.M | re.S)[1]
        set_in = dict(re.findall(r"^#(\w+) = (.*)$", text, flags=re.M))
        described = dict(re.findall(r"^`(\w+)`\n:.*?Default:\s+`([^`]*)`", page,
                                    flags=re.M | re.S))
        check(set_in == described, f"[{section}]: example {set_in}, manual {described}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "eyrie.conf")
        with open(path, "w") as f:
            f.write(re.sub(r"^#(\w+ = )", r"\1", example, flags=re.M))
        os.mkdir(os.path.join(folder, "crash"))
        done = subprocess.run([EYRIE, "agent", "--config", path, "--state-dir", folder + "/state",
                               "--repository", folder + "/repository",
                               "--crash-dir", folder + "/crash"], capture_output=True, text=True)
        check(done.returncode == 0, f"the example with its defaults set: {done.stderr}")


def install_script():
    with tempfile.TemporaryDirectory() as folder:
        command = [os.path.join(PACKAGING, "install-config"),
                   os.path.join(PACKAGING, "eyrie.conf"), "/etc/eyrie"]
        env = {**os.environ, "DESTDIR": folder}
        subprocess.run(command, env=env, check=True)
        path = os.path.join(folder, "etc/eyrie/eyrie.conf")
        check(open(path).read() == read("packaging", "eyrie.conf"), "the example is installed")
        with open(path, "w") as f:
            f.write("[agent]\n")
        subprocess.run(command, env=env, check=True)
        check(open(path).read() == "[agent]\n", "the administrator's file is kept")


for test in (units, programs, configuration, install_script):
    test()
sys.exit(1 if failures else 0)
