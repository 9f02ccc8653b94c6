#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""anchors.py anchors.def ordinary.txt > anchors.h: where in each anchor the vector search looks.

The search (scan.h) tests four bytes of an anchor at a time by their half bytes, all anchors of one of
eight buckets at once, and compares in full what passes. So the four bytes should be rare in ordinary
logs, and the anchors of a bucket alike. ordinary.txt is a sample of such logs; every position of it is
a bit of a number here, so that a set of positions is one operation. Ours is a local search, and gives
the same answer each time. The choice makes the search fast and changes no answer.
"""
import re, sys

BUCKETS, WINDOW = 8, 4
BOTH_HALVES = (1, 2)  # of these bytes of a window; of the others the low half


def positions(text):
    """For each of the four bytes, and each low and high half: the places where the text has it."""
    low = [[0] * 16 for _ in range(WINDOW)]
    high = [[0] * 16 for _ in range(WINDOW)]
    for i in range(WINDOW):
        for half, table in ((lambda b: b & 15, low[i]), (lambda b: b >> 4, high[i])):
            rows = [bytearray(len(text) // 8 + 1) for _ in range(16)]
            for at, byte in enumerate(text[i:]):
                rows[half(byte)][at >> 3] |= 1 << (at & 7)
            for n in range(16):
                table[n] = int.from_bytes(rows[n], "little")
    return low, high


class Bucket:
    """The windows in it, and the places of the text that pass for one of them."""

    def __init__(self, text, sample):
        self.sample = sample
        self.size = len(text)
        self.common = [text.count(byte) / len(text) for byte in range(256)]
        self.windows = []

    def places(self, extra=()):
        low, high = self.sample
        windows = {*self.windows, *extra}
        found = -1 if windows else 0
        for i in range(WINDOW):
            lows = highs = 0
            # A phrase of three letters: anything may follow.
            if any(len(window) <= i for window in windows):
                continue
            for window in windows:
                lows |= low[i][window[i] & 15]
                highs |= high[i][window[i] >> 4]
            found &= lows & highs if i in BOTH_HALVES else lows
        return found

    def cost(self, extra=()):
        """The places that pass, and those that would if the bytes of the text were shuffled: what
        other logs hold."""
        windows, shuffled = {*self.windows, *extra}, 1.0 if self.windows or extra else 0.0
        for i in range(WINDOW):
            if any(len(window) <= i for window in windows):
                continue
            lows = {window[i] & 15 for window in windows}
            highs = {window[i] >> 4 for window in windows}
            shuffled *= sum(self.common[h << 4 | l] for l in lows
                            for h in (highs if i in BOTH_HALVES else range(16)))
        return bin(self.places(extra)).count("1") + self.size * shuffled


def assign(phrases, buckets, rounds):
    """Give each phrase a bucket and a window of it; returns {phrase: (bucket, offset)}."""
    chosen = {}
    costs = [bucket.cost() for bucket in buckets]
    for _ in range(rounds):
        for phrase in phrases:
            if phrase in chosen:
                number, at = chosen[phrase]
                buckets[number].windows.remove(phrase[at:at + WINDOW])
                costs[number] = buckets[number].cost()
            best = min((bucket.cost([phrase[at:at + WINDOW]]) - costs[number], at, number)
                       for number, bucket in enumerate(buckets)
                       for at in range(max(1, len(phrase) - WINDOW + 1)))
            _, at, number = best
            chosen[phrase] = (number, at)
            buckets[number].windows.append(phrase[at:at + WINDOW])
            costs[number] = buckets[number].cost()
    return chosen


def main():
    definition = open(sys.argv[1], encoding="ascii").read()
    definition = re.sub(r"/\*.*?\*/", "", definition, flags=re.S)
    text = open(sys.argv[2], "rb").read()
    sample = positions(text)
    buckets = [Bucket(text, sample) for _ in range(BUCKETS)]
    print("/* Made of anchors.def and ordinary.txt by anchors.py. */")
    for macro, name in (("HEADER", "headers"), ("MORE", "continuations")):
        words = re.findall(macro + r'\("([^"]+)"\)', definition)
        bare = [word.removeprefix("|").encode() for word in words]
        if len(set(bare)) != len(bare) or min(map(len, bare)) < WINDOW - 1:
            sys.exit(f"{sys.argv[1]}: an anchor is there twice, or has less than {WINDOW - 1} letters")
        chosen = assign(bare, buckets, 3)
        print(f"static const struct anchor {name}[] = {{")
        for word, phrase in zip(words, bare):
            bucket, at = chosen[phrase]
            start = "true" if word[0] == "|" else "false"
            print(f'\t{{"{phrase.decode()}", {len(phrase)}, {at}, {bucket}, {start}}},')
        print("};")
        passed = [bin(bucket.places()).count("1") for bucket in buckets]
        print(f"/* {sum(passed)} places of {len(text)} in the sample pass. */")


main()
