# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be said of the source without running it: licenses, lengths, formatting, clang-tidy."""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess

LICENSE = "SPDX-License-Identifier: GPL-2.0-or-later"
# What must begin with the license line (JSON and Markdown have no place for it, data is data).
LICENSED = ["*.c", "*.h", "*.re", "*.py", "*.sh", "*.ts", "*.tsx", "*.js", "*.mjs", "*.css", "*.sql",
            "*meson.build", "meson.options", "check", "quickstart", ".ci/run"]
MAX_LINES, MAX_TEST_LINES = 600, 800
NOT_OURS = ("fuzz/corpus/", "samples/", "tests/data/")


def ours(files):
    return [f for f in files if not f.startswith(NOT_OURS) and "/data/" not in f]


def read(context, path):
    with open(os.path.join(context.top, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def limit(path):
    return MAX_TEST_LINES if path.startswith("tests/") else MAX_LINES


def source(context, outcome):
    files = ours(context.files(*LICENSED))
    bare = [f for f in files if LICENSE not in "".join(read(context, f).splitlines(True)[:4])]
    outcome.expect(not bare, "license line in %d files" % len(files),
                   "no '%s' at the top of:\n%s" % (LICENSE, "\n".join(bare)))

    long = [(f, read(context, f).count("\n")) for f in files]
    long = ["%s: %d lines" % row for row in long if row[1] > limit(row[0])]
    outcome.expect(not long, "file lengths", "to be split:\n" + "\n".join(long))

    space = []
    for f in files:
        for number, line in enumerate(read(context, f).split("\n"), 1):
            if line != line.rstrip():
                space.append("%s:%d: blanks at the end of the line" % (f, number))
    outcome.expect(not space, "no trailing blanks", "\n".join(space[:40]))

    private = []
    for f in ours(context.files("*")):
        if re.search(r"(?<![\w.])/(work|home/\w+)/", read(context, f)):
            private.append(f)
    outcome.expect(not private, "no path of somebody's machine", "\n".join(private))

    files = ours(context.files("*.c", "*.h"))
    status, output = context.command(["clang-format", "--dry-run", "-Werror", *files])
    outcome.expect(status == 0, "clang-format of %d files" % len(files),
                   output + "\nclang-format -i FILE mends it")

    scripts = [f for f in files_with_shebang(context) if "sh" in read(context, f).split("\n")[0]]
    for f in scripts:
        shell = "bash" if "bash" in read(context, f).split("\n")[0] else "sh"
        status, output = context.command([shell, "-n", f])
        outcome.expect(status == 0, shell + " -n " + f, output)
    for f in context.files("*.py"):
        status, output = context.command(
            ["/usr/bin/python3", "-c", "import ast,sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])", f])
        outcome.expect(status == 0, "syntax of " + f, output)


def files_with_shebang(context):
    found = []
    for f in ours(context.files()):
        path = os.path.join(context.top, f)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            with open(path, "rb") as stream:
                if stream.read(2) == b"#!":
                    found.append(f)
    return found


def tidy(context, outcome):
    """clang-tidy on every file that is compiled; what passed before, with all the same headers,
    is not looked at again. (A variable that only its scope guard uses is unused to clang, not to
    gcc, whose word on that counts.)"""
    with open(os.path.join(context.build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    units = {}
    for e in entries:
        path = os.path.relpath(os.path.join(e["directory"], e["file"]), context.top)
        if path.endswith(".c") and not path.startswith(("..", "build")):
            units.setdefault(path, e["command"])
    common = hashlib.sha256()
    for f in context.files("*.h", ".clang-tidy", "*/.clang-tidy"):
        common.update(read(context, f).encode())
    common.update(subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout)
    cache = os.path.join(context.build, "tidy-passed")
    os.makedirs(cache, exist_ok=True)

    def one(path):
        key = common.copy()
        key.update((path + read(context, path) + " ".join(shlex.split(units[path])[1:-1])).encode())
        stamp = os.path.join(cache, key.hexdigest())
        if os.path.exists(stamp):
            return path, 0, ""
        p = subprocess.run(["clang-tidy", "--quiet", "-p", context.build,
                            "--extra-arg=-Wno-unknown-warning-option",
                            "--extra-arg=-Wno-unused-variable", path],
                           cwd=context.top, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=900, check=False)
        if p.returncode == 0:
            open(stamp, "w", encoding="utf-8").close()
        return path, p.returncode, p.stdout + p.stderr

    with concurrent.futures.ThreadPoolExecutor(context.options["jobs"]) as pool:
        for path, status, output in pool.map(one, sorted(units)):
            if status:
                context.log.write(output)
            outcome.expect(status == 0, path, output)
