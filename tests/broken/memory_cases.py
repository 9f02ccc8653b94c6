# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad dumps whose file is sound and whose memory is not: tables that are missing, and structures that lie."""
import functools
import random
import struct

from make_broken import DEGRADE, EITHER, REJECT, case
from kdump import PAGE

WILD = 0xDEAD000000000100


def with_symbols(fn):
    """The dump that @fn gets has its symbols loaded."""

    @functools.wraps(fn)
    def wrapper(dump, path):
        dump.load_symbols()
        fn(dump, path)

    return wrapper


def with_types(fn):
    """... and the types."""

    @functools.wraps(fn)
    def wrapper(dump, path):
        dump.load_symbols()
        dump.load_types()
        fn(dump, path)

    return wrapper


def corrupt(dump, start, end, seed):
    rnd = random.Random(seed)
    for at in range(start, end, PAGE):
        dump.write(at, rnd.randbytes(min(PAGE, end - at)))


def put(dump, symbol, form, *values):
    dump.write(dump.symbols[symbol], struct.pack(form, *values))


# Tables


@case(DEGRADE, ("log",))
@with_symbols
def btf_missing(dump, path):
    dump.save(path, drop=dump.frames(dump.symbols["__start_BTF"], dump.symbols["__stop_BTF"]))


