# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job on the shipped dumps, run as a user runs it, and then looked at: what is in the
repository, the database, the mailbox and the report must be what the dumps say, once."""
import email
import email.policy
import glob
import json
import os
import shutil
import sqlite3
import tempfile

# What the crash utility and the kernel's own messages say of samples/.
SIGNATURES = {"lkdtm_BUG+0x5", "lkdtm_ACCESS_NULL+0x14", "lkdtm_ACCESS_NULL+0x18"}
KINDS = {"BUG", "NULL-DEREF"}


def chain(context, outcome):
    folder = tempfile.mkdtemp(prefix="eyrie-check-chain-")
    try:
        for again in ("", ", a second time"):
            status, output = context.command(
                ["./quickstart", "--once", "--no-install", "--build", context.build, "--dir", folder],
                timeout=600)
            outcome.expect(status == 0, "quickstart --once" + again, output)
            if status:
                return
        repository(folder, context, outcome)
        database(folder, outcome)
        mails(folder, outcome)
        report(folder, outcome)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def repository(folder, context, outcome):
    import jsonschema  # Debian: python3-jsonschema
    with open(os.path.join(context.top, "docs/record.schema.json"), encoding="utf-8") as f:
        schema = json.load(f)
    validator = jsonschema.validators.validator_for(schema)
    records = glob.glob(os.path.join(folder, "repository/*/*/*/record.json"))
    events = []
    for path in records:
        with open(path, encoding="utf-8") as f:
            record = json.load(f)
        errors = [e.message[:300] for e in validator(schema).iter_errors(record)]
        outcome.expect(not errors, "record keeps to its schema", path + ":\n" + "\n".join(errors))
        events.append(record["event"])
        for name in ("analysis.txt", "dmesg.txt", "vmcore"):
            outcome.expect(os.path.exists(os.path.join(os.path.dirname(path), name)),
                           name + " in the repository", "none beside " + path)
    found = sorted(e["signature"] for e in events)
    outcome.expect(found == sorted(SIGNATURES), "each dump once in the repository, with its signature",
                   "found %s" % found)
    outcome.expect({e["kind"] for e in events} == KINDS, "kinds", str({e["kind"] for e in events}))


def database(folder, outcome):
    db = sqlite3.connect("file:%s/eyrie.db?mode=ro" % folder, uri=True)
    for what, query, want in (
            ("crashes", "SELECT count(*) FROM crashes", 3),
            ("reasons: one bug on two kernels is one", "SELECT count(*) FROM reasons", 2),
            ("signatures", "SELECT count(*) FROM signatures", 3),
            ("hosts", "SELECT count(*) FROM hosts", 1),
            ("alerts: one, on the host", "SELECT group_concat(scope) FROM alerts", "host"),
            ("integrity", "PRAGMA integrity_check", "ok")):
        got = db.execute(query).fetchone()[0]
        outcome.expect(got == want, "database: " + what, "%s says %r, not %r" % (query, got, want))
    db.close()


def mails(folder, outcome):
    subjects = []
    for path in glob.glob(os.path.join(folder, "mail/new/*")):
        with open(path, "rb") as f:
            message = email.message_from_binary_file(f, policy=email.policy.default)
        subjects.append(str(message["Subject"]))
        outcome.expect(not message.defects and message["Message-ID"] and message["Date"],
                       "mail is well formed", "%s: %s" % (message["Subject"], message.defects))
    outcome.expect(len(subjects) == 3 and len(set(subjects)) == 3,
                   "mails: two new reasons and one alert, each once", "\n".join(subjects) or "no mail")


def report(folder, outcome):
    text = ""
    for path in glob.glob(os.path.join(folder, "reports/*.html")):
        with open(path, encoding="utf-8") as f:
            text += f.read()
    missing = [w for w in ("lkdtm_BUG", "lkdtm_ACCESS_NULL", "<svg") if w not in text]
    outcome.expect(not missing, "report names both reasons and has charts", "no " + ", ".join(missing))
