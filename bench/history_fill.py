# SPDX-License-Identifier: GPL-2.0-or-later
"""Fill a center's database with a long history, by SQL that SQLite and PostgreSQL both understand.

What the database was filled with before (a few real crashes, by HTTP) stays; the first of them lends its evidence to
one crash in a hundred of the history. Indexes are dropped for the time and made again, rows that eyried counts
(reason_hosts and the like) are left to `eyried db check --repair`.
"""
import os
import sqlite3
import subprocess
import time

DAYS = 2400
KERNELS = 60
MODELS = 40
SITES = 5
REASONS = 2000
SIGNATURES = 3
# Of what is there already: generated ids start above.
FIRST = 100001

BIG = ("hosts", "host_aliases", "boots", "crashes", "crash_parts", "folders", "reason_hosts", "exposure")


def digits(width, number):
    """A number in so many digits, in both dialects."""
    short = min(width, 17)
    return "'%s' || substr(CAST(1%s + %s AS TEXT), 2)" % ("0" * (width - short), "0" * short, number)


def statements(hosts, crashes, now, rows):
    """(what, SQL); rows(n) is a table of i = 1..n."""
    start = now - DAYS * 86400
    at = "(%d + i * %d / %d)" % (start, DAYS * 86400, crashes)
    # Skewed as bugs are: the first of 2,000 has a twelfth of all crashes.
    skew = "(i * 2654435761 % 1000003)"
    reason = "({0} * {0} / 1000003 * {0} / 1000003 * {1} / 1000003)".format(skew, REASONS)
    host = "(i * 40503 % 1000000007 * 7919 % {0})".format(hosts)
    slice_of = "(i * %d / %d)" % (KERNELS, crashes)
    kernel = "'6.1.0-' || CAST(%s - h %% 4 + 10 AS TEXT) || '-amd64'" % slice_of
    firmware = "'2.' || CAST(h %% %d AS TEXT) || '.' || CAST(%s / 15 AS TEXT)" % (MODELS, slice_of)
    site = "'site-' || CAST(h % 5 AS TEXT)"
    name = "'node-' || " + digits(7, "h")
    crash = "SELECT i, i + %d AS id, %s AS t, %s AS r, %s AS h FROM %s" % (FIRST - 1, at, reason, host, rows(crashes))
    function = "'do_work_' || CAST(r AS TEXT)"
    path = site + " || '/' || " + name + " || '/20260101T000000Z-' || " + digits(16, "i")
    dump = "CASE WHEN i %% 100 > 0 THEN 'skipped' WHEN t > %d THEN 'kept' ELSE 'purged' END" % (now - 30 * 86400)
    return [
        ("models", "INSERT INTO models (id, vendor, product) SELECT i + %d, 'Example Systems', 'R' || CAST(i * 10 AS TEXT) FROM %s" %
         (FIRST - 1, rows(MODELS))),
        ("hosts", "INSERT INTO hosts (id, site, folder, hostname, machine_id, dmi_uuid, dmi_serial, model_id, firmware, kernel, "
                  "first_seen, last_seen, told, last_beat) SELECT h + {f}, {site}, {name}, {name} || '.example.com', "
                  "{machine}, {machine}, 'EX' || {serial}, h % {models} + {f}, '2.' || CAST(h % {models} AS TEXT) || '.3', "
                  "'6.1.0-69-amd64', {start}, {now} - h * 7919 % 86400, {now} - h * 7919 % 86400, {now} - h * 7919 % 86400 "
                  "FROM (SELECT i - 1 AS h FROM {rows}) n".format(
                      f=FIRST, site=site, name=name, machine=digits(32, "h * 7919"), serial=digits(8, "h"), models=MODELS,
                      start=start, now=now, rows=rows(hosts))),
        ("host_aliases", "INSERT INTO host_aliases (kind, value, host_id, first_seen, last_seen) SELECT 'machine', machine_id, id, "
                         "first_seen, last_seen FROM hosts WHERE id >= %d" % FIRST),
        ("reasons", "INSERT INTO reasons (id, key, kind, guilty, title, first_seen, last_seen, received, first_crash_id, state) "
                    "SELECT r + {f}, 'g1:BUG:' || {function}, 'BUG', {function}, 'kernel BUG in ' || {function}, {now}, {now}, {now}, "
                    "NULL, CASE WHEN r % 3 = 0 THEN 'patched' WHEN r % 3 = 1 THEN 'investigating' ELSE 'new' END "
                    "FROM (SELECT i - 1 AS r FROM {rows}) n".format(f=FIRST, function=function, now=now, rows=rows(REASONS))),
        ("signatures", "INSERT INTO signatures (id, reason_id, signature, first_seen, last_seen) SELECT r * {k} + s + {f}, r + {f}, "
                       "{function} || '+0x' || CAST(10 + s AS TEXT), {now}, {now} FROM (SELECT (i - 1) / {k} AS r, (i - 1) % {k} AS s "
                       "FROM {rows}) n".format(f=FIRST, k=SIGNATURES, function=function, now=now, rows=rows(REASONS * SIGNATURES))),
        ("boots", "INSERT INTO boots (id, host_id, boot_uuid, started, last_seen, kernel, firmware, model_id, counted_from, "
                  "counted_until) SELECT id, h + {f}, {uuid}, t - 3600 - i % 600000, t, {kernel}, {firmware}, h % {models} + {f}, "
                  "t - 3600, t FROM ({crash}) c".format(f=FIRST, uuid=digits(32, "i * 2654435761"), kernel=kernel, firmware=firmware,
                                                        models=MODELS, crash=crash)),
        ("crashes", "INSERT INTO crashes (id, host_id, boot_id, reason_id, signature_id, model_id, time, received, uptime, from_dump, "
                    "is_new, site, firmware, kernel, kernel_version, machine, kind, title, function, module, guilty, signature, comm, "
                    "cpu, pid, engine, path, dump, dump_bytes, dump_format, dump_complete) SELECT id, h + {f}, id, r + {f}, "
                    "r * {k} + i % {k} + {f}, h % {models} + {f}, t, t + 300, 3600 + i % 600000, 1, 0, {site}, {firmware}, {kernel}, "
                    "'#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2', 'x86_64', 'BUG', 'kernel BUG in ' || {function}, {function}, "
                    "CASE WHEN r % 4 > 0 THEN 'mod_' || CAST(r % 97 AS TEXT) END, {function}, "
                    "{function} || '+0x' || CAST(10 + i % {k} AS TEXT), 'worker' || CAST(i % 50 AS TEXT), i % 64, i % 65536, "
                    "'native', {path}, {dump}, 700000000, 'kdump-compressed', 1 FROM ({crash}) c".format(
                        f=FIRST, k=SIGNATURES, models=MODELS, site=site, firmware=firmware, kernel=kernel, function=function,
                        path=path, dump=dump, crash=crash)),
        ("folders", "INSERT INTO folders (path, crash_id, time, has_dump, dump_bytes) SELECT path, id, received, "
                    "CASE WHEN dump = 'kept' THEN 1 ELSE 0 END, CASE WHEN dump = 'kept' THEN dump_bytes ELSE 0 END "
                    "FROM crashes WHERE id >= %d" % FIRST),
        ("crash_parts", "INSERT INTO crash_parts (crash_id, part, encoding, size, data) SELECT c.id, p.part, p.encoding, p.size, p.data "
                        "FROM crashes c JOIN crash_parts p ON p.crash_id = 1 WHERE c.id >= {f} AND c.id % 100 = {f} % 100".format(f=FIRST)),
        ("exposure_groups", "INSERT INTO exposure_groups (id, site, model_id, kernel, firmware, image, life) SELECT i + {f}, 'site-' || "
                            "CAST((i - 1) / {models} % 5 AS TEXT), i % {models} + {f}, '6.1.0-' || CAST((i - 1) / 200 + 10 AS TEXT) || '-amd64', '2.1', '', "
                            "'production' FROM {rows}".format(f=FIRST, models=MODELS, rows=rows(KERNELS * 200))),
        ("exposure", "INSERT INTO exposure (day, group_id, seconds) SELECT t / 86400 * 86400, slice * 200 + h % 200 + 1 + {f}, "
                     "sum(3600) FROM (SELECT t, h, CASE WHEN {slice} < {k} THEN {slice} ELSE {k} - 1 END AS slice FROM ({crash}) c) d "
                     "GROUP BY 1, 2".format(f=FIRST, slice=slice_of, k=KERNELS, crash=crash)),
        ("first crashes", "UPDATE reasons SET first_crash_id = (SELECT min(id) FROM crashes WHERE reason_id = reasons.id) "
                          "WHERE id >= %d" % FIRST),
        ("new reasons", "UPDATE crashes SET is_new = 1 WHERE id IN (SELECT first_crash_id FROM reasons WHERE id >= %d)" % FIRST),
        ("unseen reasons", "DELETE FROM signatures WHERE reason_id IN (SELECT id FROM reasons WHERE first_crash_id IS NULL)"),
        ("unseen reasons", "DELETE FROM reasons WHERE first_crash_id IS NULL"),
    ]


