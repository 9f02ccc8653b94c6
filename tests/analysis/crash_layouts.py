# SPDX-License-Identifier: GPL-2.0-or-later
"""Text of the crash utility, taken apart by its commands and put together in other ways.

crash 7 cannot read the kernels of the samples, so its layout is made from crash 9's by the formats of its sources:
print_task_header() "PID: %-5ld  TASK: %lx  CPU: %-2s  COMMAND: ..." and show_ps() in task.c with narrower columns,
do_module_cmd() in kernel.c without BASE.
"""
import re

PROMPT = "crash> "
BANNER = """
crash %s
Copyright (C) 2002-2021  Red Hat, Inc.
Copyright (C) 2004, 2005, 2006, 2010  IBM Corporation
This program is free software, covered by the GNU General Public License,
and you are welcome to change it and/or distribute copies of it under
certain conditions.  Enter "help copying" to see the conditions.
This program has absolutely no warranty.  Enter "help warranty" for details.

GNU gdb (GDB) 7.6
Copyright (C) 2013 Free Software Foundation, Inc.

"""
HEADER = re.compile(r'^PID: (\d+) +TASK: (\w+) +CPU: (\S+) +COMMAND: (".*")$')
ROW = re.compile(r"^([> ]) *(-?\d+) +(-?\d+) +(\d+)  (\w+)  (..) +([\d.]+) +(\d+) +(\d+)  (.*)$")
MODULE = re.compile(r"^(\w{16})  (\S+) +\w{16} +(\d+)  (.*)$")


def sections(text):
    """Text without prompts as {command: lines}, by the first line of each command's output."""
    found, at = {}, "none"
    for line in text.split("\n"):
        if line.startswith("      KERNEL: "):
            at = "sys"
        elif HEADER.match(line):
            if at == "bt" and line in found["bt"] or at == "sys":
                at = "bt" if at == "sys" else "bt -a"
            elif at == "bt":
                at = "bt -a"
        elif re.match(r"^\[ *\d+\.\d+\]", line):
            at = "log"
        elif line.split()[:2] == ["PID", "PPID"]:
            at = "ps"
        elif line.split()[:2] == ["MODULE", "NAME"]:
            at = "mod"
        found.setdefault(at, []).append(line)
    if found.get("mod", [""])[-1] == "":
        found["mod"].pop()
    found.pop("none", None)
    return found


def join(parts, order, prompts=False, version=None):
    """The output of the commands in that order, as crash -i prints it, or with -s."""
    out = BANNER % version if version else ""
    for name in order:
        out += (PROMPT + name + "\n" if prompts else "") + "\n".join(parts[name]) + "\n"
    return out


def as_crash7(line):
    if m := HEADER.match(line):
        return "PID: %-5s  TASK: %s  CPU: %-2s  COMMAND: %s" % m.groups()
    if line.split()[:2] == ["PID", "PPID"]:
        return "   PID    PPID  CPU       TASK        ST  %MEM     VSZ    RSS  COMM"
    if m := ROW.match(line):
        return "%s%6s %6s %3s  %s  %s %5s %7s %6s  %s" % m.groups()
    if line.split()[:2] == ["MODULE", "NAME"]:
        return "     MODULE       NAME                     SIZE  OBJECT FILE"
    if m := MODULE.match(line):
        return "%s  %-22s %8s  %s" % m.groups()
    return line


def crash7(text):
    parts = {name: [as_crash7(line) for line in lines] for name, lines in sections(text).items()}
    return join(parts, ["sys", "bt", "bt -a", "log", "ps", "mod"], prompts=True, version="7.3.2")
