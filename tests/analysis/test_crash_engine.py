#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How eyrie analyze finds the kernel's vmlinux, runs the crash utility, keeps it in bounds, and compares.

  test_crash_engine.py --eyrie build/eyrie SAMPLES [--crash PROGRAM --kernels DIR --dumps DIR]

Scripts stand in for crash: they hang, flood, die and leave processes behind, which crash does rarely. What they print is
what the real one wrote of the samples. With --crash, that program is run on the dumps of --dumps, with the kernels of
--kernels (DIR/RELEASE/vmlinux), and must say what the native engine says.

Exit status: 0 right, 1 not.
"""
import argparse
import glob
import http.server
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
failures = []


def check(name, got, wanted=True):
    if got != wanted:
        failures.append(name)
        print("FAIL %s\n     got    %s\n     wanted %s" % (name, str(got)[:600], str(wanted)[:400]))


def elf(build_id, debuginfo=True):
    """An ELF file with a build id and, it says, debuginfo: what a vmlinux is recognized by."""
    note = struct.pack("<III4s", 4, len(build_id), 3, b"GNU\0") + build_id
    names = b"\0.note.gnu.build-id\0.debug_info\0.shstrtab\0"
    body = note + names
    sections = [
        (0, 0, 0, 0), (1, 7, 64, len(note)), (20 if debuginfo else 0, 1, 64, 0), (32, 3, 64 + len(note), len(names)),
    ]
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64,
                         len(sections), 3)
    table = b"".join(struct.pack("<IIQQQQIIQQ", n, t, 0, 0, off, size, 0, 0, 1, 0) for n, t, off, size in sections)
    return header + body + table


def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def gone(pids):
    """Whether none of them runs any more; given time, since a killed process ends when it is scheduled."""
    for _ in range(600):
        alive = []
        for pid in pids:
            try:
                with open("/proc/%d/stat" % pid) as f:
                    if f.read().rpartition(")")[2].split()[0] not in "ZX":
                        alive.append(pid)
            except OSError:
                pass
        if not alive:
            return True
        time.sleep(0.1)
    return "still there: %s" % alive


class Bench:
    def __init__(self, eyrie, samples, folder):
        self.eyrie, self.folder = eyrie, folder
        self.dump = os.path.join(samples, "bug-6.1.vmcore")
        with open(self.dump, "rb") as f:
            info = f.read(1 << 16)
        self.build_id = re.search(rb"BUILD-ID=([0-9a-f]{40})\n", info).group(1).decode()
        self.release = re.search(rb"OSRELEASE=(\S+)\n", info).group(1).decode()
        self.text = os.path.join(HERE, "crash", "bug-6.1.crash9.txt")
        self.debug = os.path.join(folder, "debug")
        self.pids = os.path.join(folder, "pids")
        self.vmlinux = write(os.path.join(self.debug, "boot", "vmlinux-" + self.release), elf(bytes.fromhex(self.build_id)))
        self.native = self.run("--engine=native")[0]

    def config(self, crash="", **settings):
        text = "[analysis]\ndebug_path = %s\ndebuginfod_cache = %s/cache\ncrash = %s\n" % (self.debug, self.folder, crash)
        text += "".join("%s = %s\n" % item for item in settings.items())
        return write(os.path.join(self.folder, "eyrie.conf"), text)

    def script(self, body):
        """A program that stands in for crash."""
        if os.path.exists(self.pids):
            os.unlink(self.pids)
        return write(os.path.join(self.folder, "crash-stand-in"),
                     "#!/bin/bash\ntext=%s\npids=%s\necho $$ >>$pids\n%s\n" % (self.text, self.pids, body), 0o755)

    def arguments(self, *options, crash="", dump=None, form="json", **settings):
        config = self.config(crash, **settings)
        return [self.eyrie, "analyze", "--config=" + config, "--format=" + form, *options, dump or self.dump]

    def run(self, *options, env=None, **how):
        p = subprocess.run(self.arguments(*options, **how), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        out, err = p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")
        if p.returncode:
            return None, err, p.returncode
        return (json.loads(out) if how.get("form", "json") == "json" else out), err, 0

    def left(self):
        with open(self.pids) as f:
            return gone([int(line) for line in f])


def gaps(record):
    return " | ".join("%(what)s: %(why)s" % g for g in record["gaps"]) if record else "no record"


def key(record):
    return record and (record["event"]["signature"], record["event"]["reason"])


def test_run(b):
    """What crash is given, and what becomes of its output."""
    good = b.script('cat $text; echo "args: $*"; echo "cwd: $PWD"; env | sed "s/^/env: /"; echo "home: $(ls -A $HOME)"\n'
                    'sed "s/^/command: /" $2; read -r line && echo "stdin: $line"; [ -t 1 ] && echo "a terminal"\n'
                    'ps -o pid=,pgid=,sid= -p $$ | sed "s/^/session: /"; printf "\\033[2Jsteer\\n"')
    record, err, code = b.run("--engine=crash", crash=good)
    check("run", (code, err), (0, ""))
    check("event", key(record), key(b.native))
    check("engine", record["engine"], "crash")
    check("dump", record["dump"], b.native["dump"])
    check("gaps", record["gaps"], [])
    text, err, code = b.run("--engine=crash", crash=good, form="text")
    said = lambda what: re.findall(r"^%s: (.*)$" % what, text, re.M)
    with open(b.text) as f:
        check("text is crash's", text.startswith(f.read()))
    check("no terminal is steered", "\033" in text, False)
    check("terminal", ("a terminal" in text, said("stdin")), (False, []))
    args = said("args")[0].split()
    check("arguments", (args[0], args[2:]), ("-i", [b.vmlinux, os.path.realpath(b.dump)]))
    env = dict(line.split("=", 1) for line in said("env"))
    check("environment", {k: env.get(k) for k in ("TERM", "TZ", "LC_ALL")}, {"TERM": "dumb", "TZ": "UTC", "LC_ALL": "C"})
    check("nothing else in it", sorted(set(env) - {"PWD", "SHLVL", "_", "OLDPWD"}),
          ["HOME", "LC_ALL", "PATH", "TERM", "TMPDIR", "TZ"])
    check("home is ours", (env["HOME"], said("home")), (said("cwd")[0], ["commands"]))
    check("home is removed", os.path.exists(env["HOME"]), False)
    check("own session", len(set(said("session")[0].split())), 1)
    check("commands", said("command"), ["sys -t", "sys -i", "bt -s", "bt -a -s", "log", "ps", "mod", "mod -t", "exit"])
    own = write(os.path.join(b.folder, "mine"), "# ours\n\nbt\n  log -m\n")
    text, err, code = b.run("--engine=crash", "--crash-commands=" + own, crash=good, form="text")
    check("own commands", said("command"), ["bt", "log -m", "exit"])
    record, err, code = b.run("--engine=crash", "--crash-commands=/nonexistent", crash=good)
    check("no such commands", (record, "/nonexistent" in err), (None, True))


def test_bounds(b):
    """It hangs, floods, dies, forks: the rest is read, and nothing stays."""
    record, err, code = b.run("--engine=crash", "--crash-timeout=2", crash=b.script(
        "trap '' TERM HUP INT; cat $text; setsid sleep 1000 & echo $! >>$pids; sleep 1000 & echo $! >>$pids; wait; sleep 1000"))
    check("hangs", (code, key(record)), (0, key(b.native)))
    check("hangs: said", "crash: it took longer than 2 seconds and was stopped" in gaps(record))
    check("hangs: nothing stays", b.left())
    record, err, code = b.run("--engine=crash", crash=b.script("cat $text; exec yes"), crash_output=100000)
    check("floods", (code, key(record)), (0, key(b.native)))
    check("floods: said", "it wrote more than 100000 bytes and was stopped" in gaps(record))
    check("floods: nothing stays", b.left())
    record, err, code = b.run("--engine=crash", crash=b.script("cat $text; exec yes >&2"), crash_output=100000)
    check("floods its errors", (code, key(record), len(record["gaps"]) < 16), (0, key(b.native), True))
    record, err, code = b.run("--engine=crash", crash=b.script("cat $text; kill -SEGV $$"))
    check("dies", (code, key(record)), (0, key(b.native)))
    check("dies: said", "crash: it died of signal 11" in gaps(record))
    record, err, code = b.run("--engine=crash", crash=b.script(
        "cat $text; for i in $(seq 40); do (setsid bash -c 'echo $$ >>'$pids'; setsid sleep 1000 & echo $! >>'$pids'; sleep 1000' &) & done; "
        "while [ $(wc -l <$pids) -lt 81 ]; do sleep 0.1; done; exit 0"))
    check("leaves 80 processes", (code, key(record)), (0, key(b.native)))
    check("leaves 80 processes: none stays", b.left())
    record, err, code = b.run("--engine=crash", crash=b.script("cat $text; exit 3"))
    check("fails", (code, "exit status 3" in gaps(record)), (0, True))
    record, err, code = b.run("--engine=crash", crash=b.script("cat $text; echo 'seek error: x' >&2"))
    check("its errors", "it says on its standard error: seek error: x" in gaps(record))
    record, err, code = b.run("--engine=crash", crash=b.script("echo 'crash: vmlinux and vmcore do not match!'; exit 1"))
    check("can do nothing", (code, "do not match!" in err, err.count("\n")), (2, True, 1))
    record, err, code = b.run("--engine=crash", crash=b.script(
        "printf '\\rplease wait... (x)\\r    \\rWARNING: SLUB\\n'; printf '\\ncrash: invalid member\\n' >&2; exit 1"))
    check("its last words", (code, "could not read the dump: crash: invalid member" in err), (2, True))
    record, err, code = b.run("--engine=crash", crash=b.script("printf '\\rplease wait...\\r  \\rWARNING: x\\nno\\n'"))
    check("its last warning", (code, "could not read the dump: WARNING: x" in err), (2, True))
    record, err, code = b.run("--engine=crash", crash=b.script("exit 0"))
    check("says nothing", code, 2)
    record, err, code = b.run("--engine=crash", crash=b.script("head -c 100000 /dev/urandom"))
    check("says nonsense", code, 2)
    record, err, code = b.run("--engine=crash", crash="/nonexistent/crash")
    check("no crash", (record, "there is no crash utility" in err), (None, True))
    noexec = write(os.path.join(b.folder, "noexec"), b"\x7fELF not", 0o755)
    record, err, code = b.run("--engine=crash", crash=noexec)
    check("no program", (code, "cannot run " + noexec in err), (3, True))
    # Whoever started it is killed: so is all of it.
    hang = b.script("setsid sleep 1000 & echo $! >>$pids; sleep 1000")
    p = subprocess.Popen(b.arguments("--engine=crash", crash=hang), stdout=subprocess.DEVNULL)
    for _ in range(600):
        if os.path.exists(b.pids) and len(open(b.pids).readlines()) == 2:
            break
        time.sleep(0.1)
    p.send_signal(signal.SIGKILL)
    p.wait()
    check("eyrie is killed: nothing stays", b.left())


def test_confined(b, outside):
    """No network, no tracing, no files but its own."""
    record, err, code = b.run("--engine=crash", form="text", crash=b.script(
        "cat $text; %s -c 'import socket; socket.socket()' 2>&1 | tail -1 | sed 's/^/net: /'\n"
        "touch %s/forbidden 2>/dev/null; touch $HOME/allowed && echo 'own folder: yes'; ulimit -c | sed 's/^/core: /'\n"
        "grep -E 'CapBnd|CapEff|NoNewPrivs|Seccomp:' /proc/self/status" % (sys.executable, outside)))
    check("network", re.findall(r"^net: (.*)", record, re.M), ["PermissionError: [Errno 1] Operation not permitted"])
    check("own folder", "own folder: yes" in record)
    check("core", re.findall(r"^core: (.*)", record, re.M), ["0"])
    check("privileges", (re.findall(r"NoNewPrivs:\s(\d)", record), re.findall(r"Seccomp:\s(\d)", record)), (["1"], ["2"]))
    if os.geteuid() == 0:
        check("capabilities", {int(c, 16) & ~4 for c in re.findall(r"Cap(?:Eff|Bnd):\s(\w+)", record)}, {0})
    try:
        with open("/sys/kernel/security/lsm") as f:
            landlock = "landlock" in f.read()
    except OSError:
        landlock = False
    if landlock:
        check("writes elsewhere", os.path.exists(os.path.join(outside, "forbidden")), False)
    else:
        print("     this kernel has no Landlock: what crash may write is not tested")


def test_vmlinux(b):
    good = b.script("cat $text; echo \"vmlinux: $3\"")

    def found(*options, **how):
        text, err, code = b.run("--engine=crash", *options, crash=good, form="text", **how)
        return (re.findall("^vmlinux: (.*)", text, re.M) or ["none"])[0] if text else err

    wrong = write(os.path.join(b.folder, "wrong"), elf(bytes(20)))
    os.unlink(b.vmlinux)
    none = found()
    check("none", "there is no vmlinux with debuginfo of kernel %s (build id %s)" % (b.release, b.build_id) in none)
    check("none: exit code", b.run("--engine=crash", crash=good)[2], 2)
    places = ["lib/modules/%s/vmlinux" % b.release, ".build-id/%s/%s.debug" % (b.build_id[:2], b.build_id[2:])]
    for place in places:
        path = write(os.path.join(b.debug, place), elf(bytes.fromhex(b.build_id)))
        check(place, found(), path)
        os.unlink(path)
    write(os.path.join(b.debug, places[0]), elf(bytes(20)))
    check("another build id", "has the build id 0000000000000000000000000000000000000000" in found())
    write(os.path.join(b.debug, places[0]), elf(bytes.fromhex(b.build_id), debuginfo=False))
    check("no debuginfo", "has no debuginfo" in found())
    write(os.path.join(b.debug, places[0]), b"\x7fELF" + bytes(300))
    check("damaged", "is no vmlinux" in found())
    os.unlink(os.path.join(b.debug, places[0]))
    check("named, another build id", "has the build id 0000" in found("--vmlinux=" + wrong))
    check("named, not there", "/nonexistent" in found("--vmlinux=/nonexistent"))
    right = write(os.path.join(b.folder, "right"), elf(bytes.fromhex(b.build_id)))
    check("named", found("--vmlinux=" + right), right)
    test_debuginfod(b, found)
    write(b.vmlinux, elf(bytes.fromhex(b.build_id)))


def test_debuginfod(b, found):
    if not shutil.which("debuginfod-find"):
        print("     there is no debuginfod-find: downloads are not tested")
        return
    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            data = elf(bytes.fromhex(b.build_id)) if self.path == "/buildid/%s/debuginfo" % b.build_id else None
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {"DEBUGINFOD_URLS": "http://127.0.0.1:%d" % server.server_port, "no_proxy": "127.0.0.1"}
    check("debuginfod is off", "there is no vmlinux" in found(env=env, debuginfod="no"))
    check("nobody was asked", asked, [])
    record, err, code = b.run("--engine=auto", env=env, dump=wanting(b))
    check("auto downloads nothing", asked, [])
    path = found(env=env)
    check("download", path.startswith(os.path.join(b.folder, "cache")) and os.path.basename(path) == "debuginfo")
    check("asked", asked, ["/buildid/%s/debuginfo" % b.build_id])
    server.shutdown()
    server.server_close()
    check("cached", found(env=env), path)
    shutil.rmtree(os.path.join(b.folder, "cache"))
    check("nobody answers", "debuginfod says: " in found(env=env))


def wanting(b):
    """A dump in which the native engine finds no event, but whose kernel is known: the sample, cut off."""
    path = os.path.join(b.folder, "cut.vmcore")
    with open(b.dump, "rb") as f:
        data = f.read()
    for share in range(8, 0, -1):
        write(path, data[:len(data) * share // 10])
        record, err, code = b.run("--engine=native", "--with=none", dump=path)
        if not record or not record["event"] or not record["log"]:
            return path
    raise SystemExit("the native engine finds the event in a tenth of the dump")


def test_both(b):
    record, err, code = b.run("--engine=both", crash=b.script("cat $text"))
    check("both agree", (record["engine"], record["comparison"]), ("native", []))
    check("both: the rest is native's", {k: v for k, v in record.items() if k != "comparison"}, b.native)
    text, err, code = b.run("--engine=both", crash=b.script("cat $text"), form="text")
    check("both agree: said", text.rstrip().endswith("---- what crash says otherwise ----\n\nnothing: crash agrees"))
    record, err, code = b.run("--engine=both", crash=b.script(
        "sed -e 's/lkdtm_BUG+0x5/lkdtm_BUG+0x6/' -e 's/ *NODENAME: .*/    NODENAME: other/' -e '/kthreadd/d' "
        "-e 's/^\\(.*\\)  lkdtm  /\\1  nosuch  /' -e 's/ oops_end at/ oops_ended at/' $text"))
    told = {c["field"]: (c["native"], c["crash"]) for c in record["comparison"]}
    check("both differ", sorted(told), ["event.signature", "log", "modules", "stacks[0]", "system.hostname", "tasks"])
    check("hostname", told.get("system.hostname"), (b.native["system"]["hostname"], "other"))
    check("signature", told.get("event.signature"), ("lkdtm_BUG+0x5", "lkdtm_BUG+0x6"))
    check("tasks", "only here: 2 kthreadd" in told["tasks"][0])
    check("modules", ("only here: lkdtm" in told["modules"][0], "only here: nosuch" in told["modules"][1]), (True, True))
    check("stack", told["stacks[0]"][1].endswith("oops_ended"))
    record, err, code = b.run("--engine=both", crash="/nonexistent/crash")
    check("both, no crash", (code, key(record), "crash engine: there is no crash utility" in gaps(record)),
          (0, key(b.native), True))
    check("both, no crash: no comparison", "comparison" in record, False)
    ran = b.script("cat $text")
    record, err, code = b.run("--engine=auto", crash=ran)
    check("auto: crash is not needed", (record, os.path.exists(b.pids)), (b.native, False))
    cut = wanting(b)
    record, err, code = b.run("--engine=auto", crash=ran, dump=cut)
    check("auto: crash helps", (record["engine"], key(record)), ("crash", key(b.native)))
    check("auto: said", "native engine: " in gaps(record))
    auto = b.run("--engine=auto", crash="/nonexistent/crash", dump=cut)
    check("auto: no crash", auto, b.run("--engine=native", dump=cut))
    check("no such engine", b.run("--engine=gdb")[2], 1)
    check("no such time", b.run("--crash-timeout=0")[2], 1)
    check("no such setting", b.run("--engine=native", crash_timeout="soon")[2], 1)


def test_real(b, crash, kernels, dumps):
    """The real crash on real dumps."""
    for path in sorted(glob.glob(os.path.join(kernels, "*", "vmlinux"))):
        link = os.path.join(b.debug, "boot", "vmlinux-" + os.path.basename(os.path.dirname(path)))
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(path, link)
    for dump in sorted(glob.glob(os.path.join(dumps, "*.vmcore"))):
        record, err, code = b.run("--engine=both", crash=crash, dump=dump)
        name = os.path.basename(dump)
        if not record or "comparison" not in record:
            print("     %s: %s" % (name, (err or gaps(record)).strip()[:300]))
            continue
        for c in record["comparison"]:
            print("     %s: %s: native %s, crash %s" % (name, c["field"], str(c["native"])[:80], str(c["crash"])[:80]))
        check(name, [c["field"] for c in record["comparison"] if c["field"].startswith("event.")], [])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--eyrie", required=True)
    ap.add_argument("--crash")
    ap.add_argument("--kernels")
    ap.add_argument("--dumps")
    ap.add_argument("samples")
    a = ap.parse_args()
    if a.crash and not (os.path.exists(a.crash) and os.path.isdir(a.kernels) and os.path.isdir(a.dumps)):
        print("skipped: no crash utility, kernels or dumps in %s, %s, %s" % (a.crash, a.kernels, a.dumps))
        return 77
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, tempfile.TemporaryDirectory(dir=os.getcwd()) as outside:
        b = Bench(os.path.abspath(a.eyrie), a.samples, folder)
        if a.crash:
            test_real(b, a.crash, a.kernels, a.dumps)
        else:
            test_run(b)
            test_bounds(b)
            test_confined(b, outside)
            test_both(b)
            test_vmlinux(b)
    print("%d failed" % len(failures) if failures else "ok")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
