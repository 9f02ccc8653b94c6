#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make bad dumps from a good one, each broken in one way that a crash, a full disk or an attacker can bring about.

  make_broken.py --list
  make_broken.py GOOD.vmcore FOLDER [CASE...]

GOOD.vmcore is a plain kdump-compressed dump. Each file is FOLDER/CASE. What an analyser must do with a case:

  reject   exit 2 with one sentence: nothing can be read of it
  degrade  exit 0 with what is sound, and the record names a gap; or exit 2 with one sentence, unless the case
           says what must still be there (log, stack)
  either   as degrade, but what is missing may happen not to be needed

Exit status: 0 made; 1 usage; 2 the good dump cannot be used.
"""
import os
import random
import struct
import sys

import kdump

REJECT, DEGRADE, EITHER = "reject", "degrade", "either"

CASES = {}


def case(expect, keeps=()):
    """Register a maker. It gets the good dump (kdump.Dump, fresh) and the path to write."""

    def register(fn):
        name = fn.__name__.replace("_", "-")
        CASES[name] = (fn, expect, keeps)
        return fn

    return register


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def patched(path, dump, *changes):
    """The good file with some bytes changed: (offset, struct format, values...)."""
    data = bytearray(dump.raw[:])
    for offset, form, *values in changes:
        struct.pack_into(form, data, offset, *values)
    write(path, data)


# Not a dump at all


@case(REJECT)
def text_file(dump, path):
    write(path, b"This is a text, and no dump of a kernel.\n" * 100)


@case(REJECT)
def empty(dump, path):
    write(path, b"")


@case(REJECT)
def directory(dump, path):
    os.mkdir(path)


@case(REJECT)
def fifo(dump, path):
    os.mkfifo(path)


@case(REJECT)
def device_zero(dump, path):
    os.symlink("/dev/zero", path)


@case(REJECT)
def dangling_link(dump, path):
    os.symlink("nothing-is-here", path)


@case(REJECT)
def signature_only(dump, path):
    write(path, b"KDUMP   ")


@case(REJECT)
def header_only(dump, path):
    write(path, dump.raw[:4096])


@case(REJECT)
def zeroes(dump, path):
    write(path, b"\0" * (1 << 20))


@case(REJECT)
def noise(dump, path):
    write(path, random.Random(1).randbytes(1 << 20))


@case(REJECT)
def noise_behind_signature(dump, path):
    write(path, b"KDUMP   " + random.Random(2).randbytes(1 << 20))


@case(REJECT)
def machine_aarch64(dump, path):
    patched(path, dump, (12 + 4 * 65, "65s", b"aarch64"))


@case(REJECT)
def elf_aarch64(dump, path):
    write(path, elf(machine=183))


# Cut short


@case(EITHER)
def truncated_60(dump, path):
    write(path, dump.raw[: len(dump.raw) * 60 // 100])


@case(EITHER)
def truncated_99(dump, path):
    write(path, dump.raw[: len(dump.raw) * 99 // 100])


@case(EITHER)
def truncated_in_descriptors(dump, path):
    write(path, dump.raw[: (dump.desc_offset + dump.descs_end) // 2])


@case(REJECT)
def truncated_in_bitmap(dump, path):
    write(path, dump.raw[: dump.bitmap_offset + 100])


@case(DEGRADE, ("log", "stack"))
def incomplete_flag(dump, path):
    patched(path, dump, (dump.STATUS, "<I", kdump.INCOMPLETE | kdump.ZLIB))


@case(EITHER)
def incomplete_tail_unwritten(dump, path):
    """As makedumpfile leaves it on a full disk: the flag, and descriptors of zeroes for the pages it did not reach."""
    data = bytearray(dump.raw[:])
    struct.pack_into("<I", data, dump.STATUS, kdump.INCOMPLETE | kdump.ZLIB)
    count = (dump.descs_end - dump.desc_offset) // 24
    first = dump.desc_offset + 24 * (count * 6 // 10)
    end = struct.unpack_from("<q", data, first)[0]
    data[first : dump.descs_end] = b"\0" * (dump.descs_end - first)
    write(path, data[: max(end, dump.descs_end)])


@case(EITHER)
def split_one_part(dump, path):
    """The first of two files of a split dump, without the other."""
    pfns = sorted(dump.pages)
    dump.save(path, split=(0, pfns[len(pfns) // 2]))


# Absurd counts in the headers


@case(REJECT)
def block_size_zero(dump, path):
    patched(path, dump, (dump.BLOCK_SIZE, "<i", 0))


@case(REJECT)
def block_size_odd(dump, path):
    patched(path, dump, (dump.BLOCK_SIZE, "<i", 4097))


@case(REJECT)
def block_size_huge(dump, path):
    patched(path, dump, (dump.BLOCK_SIZE, "<i", 1 << 30))


@case(REJECT)
def block_size_negative(dump, path):
    patched(path, dump, (dump.BLOCK_SIZE, "<i", -4096))


@case(REJECT)
def sub_header_huge(dump, path):
    patched(path, dump, (dump.SUB_SIZE, "<i", 0x7FFFFFFF))


@case(REJECT)
def bitmap_blocks_huge(dump, path):
    patched(path, dump, (dump.BITMAP_BLOCKS, "<I", 0xFFFFFFFF))


@case(EITHER)
def bitmap_blocks_zero(dump, path):
    patched(path, dump, (dump.BITMAP_BLOCKS, "<I", 0))


@case(EITHER)
def max_mapnr_huge(dump, path):
    patched(path, dump, (dump.MAX_MAPNR, "<I", 0xFFFFFFFF), (dump.MAX_MAPNR_64, "<Q", 1 << 60))


@case(EITHER)
def nr_cpus_absurd(dump, path):
    patched(path, dump, (dump.NR_CPUS, "<i", 0x7FFFFFFF))


@case(EITHER)
def bitmap_all_ones(dump, path):
    patched(path, dump, (dump.bitmap_offset, "%ds" % dump.bitmap_size, b"\xff" * dump.bitmap_size))


@case(EITHER)
def descriptor_offsets_absurd(dump, path):
    """Every third page lies behind the end of the file, before it, or at itself."""
    data = bytearray(dump.raw[:])
    wrong = (1 << 62, -1, -(1 << 63), dump.desc_offset, len(data) - 1)
    for n, at in enumerate(range(dump.desc_offset, dump.descs_end, 24)):
        if n % 3 == 0:
            struct.pack_into("<q", data, at, wrong[n // 3 % len(wrong)])
    write(path, data)


@case(EITHER)
def descriptor_sizes_absurd(dump, path):
    data = bytearray(dump.raw[:])
    for n, at in enumerate(range(dump.desc_offset, dump.descs_end, 24)):
        struct.pack_into("<I", data, at + 8, (0xFFFFFFFF, 0, 1, 1 << 20)[n % 4])
    write(path, data)


@case(EITHER)
def descriptor_flags_unknown(dump, path):
    data = bytearray(dump.raw[:])
    for at in range(dump.desc_offset, dump.descs_end, 24):
        struct.pack_into("<I", data, at + 12, 0xFFFFFFFF)
    write(path, data)


@case(EITHER)
def descriptor_flags_wrong_compression(dump, path):
    data = bytearray(dump.raw[:])
    for n, at in enumerate(range(dump.desc_offset, dump.descs_end, 24)):
        struct.pack_into("<I", data, at + 12, (kdump.LZO, kdump.SNAPPY, kdump.ZSTD)[n % 3])
    write(path, data)


@case(EITHER)
def compressed_pages_corrupt(dump, path):
    """One byte in each fourth page is another one."""
    data, rnd = bytearray(dump.raw[:]), random.Random(3)
    for pfn in sorted(dump.pages)[::4]:
        offset, size, _ = dump.pages[pfn]
        data[offset + rnd.randrange(size)] ^= 1 << rnd.randrange(8)
    write(path, data)


@case(DEGRADE)
def no_page_left(dump, path):
    dump.save(path, drop=dump.pages)


@case(EITHER)
def vmcoreinfo_huge(dump, path):
    patched(path, dump, (dump.SIZE_VMCOREINFO, "<Q", 1 << 60))


@case(EITHER)
def vmcoreinfo_behind_end(dump, path):
    patched(path, dump, (dump.OFFSET_VMCOREINFO, "<Q", 1 << 62))


@case(EITHER)
def vmcoreinfo_noise(dump, path):
    offset, size = struct.unpack_from("<QQ", dump.raw, dump.OFFSET_VMCOREINFO)
    patched(path, dump, (offset, "%ds" % size, random.Random(4).randbytes(size)))


@case(EITHER)
def vmcoreinfo_absurd_values(dump, path):
    """Each number of it is the largest of its length."""
    offset, size = struct.unpack_from("<QQ", dump.raw, dump.OFFSET_VMCOREINFO)
    lines = []
    for line in dump.raw[offset : offset + size].split(b"\n"):
        key, eq, value = line.partition(b"=")
        if key.startswith((b"SYMBOL", b"SIZE", b"OFFSET", b"LENGTH", b"NUMBER")):
            value = (b"f" if key.startswith(b"SYMBOL") else b"9") * len(value)
        lines.append(key + eq + value)
    patched(path, dump, (offset, "%ds" % size, b"\n".join(lines)))


@case(EITHER)
def notes_huge(dump, path):
    patched(path, dump, (dump.SIZE_NOTE, "<Q", 1 << 60))


@case(EITHER)
def notes_absurd_lengths(dump, path):
    offset, _ = struct.unpack_from("<QQ", dump.raw, dump.OFFSET_NOTE)
    patched(path, dump, (offset, "<II", 0xFFFFFFFF, 0xFFFFFFFF))


@case(EITHER)
def registers_noise(dump, path):
    """The registers of the CPUs in the notes are noise: a stack pointer that points anywhere."""
    offset, size = struct.unpack_from("<QQ", dump.raw, dump.OFFSET_NOTE)
    data, rnd, at = bytearray(dump.raw[:]), random.Random(5), offset
    while at + 12 <= offset + size:
        name, desc, kind = struct.unpack_from("<III", data, at)
        body = at + 12 + (name + 3 & ~3)
        if kind == 1 and data[at + 12 : at + 16] == b"CORE":
            data[body + 112 : body + 112 + 27 * 8] = rnd.randbytes(27 * 8)
        at = body + (desc + 3 & ~3)
    write(path, data)


# ELF


def elf(machine=62, klass=2, order=1, phnum=1, phentsize=56, phoff=64, segment=None, body=b""):
    ident = b"\x7fELF" + bytes((klass, order, 1)) + b"\0" * 9
    header = ident + struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, phoff, 0, 0, 64, phentsize, phnum, 0, 0, 0)
    segment = segment or (1, 0, 120, 0, 0, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", *segment) + body


@case(REJECT)
def elf_32_bit(dump, path):
    write(path, elf(klass=1))


@case(REJECT)
def elf_big_endian(dump, path):
    write(path, elf(order=2))


@case(REJECT)
def elf_program_not_core(dump, path):
    with open("/proc/self/exe", "rb") as f:
        write(path, f.read())


@case(REJECT)
def elf_too_many_segments(dump, path):
    write(path, elf(phnum=0xFFFF))


@case(REJECT)
def elf_segments_of_no_size(dump, path):
    write(path, elf(phnum=0xFFF0, phentsize=0))


@case(REJECT)
def elf_segments_behind_end(dump, path):
    write(path, elf(phoff=1 << 62))


@case(REJECT)
def elf_note_huge(dump, path):
    write(path, elf(segment=(4, 0, 120, 0, 0, 1 << 62, 1 << 62, 4), body=b"\xff" * 64))


@case(REJECT)
def elf_load_wraps_around(dump, path):
    write(
        path, elf(segment=(1, 7, 120, 0xFFFF888000000000, (1 << 64) - 4096, 1 << 63, 1 << 63, 0), body=b"\xff" * 9999)
    )


# Flattened


@case(REJECT)
def flat_header_only(dump, path):
    write(path, kdump.flatten(b"")[:4096])


@case(EITHER)
def flat_truncated(dump, path):
    data = kdump.flatten(dump.raw[:])
    write(path, data[: len(data) * 60 // 100])


@case(EITHER)
def flat_no_end(dump, path):
    write(path, kdump.flatten(dump.raw[:])[:-16])


@case(REJECT)
def flat_sizes_absurd(dump, path):
    write(path, kdump.flatten(b"")[:4096] + struct.pack(">qq", 0, 1 << 62) + b"KDUMP   " + b"\0" * 8192)


@case(REJECT)
def flat_offset_negative(dump, path):
    write(
        path, kdump.flatten(b"")[:4096] + struct.pack(">qq", -4096, 4096) + dump.raw[:4096] + struct.pack(">qq", -1, -1)
    )


@case(REJECT)
def flat_size_negative(dump, path):
    write(path, kdump.flatten(b"")[:4096] + struct.pack(">qq", 0, -4096) * 3 + struct.pack(">qq", -1, -1))


@case(REJECT)
def flat_far_apart(dump, path):
    """Records that lie an exabyte apart: the file that they describe must not be made."""
    records = b"".join(struct.pack(">qq", n << 56, 16) + b"KDUMP   " * 2 for n in range(64))
    write(path, kdump.flatten(b"")[:4096] + records + struct.pack(">qq", -1, -1))


@case(REJECT)
def flat_million_empty_records(dump, path):
    write(path, kdump.flatten(b"")[:4096] + struct.pack(">qq", 0, 0) * 1000000 + struct.pack(">qq", -1, -1))


@case(EITHER)
def flat_overlapping(dump, path):
    """Each record is followed by one that writes noise over half of it."""
    out, rnd = [kdump.flatten(b"")[:4096]], random.Random(6)
    for at in range(0, len(dump.raw), 1 << 20):
        part = dump.raw[at : at + (1 << 20)]
        out += [struct.pack(">qq", at, len(part)), part]
        if at:
            out += [struct.pack(">qq", at + 4096, len(part) // 2), rnd.randbytes(len(part) // 2)]
    write(path, b"".join(out) + struct.pack(">qq", -1, -1))


@case(REJECT)
def flat_in_flat(dump, path):
    data = dump.raw[:65536]
    for _ in range(20):
        data = kdump.flatten(data)
    write(path, data)


def register_memory_cases():
    import memory_cases  # noqa: F401  (registers its cases with ours)


def main():
    args = sys.argv[1:]
    register_memory_cases()
    if args == ["--list"]:
        for name, (fn, expect, keeps) in CASES.items():
            print("%-36s %-8s %s" % (name, expect, " ".join(keeps)))
        return 0
    if len(args) < 2 or args[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 1
    unknown = set(args[2:]) - set(CASES)
    if unknown:
        print("no such case: %s (--list names them)" % ", ".join(sorted(unknown)), file=sys.stderr)
        return 1
    os.makedirs(args[1], exist_ok=True)
    try:
        for name in args[2:] or CASES:
            CASES[name][0](kdump.Dump(args[0]), os.path.join(args[1], name))
    except (OSError, ValueError) as e:
        print(e, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.modules["make_broken"] = sys.modules["__main__"]
    sys.exit(main())
