# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel dumps for tests: read a kdump-compressed file page by page, change pages, write it again in any form.

This is the tests' own reader: it shares nothing with the reader that is tested. Layouts after makedumpfile's
IMPLEMENTATION file and diskdump_mod.h, and BTF after Documentation/bpf/btf.rst.
"""
import ctypes
import ctypes.util
import mmap
import re
import struct
import zlib

KERNEL_MAP = 0xFFFFFFFF80000000
PAGE = 4096

ZLIB, LZO, SNAPPY, INCOMPLETE, ZSTD = 1, 2, 4, 8, 32  # page flags; INCOMPLETE is a status bit of the header


class MissingPage(Exception):
    """The dump does not hold the page."""


def _library(name, version):
    return ctypes.CDLL(ctypes.util.find_library(name) or "lib%s.so.%s" % (name, version))


def decompress(data, flags):
    """One page from its compressed form."""
    if flags & ZLIB:
        return zlib.decompress(data)
    out = ctypes.create_string_buffer(PAGE)
    size = ctypes.c_size_t(PAGE)
    if flags & LZO:
        if _library("lzo2", 2).lzo1x_decompress_safe(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size), None):
            raise ValueError("bad lzo page")
    elif flags & SNAPPY:
        if _library("snappy", 1).snappy_uncompress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size)):
            raise ValueError("bad snappy page")
    elif flags & ZSTD:
        lib = _library("zstd", 1)
        lib.ZSTD_decompress.restype = ctypes.c_size_t
        size.value = lib.ZSTD_decompress(out, ctypes.c_size_t(PAGE), data, ctypes.c_size_t(len(data)))
    else:
        return data
    if size.value != PAGE:
        raise ValueError("a page of %d bytes" % size.value)
    return out.raw


def snappy(data):
    """One page compressed with snappy."""
    out = ctypes.create_string_buffer(PAGE * 2)
    size = ctypes.c_size_t(len(out))
    if _library("snappy", 1).snappy_compress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size)):
        raise ValueError("snappy_compress")
    return out.raw[: size.value]


class Dump:
    """A plain kdump-compressed file. self.pages maps a page frame number to (data, flags), data as stored."""

    STATUS, BLOCK_SIZE, SUB_SIZE, BITMAP_BLOCKS, MAX_MAPNR, NR_CPUS = 424, 428, 432, 436, 440, 460
    SUB = PAGE  # the sub-header; the following are offsets in the file
    SPLIT, START_PFN, END_PFN = SUB + 12, SUB + 16, SUB + 24
    OFFSET_VMCOREINFO, SIZE_VMCOREINFO, OFFSET_NOTE, SIZE_NOTE = SUB + 32, SUB + 40, SUB + 48, SUB + 56
    START_PFN_64, END_PFN_64, MAX_MAPNR_64 = SUB + 80, SUB + 88, SUB + 96

    def __init__(self, path):
        with open(path, "rb") as f:
            self.raw = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        if self.raw[:8] != b"KDUMP   ":
            raise ValueError("%s: not a plain kdump-compressed dump" % path)
        block, sub, bitmap, max_mapnr = struct.unpack_from("<iiII", self.raw, self.BLOCK_SIZE)
        if block != PAGE:
            raise ValueError("%s: pages of %d bytes" % (path, block))
        max_mapnr = max(max_mapnr, struct.unpack_from("<Q", self.raw, self.MAX_MAPNR_64)[0])
        self.bitmap_offset = (1 + sub) * block
        self.bitmap_size = bitmap * block
        self.desc_offset = self.bitmap_offset + self.bitmap_size
        half = self.raw[self.bitmap_offset + self.bitmap_size // 2 : self.desc_offset]
        self.pages = {}
        at = self.desc_offset
        for pfn in range(max_mapnr):
            if half[pfn >> 3] >> (pfn & 7) & 1:
                offset, size, flags = struct.unpack_from("<qII", self.raw, at)
                self.pages[pfn] = (offset, size, flags)
                at += 24
        self.descs_end = at
        offset, size = struct.unpack_from("<QQ", self.raw, self.OFFSET_VMCOREINFO)
        self.vmcoreinfo = self.raw[offset : offset + size].split(b"\0")[0].decode("ascii", "replace")
        self.symbols = {k: int(v, 16) for k, v in re.findall(r"^SYMBOL\((\w+)\)=([0-9a-f]+)", self.vmcoreinfo, re.M)}
        self.phys_base = int(re.search(r"^NUMBER\(phys_base\)=(-?\d+)", self.vmcoreinfo, re.M).group(1))
        self.changed = {}

    # Memory

    def page(self, pfn):
        if pfn in self.changed:
            return self.changed[pfn]
        if pfn not in self.pages:
            raise MissingPage("page frame %#x" % pfn)
        offset, size, flags = self.pages[pfn]
        return decompress(self.raw[offset : offset + size], flags)

    def physical(self, address):
        """Physical address of an address in the kernel image or in the direct mapping."""
        if address >= KERNEL_MAP:
            return address - KERNEL_MAP + self.phys_base
        return address - self.page_offset

    def read(self, address, size):
        out = b""
        while size:
            pa = self.physical(address)
            part = self.page(pa // PAGE)[pa % PAGE : pa % PAGE + size]
            out += part
            address += len(part)
            size -= len(part)
        return out

    def u64(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def u32(self, address):
        return struct.unpack("<I", self.read(address, 4))[0]

    def write(self, address, data):
        """Change memory; what is written to a file afterwards has it."""
        while data:
            pa = self.physical(address)
            page = bytearray(self.page(pa // PAGE))
            room = PAGE - pa % PAGE
            page[pa % PAGE : pa % PAGE + len(data[:room])] = data[:room]
            self.changed[pa // PAGE] = bytes(page)
            address += len(data[:room])
            data = data[room:]

    def frames(self, start, end):
        """The page frames of a range of kernel addresses."""
        return range(self.physical(start) // PAGE, (self.physical(end - 1)) // PAGE + 1)

    # Symbols and types

    def load_symbols(self):
        """All symbols of the dump's kallsyms into self.symbols (those of VMCOREINFO are there already)."""
        s = self.symbols
        count = self.u32(s["kallsyms_num_syms"])
        base = self.u64(s["kallsyms_relative_base"])
        offsets = struct.unpack("<%di" % count, self.read(s["kallsyms_offsets"], 4 * count))
        index = struct.unpack("<256H", self.read(s["kallsyms_token_index"], 512))
        table = self.read(s["kallsyms_token_table"], index[255] + 64)
        tokens = [table[i : table.index(b"\0", i)] for i in index]
        names, at = b"", 0
        for i in range(count):
            if len(names) < at + 600:
                names += self.read(s["kallsyms_names"] + len(names), 1 << 16)
            length = names[at]
            at += 1
            if length & 0x80:
                length = length & 0x7F | names[at] << 7
                at += 1
            name = b"".join(tokens[c] for c in names[at : at + length])[1:].decode("latin1")
            at += length
            offset = offsets[i]
            s.setdefault(name, (offset if offset >= 0 else base - 1 - offset) & (1 << 64) - 1)
        self.names_end = s["kallsyms_names"] + at
        self.page_offset = self.u64(s["page_offset_base"])

    def load_types(self):
        """Find the members of structures in the dump's BTF: self.member(struct, member) is the byte offset."""
        start, end = self.symbols["__start_BTF"], self.symbols["__stop_BTF"]
        btf = self.read(start, end - start)
        header, type_off, type_len, str_off, _ = struct.unpack_from("<IIIII", btf, 4)
        strings = header + str_off

        def text(offset):
            return btf[strings + offset : btf.index(b"\0", strings + offset)].decode("latin1")

        self.structs = {}
        at, stop = header + type_off, header + type_off + type_len
        extra = {1: (4, 0), 3: (12, 0), 6: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0), 19: (0, 12)}
        while at < stop:
            name, info, _ = struct.unpack_from("<III", btf, at)
            kind, vlen = info >> 24 & 0x1F, info & 0xFFFF
            at += 12
            if kind in (4, 5):
                if kind == 4 and name:
                    self.structs.setdefault(text(name), (at, vlen, info >> 31))
                at += 12 * vlen
            else:
                fixed, each = extra.get(kind, (0, 0))
                at += fixed + each * vlen
        self._btf, self._text = btf, text

    def member(self, struct_name, member):
        at, vlen, bitfields = self.structs[struct_name]
        for i in range(vlen):
            name, _, offset = struct.unpack_from("<III", self._btf, at + 12 * i)
            if name and self._text(name) == member:
                return (offset & 0xFFFFFF if bitfields else offset) // 8
        raise KeyError("%s.%s" % (struct_name, member))

    # Files

    def stored(self, pfn):
        """A page as it is stored: data and flags."""
        if pfn in self.changed:
            return zlib.compress(self.changed[pfn], 1), ZLIB
        offset, size, flags = self.pages[pfn]
        return self.raw[offset : offset + size], flags

    def save(self, path, drop=(), convert=None, split=None):
        """Write a dump of the pages but those of @drop. @convert changes a page's (data, flags) as stored;
        @split is (start, end) page frames of one part of a split dump."""
        drop = set(drop)
        head = bytearray(self.raw[: self.desc_offset])
        half = self.bitmap_offset + self.bitmap_size // 2
        wanted = [p for p in sorted(self.pages) if p not in drop and (not split or split[0] <= p < split[1])]
        for pfn in drop & set(self.pages):
            head[half + (pfn >> 3)] &= ~(1 << (pfn & 7)) & 0xFF
        if split:
            # Every part carries the bitmap of the whole set, and the descriptors of its own pages.
            struct.pack_into("<i", head, self.SPLIT, 1)
            struct.pack_into("<QQ", head, self.START_PFN, *split)
            struct.pack_into("<QQ", head, self.START_PFN_64, *split)
        descs, blobs, at, same = [], [], self.desc_offset + 24 * len(wanted), {}
        for pfn in wanted:
            key = None if pfn in self.changed else self.pages[pfn]
            if key in same:  # makedumpfile stores one page of zeroes for all of them
                descs.append(same[key])
                continue
            data, flags = self.stored(pfn)
            if convert:
                data, flags = convert(pfn, data, flags)
            desc = struct.pack("<qIIQ", at, len(data), flags, 0)
            if key:
                same[key] = desc
            descs.append(desc)
            blobs.append(data)
            at += len(data)
        with open(path, "wb") as f:
            f.write(head)
            f.writelines(descs)
            f.writelines(blobs)


def flatten(data, record=1 << 20):
    """The flattened form (makedumpfile -F) of a file."""
    out = [b"makedumpfile".ljust(16, b"\0") + struct.pack(">qq", 1, 1)]
    out[0] = out[0].ljust(4096, b"\0")
    for at in range(0, len(data), record):
        part = data[at : at + record]
        out += [struct.pack(">qq", at, len(part)), part]
    out.append(struct.pack(">qq", -1, -1))
    return b"".join(out)
