# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job: a host's crashes, its agent, the center's jobs, the mails, the console."""
import calendar
import email
import email.policy
import glob
import logging
import mailbox
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

from .shell import StepFailed, run as run_command

# The time of the crash, as kdump-tools names its folders, of each sample.
SAMPLES = [("202611231427", "bug-6.1.vmcore"), ("202611231428", "null-6.12.vmcore"),
           ("202611231443", "null-6.1-cloud.vmcore")]


class MailServer:
    """A real SMTP server (aiosmtpd) on the loopback address; what it takes goes to a maildir."""

    def __init__(self, place):
        from aiosmtpd.controller import Controller  # Debian: python3-aiosmtpd
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self.box = mailbox.Maildir(place.mail, create=True)
        self.controller = Controller(self, hostname="127.0.0.1", port=place.mail_port)

    async def handle_DATA(self, server, session, envelope):
        self.box.add(envelope.content)
        return "250 taken"

    def mails(self):
        messages = [email.message_from_bytes(self.box.get_bytes(key), policy=email.policy.default)
                    for key in self.box.keys()]
        return sorted(messages, key=lambda m: (m["Date"].datetime if m["Date"] else 0, m["Subject"]))

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()


def run(out, place, mail):
    crash(out, place)
    analyze(out, place)
    agent(out, place)
    populate(out, place)
    monitor(out, place, mail)
    report(out, place)
    purge(out, place)


def crash(out, place):
    """Lay the dumps where kdump-tools of a host that crashed would have written them."""
    out.heading("A host crashes three times: its dumps in the layout of kdump-tools")
    t0 = time.time()
    fresh = 0
    for stamp, sample in SAMPLES:
        folder = os.path.join(place.crash, stamp)
        dump = os.path.join(folder, "dump." + stamp)
        if not os.path.exists(dump):
            os.makedirs(folder, exist_ok=True)
            shutil.copyfile(os.path.join(place.samples, sample), dump + "-incomplete")
            then = calendar.timegm(time.strptime(stamp, "%Y%m%d%H%M"))
            os.utime(dump + "-incomplete", (then, then))  # the agent leaves alone what is being written
            os.rename(dump + "-incomplete", dump)
            fresh += 1
        out.say("   %s  %5.1f MB  (samples/%s)" % (dump, os.path.getsize(dump) / 1e6, sample))
    out.done("Crashes", time.time() - t0, "%d dumps, %d of them new" % (len(SAMPLES), fresh))


def analyze(out, place):
    out.heading("Analyse one dump, from the dump alone")
    _, text, seconds = run_command(
        out, [place.eyrie, "analyze", os.path.join(place.samples, SAMPLES[1][1])],
        "analysing", limit=45)
    if "lkdtm_ACCESS_NULL" not in text:
        raise StepFailed("the analysis does not name the function that crashed")
    out.done("Analyse", seconds, "%d lines: sys, bt, log, ps" % text.count("\n"))


def agent(out, place):
    out.heading("The host's agent: analyse what is new, file it into the repository")
    _, _, seconds = run_command(out, [place.eyrie, "agent", "--config", place.conf], "the agent")
    records = glob.glob(os.path.join(place.repository, "*", "*", "*", "record.json"))
    if len(records) != len(SAMPLES):
        raise StepFailed("the repository has %d records, not %d" % (len(records), len(SAMPLES)))
    out.done("Agent", seconds, "%d records in the repository" % len(records))


def populate(out, place):
    out.heading("The center: take what is new in the repository into the database")
    _, _, seconds = run_command(out, [place.eyrie, "populate", "--config", place.conf], "populate")
    out.done("Populate", seconds, "database of %.1f MB" % (os.path.getsize(place.database) / 1e6))


def monitor(out, place, mail):
    out.heading("The monitor: alerts, and a mail for each new reason")
    _, _, seconds = run_command(out, [place.eyrie, "monitor", "--config", place.conf], "the monitor")
    mails = mail.mails()
    for m in mails:
        out.say("   mail: %s" % m["Subject"])
    fresh = [m for m in mails if "new" in str(m["Subject"]).lower()]
    if not fresh:
        raise StepFailed("no mail tells of a new reason")
    m = fresh[-1]
    out.say("   The mail for one new reason, as it arrived by SMTP:")
    head = "".join("%s: %s\n" % (k, m[k]) for k in ("From", "To", "Subject", "Date"))
    body = m.get_body(preferencelist=("plain",))
    out.lines(head + "\n" + (body.get_content() if body else ""), limit=50)
    out.done("Monitor", seconds, "%d mails arrived so far" % len(mails))


def report(out, place):
    out.heading("The report of the month")
    path = os.path.join(place.reports, "2026-11.html")
    _, _, seconds = run_command(
        out, [place.eyrie, "report", "--config", place.conf, "--month", "2026-11", "--out", path],
        "the report")
    out.done("Report", seconds, "%s, %.0f kB" % (path, os.path.getsize(path) / 1e3))


def purge(out, place):
    out.heading("Purge: remove dumps past their retention, keep the rows")
    _, text, seconds = run_command(out, [place.eyrie, "purge", "--config", place.conf], "purge")
    out.say("   And what it would remove if the retention were over now:")
    run_command(out, [place.eyrie, "purge", "--config", place.conf, "--dry-run", "--retention", "0"],
                "purge")
    out.done("Purge", seconds, text.strip().split("\n")[-1])


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as r:
            return r.status == 200
    except (urllib.error.URLError, OSError):
        return False


def serve(out, place):
    """eyried in the foreground, until Ctrl-C or SIGTERM."""
    out.say()
    args = [place.eyried, "serve", "--config", place.conf]
    out.command(args)
    url = "http://127.0.0.1:%d/" % place.port
    with open(os.path.join(place.root, "eyried.log"), "ab") as log:
        p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    signal.signal(signal.SIGTERM, lambda *_: p.terminate())
    try:
        deadline = time.time() + 30
        while p.poll() is None and not answers(url):
            if time.time() > deadline:
                raise StepFailed("eyried does not answer at %s; see %s/eyried.log" % (url, place.root))
            time.sleep(0.1)
        if p.poll() is not None:
            raise StepFailed("eyried ended with %d; see %s/eyried.log" % (p.returncode, place.root))
        out.say("\nThe console is at %s (Ctrl-C ends it)" % url)
        return 0 if p.wait() in (0, -signal.SIGTERM) else 2
    except KeyboardInterrupt:
        return 0
    finally:
        if p.poll() is None:
            p.terminate()
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                p.kill()
