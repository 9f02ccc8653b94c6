#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare versions as dpkg and rpm themselves do: package_order.py TEST_PACKAGE_VERSION

Random versions, near each other so that they differ late, are put in order by Eyrie, by dpkg and
by rpm. All answers must agree.
"""
import random
import shutil
import subprocess
import sys

PIECES = ["0", "1", "2", "9", "10", "01", "a", "b", "rc", "el9", "Z", ".", ".", "+", "~", "~", "^"]


def version(rng, format_name):
    def word():
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 5)))
        return rng.choice("0123") + (text.replace("^", "") if format_name == "dpkg" else text)

    text = word()
    if rng.random() < 0.2:
        text = rng.choice("012") + ":" + text
    if rng.random() < 0.7:
        text += "-" + word()
    return text


def near(rng, text, format_name):
    """The same with one thing changed, or something else."""
    if rng.random() < 0.3:
        return version(rng, format_name)
    at = rng.randint(1, len(text))
    if ":" in text[at:]:
        at = len(text)
    return text[:at] + rng.choice([p for p in PIECES if format_name == "rpm" or p != "^"]) + text[at:]


def dpkg_says(pairs):
    answers = []
    for a, b in pairs:
        if subprocess.run(["dpkg", "--compare-versions", a, "lt", b]).returncode == 0:
            answers.append(-1)
        else:
            equal = subprocess.run(["dpkg", "--compare-versions", a, "eq", b]).returncode == 0
            answers.append(0 if equal else 1)
    return answers


def rpm_says(pairs):
    table = ",".join('{"%s","%s"}' % p for p in pairs)
    macro = '%%{lua: for _,p in ipairs({%s}) do print(tostring(rpm.ver(p[1]) < rpm.ver(p[2])) .. " " .. ' \
            'tostring(rpm.ver(p[1]) == rpm.ver(p[2])) .. "\\n") end}' % table
    out = subprocess.run(["rpm", "--eval", macro], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [{"true false": -1, "false true": 0, "false false": 1}[line] for line in out.split("\n") if line]


def check(program, format_name, ask, count, rng):
    pairs = []
    while len(pairs) < count:
        a = version(rng, format_name)
        pairs.append((a, near(rng, a, format_name)))
    ours = subprocess.run([program, "pairs"], text=True, check=True, stdout=subprocess.PIPE,
                          input="".join("%s %s %s\n" % (format_name, a, b) for a, b in pairs)).stdout
    ours = [int(line) for line in ours.split()]
    theirs = ask(pairs)
    assert len(ours) == len(theirs) == count, (len(ours), len(theirs))
    for pair, our, their in zip(pairs, ours, theirs):
        if our != their:
            sys.exit("%s: %s and %s: %d, not %d" % (format_name, *pair, their, our))
    print("%s: %d pairs, of which %d differ" % (format_name, count, sum(1 for t in theirs if t)))


def main():
    rng = random.Random(20261123)
    program = sys.argv[1]
    if not shutil.which("dpkg") or not shutil.which("rpm"):
        print("dpkg and rpm are not both installed (apt-get install rpm)")
        return 77
    check(program, "dpkg", dpkg_says, 300, rng)
    check(program, "rpm", rpm_says, 3000, rng)
    return 0


if __name__ == "__main__":
    sys.exit(main())
