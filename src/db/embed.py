#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write migrations.c: the texts of the SQL files given, in the order of their numbers."""
import os
import re
import sys

out, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
rows = []
last = 0
for path in files:
    name = os.path.basename(path)
    match = re.fullmatch(r"(\d{3})-[a-z0-9-]+\.sql", name)
    if not match or int(match.group(1)) <= last:
        sys.exit(f"{path}: migrations are numbered 001, 002, ..., each number once")
    last = int(match.group(1))
    text = open(path, encoding="utf-8").read()
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")]
    body = "\n".join('\t "%s\\n"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    rows.append('\t{"%s",\n%s},\n' % (name[:-4], body))
with open(out, "w", encoding="utf-8") as f:
    f.write("/* Made by embed.py from src/db/migrations/. */\n")
    f.write('#include "db/migrations.h"\n\nconst struct db_migration db_migrations[] = {\n')
    f.write("".join(rows))
    f.write("};\nconst size_t db_migration_count = sizeof(db_migrations) / sizeof(db_migrations[0]);\n")