@case(DEGRADE, ("log",))
@with_symbols
def btf_half_missing(dump, path):
    start, end = dump.symbols["__start_BTF"], dump.symbols["__stop_BTF"]
    dump.save(path, drop=dump.frames((start + end) // 2, end))


@case(DEGRADE, ("log",))
@with_symbols
def btf_noise(dump, path):
    start, end = dump.symbols["__start_BTF"], dump.symbols["__stop_BTF"]
    corrupt(dump, start, end, 10)
    dump.save(path)


@case(EITHER, ("log",))
@with_symbols
def btf_noise_behind_header(dump, path):
    """The header is right; types and strings are noise here and there."""
    start, end = dump.symbols["__start_BTF"], dump.symbols["__stop_BTF"]
    rnd = random.Random(11)
    for at in range(start + PAGE, end - PAGE, 16 * PAGE):
        dump.write(at, rnd.randbytes(256))
    dump.save(path)


@case(DEGRADE, ("log",))
@with_symbols
def btf_lengths_absurd(dump, path):
    put(dump, "__start_BTF", "<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 0xFFFFFFFF, 0xFFFFFFF0, 0xFFFFFFFF)
    dump.save(path)


@case(DEGRADE, ("log",))
@with_symbols
def btf_types_in_a_circle(dump, path):
    """Every type is a typedef of the next but one, and so of itself."""
    start = dump.symbols["__start_BTF"]
    size = dump.u32(start + 12)
    first = start + 24 + dump.u32(start + 8)
    count = size // 12
    types = b"".join(struct.pack("<III", 0, 8 << 24, n % count + 1) for n in range(1, count + 1))
    dump.write(first, types)
    dump.save(path)


@case(DEGRADE, ("log",))
@with_symbols
def kallsyms_missing(dump, path):
    dump.save(path, drop=dump.frames(dump.symbols["kallsyms_names"], dump.names_end))


@case(DEGRADE, ("log",))
@with_symbols
def kallsyms_noise(dump, path):
    corrupt(dump, dump.symbols["kallsyms_names"], dump.names_end, 12)
    dump.save(path)


@case(DEGRADE, ("log",))
@with_symbols
def kallsyms_count_absurd(dump, path):
    put(dump, "kallsyms_num_syms", "<I", 0xFFFFFFFF)
    dump.save(path)


@case(DEGRADE, ("log",))
@with_symbols
def kallsyms_tokens_noise(dump, path):
    corrupt(dump, dump.symbols["kallsyms_token_index"], dump.symbols["kallsyms_token_index"] + 512, 13)
    dump.save(path)


@case(EITHER, ("log",))
@with_symbols
def kallsyms_offsets_noise(dump, path):
    start = dump.symbols["kallsyms_offsets"]
    corrupt(dump, start, start + 4 * dump.u32(dump.symbols["kallsyms_num_syms"]), 14)
    dump.save(path)


@case(DEGRADE, ("log",))
@with_symbols
def orc_missing(dump, path):
    drop = set(dump.frames(dump.symbols["__start_orc_unwind_ip"], dump.symbols["__stop_orc_unwind_ip"]))
    drop |= set(dump.frames(dump.symbols["__start_orc_unwind"], dump.symbols["__stop_orc_unwind"]))
    dump.save(path, drop=drop)


@case(EITHER, ("log",))
@with_symbols
def orc_noise(dump, path):
    corrupt(dump, dump.symbols["__start_orc_unwind"], dump.symbols["__stop_orc_unwind"], 15)
    dump.save(path)


@case(EITHER)
@with_symbols
def page_tables_missing(dump, path):
    dump.save(path, drop=dump.frames(dump.symbols["init_top_pgt"], dump.symbols["init_top_pgt"] + PAGE))


@case(EITHER)
@with_symbols
def page_tables_in_a_circle(dump, path):
    """The top table is its own entry, everywhere but for the kernel image."""
    table = dump.symbols["init_top_pgt"]
    own = struct.pack("<Q", dump.physical(table) | 0x63)
    dump.write(table, own * 511)
    dump.save(path)


# The log


@case(DEGRADE)
@with_types
def log_missing(dump, path):
    prb = dump.u64(dump.symbols["prb"])
    data = prb + dump.member("printk_ringbuffer", "text_data_ring")
    bits = dump.u32(data)
    start = dump.u64(data + 8)
    dump.save(path, drop=dump.frames(start, start + (1 << bits)))


@case(DEGRADE)
@with_types
def log_sizes_absurd(dump, path):
    prb = dump.u64(dump.symbols["prb"])
    dump.write(prb, struct.pack("<I", 63))
    dump.write(prb + dump.member("printk_ringbuffer", "text_data_ring"), struct.pack("<I", 62))
    dump.save(path)


@case(EITHER)
@with_types
def log_ids_noise(dump, path):
    """Head and tail of the descriptor ring point anywhere; the text positions too."""
    prb = dump.u64(dump.symbols["prb"])
    ring = prb + dump.member("printk_ringbuffer", "desc_ring")
    for name in ("head_id", "tail_id"):
        dump.write(ring + dump.member("prb_desc_ring", name), random.Random(16).randbytes(8))
    ring = prb + dump.member("printk_ringbuffer", "text_data_ring")
    for name in ("head_lpos", "tail_lpos"):
        dump.write(ring + dump.member("prb_data_ring", name), random.Random(17).randbytes(8))
    dump.save(path)


# Tasks, modules, CPUs


def tasks(dump):
    """Addresses of task_struct, the idle task of CPU 0 first."""
    offset = dump.member("task_struct", "tasks")
    out, at = [], dump.symbols["init_task"]
    while not out or at != out[0]:
        out.append(at)
        at = dump.u64(at + offset) - offset
    return out


@case(DEGRADE, ("log", "stack"))
@with_types
def tasks_in_a_circle(dump, path):
    """The last task's next one is the third, for ever."""
    offset, all_tasks = dump.member("task_struct", "tasks"), tasks(dump)
    dump.write(all_tasks[-1] + offset, struct.pack("<Q", all_tasks[3] + offset))
    dump.save(path)


@case(DEGRADE, ("log", "stack"))
@with_types
def task_is_its_own_next(dump, path):
    offset, all_tasks = dump.member("task_struct", "tasks"), tasks(dump)
    dump.write(all_tasks[7] + offset, struct.pack("<Q", all_tasks[7] + offset))
    dump.save(path)


@case(DEGRADE, ("log", "stack"))
@with_types
def task_list_ends_in_poison(dump, path):
    offset, all_tasks = dump.member("task_struct", "tasks"), tasks(dump)
    dump.write(all_tasks[7] + offset, struct.pack("<Q", WILD))
    dump.save(path)


@case(EITHER, ("log",))
@with_types
def threads_in_a_circle(dump, path):
    """The thread lists of all processes lead from one process to the next and never back."""
    node = dump.member("task_struct", "thread_node")
    all_tasks = tasks(dump)
    for this, other in zip(all_tasks[1:], all_tasks[2:] + all_tasks[1:2]):
        dump.write(this + node, struct.pack("<Q", other + node))
    dump.save(path)


@case(EITHER, ("log",))
@with_types
def tasks_all_noise(dump, path):
    """All that a task says of itself but its list is noise: names, pids, states, memory, stacks."""
    offset, all_tasks, rnd = dump.member("task_struct", "tasks"), tasks(dump), random.Random(18)
    for task in all_tasks[1:]:
        dump.write(task, rnd.randbytes(offset))
        dump.write(task + offset + 16, rnd.randbytes(1024))
    dump.save(path)


@case(EITHER, ("log",))
@with_types
def task_names_hostile(dump, path):
    """Names with terminal escapes, quotes, markup and broken UTF-8."""
    comm, all_tasks = dump.member("task_struct", "comm"), tasks(dump)
    names = (
        b"\x1b]0;x\x07\x1b[2J",
        b'","pid":0,"x":"',
        b"<script>//",
        b"\xff\xfe\x80\xc0\xaf",
        b"a\nPID: 1",
        b"Y" * 16,
    )
    for task, name in zip(all_tasks[5:], names * 9):
        dump.write(task + comm, name.ljust(16, b"\0")[:16])
    dump.save(path)


@case(DEGRADE, ("log",))
@with_types
def modules_in_a_circle(dump, path):
    """The last module's next one is the second."""
    head, node = dump.symbols["modules"], dump.member("module", "list")
    out, at = [], dump.u64(head)
    while at != head:
        out.append(at)
        at = module_u64(dump, at)
    module_write(dump, out[-1], struct.pack("<Q", out[1]))
    dump.save(path)


@case(DEGRADE, ("log",))
@with_types
def module_symbols_absurd(dump, path):
    """Each module has four thousand million symbols and ORC entries."""
    head, node = dump.symbols["modules"], dump.member("module", "list")
    at = dump.u64(head)
    kallsyms = dump.member("module", "kallsyms") - node
    while at != head:
        # While a module is being set up this is not its core_kallsyms.
        module_write(dump, module_u64(dump, at + kallsyms) + 8, struct.pack("<I", 0xFFFFFFFF))
        at = module_u64(dump, at)
    dump.save(path)


@case(EITHER, ("log",))
@with_symbols
def cpu_count_absurd(dump, path):
    put(dump, "nr_cpu_ids", "<I", 0xFFFFFFFF)
    put(dump, "__cpu_online_mask", "64s", b"\xff" * 64)
    dump.save(path)


@case(EITHER, ("log",))
@with_symbols
def per_cpu_offsets_noise(dump, path):
    put(dump, "__per_cpu_offset", "64s", random.Random(19).randbytes(64))
    dump.save(path)


@case(EITHER, ("log",))
@with_symbols
def host_name_hostile(dump, path):
    where = dump.read(dump.symbols["init_uts_ns"], 512).index(b"kdt-guest\0")
    dump.write(dump.symbols["init_uts_ns"] + where, b'../../"<b>\x1b[1m\n\xff'.ljust(65, b"\0"))
    dump.save(path)


# Addresses of modules are in the vmalloc area, which needs the page tables.


def walk(dump, address):
    """Physical address through the page tables (4 levels)."""
    entry = dump.physical(dump.symbols["init_top_pgt"])
    for shift in (39, 30, 21, 12):
        at = (entry & 0x000FFFFFFFFFF000) + (address >> shift & 511) * 8
        page = dump.page(at // PAGE)
        entry = struct.unpack_from("<Q", page, at % PAGE)[0]
        if not entry & 1:
            raise ValueError("%#x is not mapped" % address)
        if shift in (30, 21) and entry & 0x80:
            return (entry & 0x000FFFFFFFFFF000 & ~((1 << shift) - 1)) + (address & (1 << shift) - 1)
    return (entry & 0x000FFFFFFFFFF000) + address % PAGE


def module_u64(dump, address):
    return dump.u64(walk(dump, address) + dump.page_offset)


def module_write(dump, address, data):
    dump.write(walk(dump, address) + dump.page_offset, data)
