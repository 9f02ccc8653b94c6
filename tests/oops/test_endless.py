#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_endless.py EYRIE: `eyrie oops` on pipes that do not end and on input made to hurt.

Asks of each: it goes on, says what it must, and its memory stays small. How long it takes is not
asked (bench/oops --hostile prints that), only that it ends at all.
"""
import json, os, selectors, subprocess, sys

EYRIE = sys.argv[1]
MEGABYTES = 12
# What is waited for comes after seconds; a machine that needs longer than this has other problems.
PATIENCE = 120
CRASH = """[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008
[    5.000001] #PF: supervisor read access in kernel mode
[    5.000002] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    5.000003] CPU: 1 PID: 321 Comm: widget Not tainted 6.1.0-56-amd64 #1
[    5.000004] RIP: 0010:widget_poll+0x1c/0x90 [widget]
[    5.000005] Call Trace:
[    5.000006]  widget_work+0x22/0x60 [widget]
[    5.000007]  process_one_work+0x1e2/0x3b0
"""
HEAD = CRASH.splitlines()[0] + "\n"


def repeat(text, size=MEGABYTES << 20):
    block = text * max(1, (1 << 16) // len(text))
    for _ in range(max(1, size // len(block))):
        yield block


def numbered(form, size=MEGABYTES << 20):
    done = n = 0
    while done < size:
        block = "".join(form % {"n": i, "d": i % 10} for i in range(n, n + 1000))
        n += 1000
        done += len(block)
        yield block


# Name: what is fed, and how many events at least and at most.
HOSTILE = {
    "report starts": (lambda: numbered("BUG: unable to handle page fault for address: %(n)x\n"), 1, None),
    "starts of many callers": (
        lambda: numbered("[    1.0][ T%(d)d] WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2\n"), 1, None),
    "oops within oops": (lambda: numbered("Oops: 0000 [#%(d)d] SMP\n"), 1, None),
    "call traces": (lambda: [HEAD, *repeat("Call Trace:\n")], 1, 1),
    "endless frames": (lambda: [HEAD, "Call Trace:\n", *numbered(" f%(n)d+0x1/0x20 [mod]\n")], 1, 1),
    "lock chains": (lambda: ["WARNING: possible circular locking dependency detected\n",
                             *numbered("-> #%(n)d (&a){+.+.}-{3:3}, at: f+0x1/0x2\n")], 1, 1),
    "a long line": (lambda: [HEAD, *repeat("x"), "BUG: kernel NULL pointer dereference", *repeat("y"),
                             "\n", HEAD], 1, None),
    "a line without end": (lambda: repeat("BUG: "), 1, None),
    "nothing but newlines": (lambda: repeat("\n"), 0, 0),
    "nothing but NULs": (lambda: repeat("\0"), 0, 0),
    "brackets": (lambda: [HEAD, *repeat("[" * 4000 + "\n")], 1, 1),
    "half words": (lambda: repeat("INFO: task " * 300 + "\n", 1 << 20), 0, None),
    "every byte": (lambda: (os.urandom(1 << 16) for _ in range(MEGABYTES << 4)), 0, None),
}


def start():
    # A sanitizer keeps what was freed: not what is measured here.
    env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1")
    return subprocess.Popen([EYRIE, "oops"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)


def peak_kib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise SystemExit("no VmHWM in /proc/PID/status")


def feed(blocks):
    """Feed all, read the events meanwhile; returns how many, and the peak of memory in KiB."""
    p = start()
    read_end, events = p.stdout.fileno(), 0
    os.set_blocking(p.stdin.fileno(), False)
    with selectors.DefaultSelector() as both:
        both.register(p.stdin, selectors.EVENT_WRITE)
        both.register(p.stdout, selectors.EVENT_READ)
        blocks, rest, peak, tail = iter(blocks), b"", 0, b""
        while True:
            ready = both.select(PATIENCE)
            if not ready:
                p.kill()
                raise SystemExit("it neither takes nor gives anything any more")
            for key, _ in ready:
                if key.fileobj is p.stdout:
                    data = os.read(read_end, 1 << 20)
                    if not data:
                        both.unregister(p.stdout)
                        if p.wait() != 0 or tail:
                            raise SystemExit(f"exit code {p.returncode}, {len(tail)} bytes of half a line")
                        return events, peak
                    lines = (tail + data).split(b"\n")
                    tail = lines.pop()
                    for line in lines[:50]:
                        json.loads(line)
                    events += len(lines)
                elif not rest:
                    block = next(blocks, None)
                    if block is None:
                        peak = peak_kib(p.pid)
                        both.unregister(p.stdin)
                        p.stdin.close()
                        continue
                    rest = block if isinstance(block, bytes) else block.encode()
                else:
                    try:
                        rest = rest[os.write(p.stdin.fileno(), rest):]
                    except BlockingIOError:
                        pass


def next_event(p, what):
    with selectors.DefaultSelector() as s:
        s.register(p.stdout, selectors.EVENT_READ)
        if not s.select(PATIENCE):
            p.kill()
            raise SystemExit(f"{what}: no event, though the log has been silent for {PATIENCE} s")
    return json.loads(p.stdout.readline())


def check_pipe():
    """The events of a live log come out while it goes on: after a pause, and without one."""
    p = start()
    p.stdin.write(CRASH.encode())
    p.stdin.flush()
    event = next_event(p, "a crash, then silence")
    assert event["signature"] == "widget_poll+0x1c", event
    assert [f["function"] for f in event["frames"]] == ["widget_work", "process_one_work"], event
    # A crash that is over by its own mark and by what follows it: no pause is needed.
    p.stdin.write((CRASH.replace("widget_poll", "widget_open") + "---[ end trace 0000000000000000 ]---\n" +
                   "".join(f"[    6.{i:06}] usb 1-1: device {i}\n" for i in range(200))).encode())
    p.stdin.flush()
    event = next_event(p, "a crash, then ordinary lines")
    assert event["signature"] == "widget_open+0x1c", event
    assert event["first_line"] == len(CRASH.splitlines()) + 1, event
    p.stdin.close()
    assert p.stdout.read() == b"" and p.wait() == 0


def main():
    check_pipe()
    # More than a pipe holds: it has begun to read.
    idle = feed(repeat("nothing\n", 4 << 20))[1]
    for name, (blocks, least, most) in HOSTILE.items():
        events, peak = feed(blocks())
        print(f"{name}: {events} events, {peak} KiB")
        if events < least or (most is not None and events > most):
            raise SystemExit(f"{name}: {events} events, expected {least} to {most}")
        # A program with a sanitizer takes more even for a log that says nothing, and keeps a piece
        # of each size that it ever freed.
        if peak > (16 << 10 if idle < 12 << 10 else idle + (48 << 10)):
            raise SystemExit(f"{name}: {peak} KiB of memory, {idle} KiB for ordinary lines")


main()
