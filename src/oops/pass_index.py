#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pass_index.py pass.def > pass_index.h: where in the table of functions to look for a name.

Patterns "name" and "name*" are found by a hash of their first three bytes, "*part*" by the pairs of
letters that a name must have to match it: sets of 64, hashed. In each list the table's order stays.
"""
import re, sys

BUCKETS = 512


def bucket(text):
    a, b, c = (text.encode() + b"\0\0\0")[:3]
    return (a + 7 * b + 31 * c) % BUCKETS


def pairs(text):
    bits = 0
    for a, b in zip(text.encode(), text.encode()[1:]):
        bits |= 1 << ((a * 5 + b) % 64)
    return bits


def rows(values, width=12):
    values = list(values)
    return "".join("\t" + " ".join(f"{v}," for v in values[i:i + width]) + "\n"
                   for i in range(0, len(values), width))


def main():
    text = open(sys.argv[1], encoding="ascii").read()
    patterns = re.findall(r'^PASS\("([^"]+)"', text, re.M)
    buckets, anywhere = [[] for _ in range(BUCKETS)], []
    for number, pattern in enumerate(patterns):
        if pattern.startswith("*"):
            anywhere.append((number, pairs(pattern.strip("*"))))
        elif pattern.endswith("*") and len(pattern) < 4:
            sys.exit(f"{sys.argv[1]}: {pattern}: at least three letters before the asterisk")
        else:
            buckets[bucket(pattern.rstrip("*"))].append(number)
    starts = [0]
    for numbers in buckets:
        starts.append(starts[-1] + len(numbers))
    print("/* Made of pass.def by pass_index.py. */")
    print(f"enum {{ PASS_COUNT = {len(patterns)}, PASS_BUCKETS = {BUCKETS} }};")
    print("static const uint16_t pass_starts[PASS_BUCKETS + 1] = {\n" + rows(starts) + "};")
    print("static const uint16_t pass_order[] = {\n" +
          rows(n for numbers in buckets for n in numbers) + "};")
    print("static const struct {\n\tuint16_t pass;\n\tuint64_t pairs;\n} pass_anywhere[] = {\n" +
          rows((f"{{{n}, 0x{bits:x}}}" for n, bits in anywhere), 3) + "};")


main()
