#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compare_insn.py CHECK PROGRAM...: the decoder of the hints and objdump agree on each instruction.

CHECK is insn_check; PROGRAM any x86-64 program (or a kernel's vmlinux). What the decoder is not sure of
does not count, what it says must be right.
"""
import collections, re, shutil, subprocess, sys

UNKNOWN, PLAIN, MEMORY, DIVIDE, TRAP = range(5)
OPERAND = re.compile(r"(?P<segment>%[a-z]s:)?(?P<offset>-?0x[0-9a-f]+)?"
                     r"\((?P<base>%\w+)?(?:,(?P<index>%\w+)(?:,(?P<scale>\d))?)?\)")
ABSOLUTE = re.compile(r"(?<![$\w])(?P<segment>%[a-z]s:)?(?P<offset>0x[0-9a-f]+)(?:,|$)")


def signed(text):
    v = int(text or "0", 16)
    return v - (1 << 64) if v >= 1 << 63 else v


def wrong(said, text):
    """What the decoder said of an instruction that it should not have."""
    kind, base, index, scale, offset, computable = said.split()
    kind, name = int(kind), text.split()[0]
    operand = OPERAND.search(text)
    if kind == UNKNOWN:
        return False
    if (kind == TRAP) != bool(re.match(r"ud|int3", name)):
        return True
    if (kind == DIVIDE) != bool(re.match(r"i?div", name)):
        return True
    if kind == PLAIN:
        return bool(operand and not name.startswith("nop")) or bool(
            re.match(r"(lock|rep|call|ret|push|pop|hlt|in|out|int|wrmsr|rdmsr|iret|sys)", name))
    if kind == TRAP:
        return False
    if not operand:
        operand = ABSOLUTE.search(text.split(None, 1)[1])
        if not operand:
            return kind == MEMORY
        return computable == "1" and (bool(operand["segment"]) or base != "-" or index != "-" or
                                      signed(operand["offset"]) != int(offset))
    if computable == "0":
        return not operand["segment"] and operand["base"] != "%rip"
    names = [(r or "-").lstrip("%").upper() for r in (operand["base"], operand["index"])]
    return bool(operand["segment"]) or names != [base, index] or signed(operand["offset"]) != int(offset) or (
        index != "-" and int(operand["scale"] or 1) != int(scale))


def main():
    check, programs = sys.argv[1], sys.argv[2:]
    if not shutil.which("objdump"):
        print("objdump is not installed")
        return 77
    failed = 0
    for program in programs:
        p = subprocess.run(["objdump", "-d", "-w", program], capture_output=True, text=True)
        if p.returncode or "x86-64" not in p.stdout[:400]:
            print(f"{program}: not x86-64")
            return 77
        rows = []
        for line in p.stdout.splitlines():
            m = re.match(r"\s*[0-9a-f]+:\s*((?:[0-9a-f]{2} )+)\s*\t([a-z].*)", line)
            if m:
                rows.append((m[1].strip(), re.sub(r"\s+#.*|<.*", "", m[2]).strip()))
        said = subprocess.run([check], input="".join(b + "\n" for b, _ in rows), capture_output=True,
                              text=True, check=True).stdout.splitlines()
        assert len(said) == len(rows), (len(said), len(rows))
        kinds = collections.Counter(int(s.split()[0]) for s in said)
        bad = [(b, t, s) for (b, t), s in zip(rows, said) if wrong(s, t)]
        for row in bad[:20]:
            print(*row, sep=" | ")
        print(f"{program}: {len(rows)} instructions, {kinds[PLAIN]} plain, {kinds[MEMORY]} of memory, "
              f"{kinds[UNKNOWN]} left out, {len(bad)} wrong")
        # A decoder that knows nothing is never wrong.
        failed += len(bad) or kinds[MEMORY] * 20 < len(rows) or kinds[PLAIN] * 20 < len(rows)
    return 1 if failed else 0


sys.exit(main())