def rows_recursive(n):
    return "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) s" % n


def rows_series(n):
    return "(SELECT i FROM generate_series(1::bigint, %d) i) s" % n


def fill_sqlite(path, hosts, crashes, now, tell):
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2500000", "temp_store = FILE"):
        db.execute("PRAGMA " + pragma).fetchall()
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (%s)" %
                         ", ".join("'%s'" % t for t in BIG)).fetchall()
    for name, _ in indexes:
        db.execute("DROP INDEX " + name)
    for what, sql in statements(hosts, crashes, now, rows_recursive):
        if what == "first crashes":
            for name, create in indexes:
                start = time.time()
                db.execute(create)
                tell(name, start)
        start = time.time()
        db.execute(sql)
        tell(what, start)
    db.execute("PRAGMA journal_mode = WAL").fetchall()
    db.close()


def fill_postgres(server, hosts, crashes, now, tell):
    psql = [os.path.join(server.programs, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", server.address]

    def run(sql):
        return subprocess.run(psql, input="SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; "
                              "SET work_mem = '256MB'; SET max_parallel_maintenance_workers = 1; SET synchronous_commit = off;\n" + sql,
                              check=True, capture_output=True, text=True).stdout.splitlines()

    names = ", ".join("'%s'" % t for t in BIG)
    unique = [line.split("|") for line in run(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'u' AND "
        "conrelid::regclass::text IN (%s)" % names)]
    indexes = [line.split("|", 1) for line in run(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN (%s) AND indexname NOT IN (SELECT conname FROM pg_constraint)" % names)]
    run(";".join(["DROP INDEX " + name for name, _ in indexes] + ["ALTER TABLE %s DROP CONSTRAINT %s" % (t, c) for t, c, _ in unique]))
    again = [(c, "ALTER TABLE %s ADD CONSTRAINT %s %s" % (t, c, d)) for t, c, d in unique] + [(n, d) for n, d in indexes]
    for what, sql in statements(hosts, crashes, now, rows_series):
        if what == "first crashes":
            for name, create in again:
                start = time.time()
                run(create)
                tell(name, start)
        start = time.time()
        run(sql)
        tell(what, start)
    for line in run("SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'"):
        run("SELECT setval(pg_get_serial_sequence('%s', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM %s))" % (line, line))
    start = time.time()
    run("VACUUM (ANALYZE)")
    tell("vacuum", start)


def fill(database, hosts, crashes, now, tell):
    """@p database: Sqlite or Postgres of tests/storm/center.py, with at least one crash of storm_load in it."""
    if database.name == "SQLite":
        fill_sqlite(database.path, hosts, crashes, now, tell)
    else:
        fill_postgres(database, hosts, crashes, now, tell)
