# SPDX-License-Identifier: GPL-2.0-or-later
"""Docs that stay true: links lead somewhere, each command and configuration key is documented."""
import os
import re

from .source import read

MAN = "docs/man"
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION"]
COMMAND_SECTIONS = SECTIONS + ["OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]


def docs(context, outcome):
    links(context, outcome)
    pages(context, outcome)
    commands(context, outcome)
    config_keys(context, outcome)


def anchor(heading):
    """As forges make it of a heading's text."""
    text = re.sub(r"[`*]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def links(context, outcome):
    bad = []
    files = context.files("*.md")
    for f in files:
        for target in re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", without_code(read(context, f))):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, fragment = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(f), path)) if path else f
            if not os.path.exists(os.path.join(context.top, full)):
                bad.append("%s: no %s" % (f, target))
            elif fragment and full.endswith(".md"):
                headings = re.findall(r"^#+\s+(.*)$", read(context, full), re.M)
                if fragment not in map(anchor, headings):
                    bad.append("%s: no heading #%s in %s" % (f, fragment, full))
    outcome.expect(not bad, "links of %d pages" % len(files), "\n".join(bad))


def headings_of(text):
    return [h.strip().upper() for h in re.findall(r"^#+\s+(.*)$", text, re.M)]


def pages(context, outcome):
    for f in context.files(MAN + "/*.md"):
        wanted = COMMAND_SECTIONS if re.search(r"\.[18]\.md$", f) else SECTIONS
        missing = [s for s in wanted if s not in headings_of(read(context, f))]
        outcome.expect(not missing, f, "no section " + ", ".join(missing))
    bad = ["%s: no page of %s(%s)" % (f, name, section)
           for f in context.files("*.md")
           for name, section in re.findall(r"\b(eyried?(?:[-.][a-z]+)?)\**\((\d)\)", read(context, f))
           if not os.path.exists(os.path.join(context.top, MAN, "%s.%s.md" % (name, section)))]
    outcome.expect(not bad, "pages that others refer to", "\n".join(sorted(set(bad))))


def page_of(context, program, command):
    names = ["eyrie-" + command, "eyried-" + command]
    if program == "eyried" and command == "serve":
        names.append("eyried")
    for name in names:
        for section in "18":
            path = "%s/%s.%s.md" % (MAN, name, section)
            if os.path.exists(os.path.join(context.top, path)):
                return path
    return None


def commands(context, outcome):
    """Each command has --help and a man page, and each option of its help stands in the page."""
    seen = set()
    for program in ("eyrie", "eyried"):
        binary = os.path.join(context.build, program)
        status, output = context.command([binary, "--help"])
        names = re.findall(r"^  ([a-z][a-z-]*) +\S", output.split("Commands:")[-1], re.M)
        outcome.expect(status == 0 and names, program + " --help", output)
        for name in names:
            if name in seen:
                continue
            seen.add(name)
            status, output = context.command([binary, name, "--help"], timeout=20)
            page = page_of(context, program, name)
            why = []
            if status or "sage" not in output:
                why.append("--help ends with %d and says:\n%s" % (status, output))
            if not page:
                why.append("no page %s/eyrie-%s.1.md" % (MAN, name))
            else:
                text = read(context, page)
                options = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", output))
                options.discard("--help")
                why += ["%s does not tell of %s" % (page, o) for o in sorted(options) if o not in text]
            outcome.expect(not why, "%s %s" % (program, name), "\n".join(why))


def config_keys(context, outcome):
    """Every key that the sources read is in eyrie.conf(5), in its section, and none else is."""
    used = {}
    call = re.compile(r"ey_config_(?:string|uint|bool|duration)\(\s*[^,()]+,\s*\"([^\"]+)\",\s*\"([^\"]+)\"")
    for f in context.files("src/*.c"):
        for section, key in call.findall(read(context, f)):
            used.setdefault((section, key), f)
    path = MAN + "/eyrie.conf.5.md"
    if not os.path.exists(os.path.join(context.top, path)):
        outcome.expect(not used, path, "does not exist, but sources read keys")
        return
    documented, section = set(), None
    for line in read(context, path).splitlines():
        m = re.match(r"#+\s+.*?\[([a-z_]+)\]", line)
        if m:
            section = m.group(1)
        elif line.startswith("#"):
            section = None
        if section and re.match(r"(?:[-*]\s+)?[`*]", line):
            for key in re.findall(r"[`*]+([a-z][a-z0-9_]*)\s*(?:=[^`*]*)?[`*]", line):
                documented.add((section, key))
    for (name, key), f in sorted(used.items()):
        outcome.expect((name, key) in documented, "[%s] %s" % (name, key),
                       "%s reads it, %s does not tell of it" % (f, path))
