#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a man page of its Markdown: manpage.py VERSION NAME.N.md OUTPUT

The page is in man layout (# NAME, # SYNOPSIS, ...); a title above and one level more of headings
are fine too. lowdown does the work.
"""
import os
import re
import subprocess
import sys


def main(version, source, output):
    name, section = re.fullmatch(r"(.+)\.(\d)\.md", os.path.basename(source)).groups()
    with open(source, encoding="utf-8") as f:
        text = re.sub(r"\A(\s*<!--.*?-->)+", "", f.read(), flags=re.S)
    if re.search(r"^## NAME", text, re.M):
        text = re.sub(r"^# .*\n", "", text, count=1, flags=re.M)
        text = re.sub(r"^##", "#", text, flags=re.M)
    page = subprocess.run(
        ["lowdown", "-s", "-Tman", "--out-no-smarty", "-m", "title=" + name, "-m", "section=" + section,
         "-m", "source=Eyrie " + version, "-m", "volume=Eyrie's manual"],
        input=text.lstrip(), stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    with open(output, "w", encoding="utf-8") as f:
        f.write(page)


main(*sys.argv[1:4])
