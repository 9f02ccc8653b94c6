/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/orc.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/kernel.h"
#include "vmcore/module.h"

enum {
	// struct orc_entry is packed: 2 + 2 + 2 bytes in every kernel that has it.
	ENTRY_SIZE = 6,
	// LOOKUP_BLOCK_SIZE (arch/x86/include/asm/orc_lookup.h).
	LOOKUP_BLOCK = 256,
	MAX_ENTRIES = 16 << 20,
	// FTRACE_OPS_FL_SAVE_REGS (include/linux/ftrace.h).
	FTRACE_SAVE_REGS = 1 << 2,
	MAX_FTRACE_OPS = 1024,
};

struct orc {
	struct range ips, entries, lookup;
	uint32_t count;
	uint32_t lookup_count;
	uint64_t lookup_start;
	/** Layout of the bit fields, from BTF. */
	struct btf_member sp_reg, bp_reg, type, signal, end;
	bool has_signal, has_end;
	/** Types numbered as before 6.4: call, regs, partial regs. */
	bool old_types;
	/** What each number of a register means: MAX_REGS of them. */
	const enum orc_reg *registers;
};

enum { MAX_REGS = 16 };

// ORC_REG_* (arch/x86/include/asm/orc_types.h).
static const enum orc_reg old_registers[MAX_REGS] = {
	ORC_REG_UNDEFINED, ORC_REG_PREV_SP, ORC_REG_DX,	 ORC_REG_DI,	      ORC_REG_BP,
	ORC_REG_SP,	   ORC_REG_R10,	    ORC_REG_R13, ORC_REG_BP_INDIRECT, ORC_REG_SP_INDIRECT};
// As numbered anew in 7.x, with AX.
static const enum orc_reg new_registers[MAX_REGS] = {
	ORC_REG_UNDEFINED, ORC_REG_AX,		ORC_REG_DX,	    ORC_REG_SP,
	ORC_REG_BP,	   ORC_REG_DI,		ORC_REG_R10,	    ORC_REG_R13,
	ORC_REG_PREV_SP,   ORC_REG_SP_INDIRECT, ORC_REG_BP_INDIRECT};

// Whether the bit field lies behind the two offsets, within the entry.
static bool is_field(const struct btf_member *m)
{
	return m->bit_offset >= 32 && m->bit_offset < ENTRY_SIZE * 8 &&
	       m->bit_size <= ENTRY_SIZE * 8 - m->bit_offset;
}

static uint32_t field(const uint8_t *raw, const struct btf_member *m)
{
	uint64_t bits = 0;

	memcpy(&bits, raw, ENTRY_SIZE);
	return (uint32_t)(bits >> m->bit_offset & ((1ULL << (m->bit_size ? m->bit_size : 1)) - 1));
}

/**
 * Without types the entries tell their layout (orc_types.h):
 *
 *     until 6.2  sp_reg:4 bp_reg:4 type:2 end:1
 *     6.3        sp_reg:4 bp_reg:4 type:2 signal:1 end:1
 *     since 6.4  sp_reg:4 bp_reg:4 type:3 signal:1
 *
 * Most entries are of calls, type 0 at first and 2 since 6.4; those of exceptions are signals.
 */
static void guess_layout(struct orc *o)
{
	static const struct btf_member two = {.bit_offset = 40, .bit_size = 2},
				       three = {.bit_offset = 40, .bit_size = 3},
				       bit_42 = {.bit_offset = 42, .bit_size = 1},
				       bit_43 = {.bit_offset = 43, .bit_size = 1};
	uint32_t calls_by_two = 0, calls_by_three = 0, signals = 0;

	o->sp_reg = (struct btf_member){.bit_offset = 32, .bit_size = 4};
	o->bp_reg = (struct btf_member){.bit_offset = 36, .bit_size = 4};
	for (uint32_t i = 0; i < o->count; i++) {
		const uint8_t *raw = range_get(&o->entries, (uint64_t)i * ENTRY_SIZE, ENTRY_SIZE);

		if (!raw || !field(raw, &o->sp_reg))
			continue;
		calls_by_two += !field(raw, &three);
		calls_by_three += field(raw, &three) == 2;
		signals += field(raw, &two) && field(raw, &bit_42);
	}
	o->old_types = calls_by_two >= calls_by_three;
	o->type = o->old_types ? two : three;
	o->has_signal = !o->old_types || signals;
	o->signal = o->old_types ? bit_42 : bit_43;
	o->has_end = o->old_types;
	o->end = o->has_signal ? bit_43 : bit_42;
}

static struct ey_error *read_layout(struct kernel *k, struct orc *o)
{
	const struct btf_member *sp_offset = kernel_member(k, MEM_ORC_SP_OFFSET);
	const struct btf_member *bp_offset = kernel_member(k, MEM_ORC_BP_OFFSET);
	const struct btf_member *sp_reg = kernel_member(k, MEM_ORC_SP_REG);
	const struct btf_member *bp_reg = kernel_member(k, MEM_ORC_BP_REG);
	const struct btf_member *type = kernel_member(k, MEM_ORC_TYPE);
	const struct btf_member *signal = kernel_member(k, MEM_ORC_SIGNAL);
	const struct btf_member *end = kernel_member(k, MEM_ORC_END);

	if (!sp_offset || !bp_offset || !sp_reg || !bp_reg || !type) {
		guess_layout(o);
		return NULL;
	}
	if (sp_offset->bit_offset || bp_offset->bit_offset != 16 || !sp_reg->bit_size ||
	    sp_reg->bit_size > 4 || bp_reg->bit_size > 4 || !is_field(sp_reg) ||
	    !is_field(bp_reg) || !is_field(type))
		return ey_error_create(EY_ERR_INPUT, "struct orc_entry has an unknown layout");
	o->sp_reg = *sp_reg;
	o->bp_reg = *bp_reg;
	o->type = *type;
	// Two bits before 6.4, three since.
	o->old_types = type->bit_size == 2;
	if (signal && is_field(signal)) {
		o->has_signal = true;
		o->signal = *signal;
	}
	if (end && is_field(end)) {
		o->has_end = true;
		o->end = *end;
	}
	return NULL;
}

// The registers were numbered anew in 7.x, which no type tells. Most frames are found from the
// stack pointer, 5 at first and 3 since; what else the two numbers stand for (DI) hardly occurs.
static void settle_registers(struct orc *o)
{
	enum { SAMPLES = 2048, OLD_SP = 5, NEW_SP = 3 };
	uint32_t seen[MAX_REGS] = {0};

	for (uint32_t i = 0; i < EY_MIN(o->count, (uint32_t)SAMPLES); i++) {
		const uint8_t *raw = range_get(&o->entries, (uint64_t)i * ENTRY_SIZE, ENTRY_SIZE);

		if (raw)
			seen[field(raw, &o->sp_reg) % MAX_REGS]++;
	}
	o->registers = seen[NEW_SP] > seen[OLD_SP] ? new_registers : old_registers;
}

static struct ey_error *open_tables(struct kernel *k, struct orc *o)
{
	uint64_t ips, ips_end, entries, entries_end, lookup, lookup_end;

	if (!kernel_symbol(k, SYM___start_orc_unwind_ip, &ips) ||
	    !kernel_symbol(k, SYM___stop_orc_unwind_ip, &ips_end) ||
	    !kernel_symbol(k, SYM___start_orc_unwind, &entries) ||
	    !kernel_symbol(k, SYM___stop_orc_unwind, &entries_end))
		return ey_error_create(
			EY_ERR_INPUT, k->have_kallsyms
					      ? "the kernel has no ORC tables (CONFIG_UNWINDER_ORC)"
					      : "without symbols the ORC tables cannot be found");
	uint64_t count = (ips_end - ips) / sizeof(int32_t);
	if (ips_end <= ips || entries_end <= entries || count > MAX_ENTRIES ||
	    (entries_end - entries) / ENTRY_SIZE < count)
		return ey_error_create(EY_ERR_INPUT, "the ORC tables' bounds are damaged");
	o->count = (uint32_t)count;
	struct ey_error *err = range_init(&o->ips, &k->memory, ips, count * sizeof(int32_t));
	if (!err)
		err = range_init(&o->entries, &k->memory, entries, count * ENTRY_SIZE);
	if (!err)
		err = read_layout(k, o);
	if (err)
		return err;
	settle_registers(o);
	// The fast table only narrows the search; without it the search is longer.
	if (kernel_symbol(k, SYM_orc_lookup, &lookup) &&
	    kernel_symbol(k, SYM_orc_lookup_end, &lookup_end) &&
	    kernel_symbol(k, SYM__stext, &o->lookup_start) && lookup_end > lookup) {
		_cleanup_error_ struct ey_error *ignored =
			range_init(&o->lookup, &k->memory, lookup, lookup_end - lookup);
		if (!ignored)
			o->lookup_count = (uint32_t)((lookup_end - lookup) / 4);
	}
	return NULL;
}

struct ey_error *orc_create(struct kernel *k, struct orc **ret)
{
	struct orc *o = calloc(1, sizeof(*o));

	*ret = NULL;
	if (!o)
		return &ey_error_nomem;
	struct ey_error *err = open_tables(k, o);
	if (err) {
		orc_destroy(o);
		return err;
	}
	*ret = o;
	return NULL;
}

void orc_destroy(struct orc *o)
{
	if (!o)
		return;
	range_deinit(&o->ips);
	range_deinit(&o->entries);
	range_deinit(&o->lookup);
	free(o);
}

bool orc_is_replaced_by_frame_pointers(struct kernel *k)
{
	static const enum kernel_symbol functions[] = {SYM_machine_kexec, SYM___crash_kexec,
						       SYM_crash_nmi_callback};
	static const uint8_t prologue[] = {0x55, 0x48, 0x89, 0xe5};
	// Before it may be endbr64 and the call of __fentry__.
	uint8_t code[16];
	size_t with = 0;
	uint64_t at;

	if (kernel_symbol(k, SYM___start_orc_unwind, &at))
		return false;
	for (size_t i = 0; i < EY_ARRAY_SIZE(functions); i++) {
		if (!kernel_symbol(k, functions[i], &at))
			continue;
		_cleanup_error_ struct ey_error *err =
			memory_read(&k->memory, at, code, sizeof(code));
		with += !err && memmem(code, sizeof(code), prologue, sizeof(prologue));
	}
	return with >= 2;
}

// Each entry of the address table is relative to its own place.
static bool ip_at(struct range *ips, uint32_t i, uint64_t *ret)
{
	const void *p = range_get(ips, (uint64_t)i * 4, 4);
	int32_t relative;

	if (!p)
		return false;
	memcpy(&relative, p, 4);
	*ret = ips->base + (uint64_t)i * 4 + (uint64_t)(int64_t)relative;
	return true;
}

// Index of the last entry in [lo, hi) at or below ip (__orc_find()).
static bool search(struct range *ips, uint32_t lo, uint32_t hi, uint64_t ip, uint32_t *ret)
{
	uint32_t first = lo;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		uint64_t at;

		if (!ip_at(ips, mid, &at))
			return false;
		if (at <= ip)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == first)
		return false;
	*ret = lo - 1;
	return true;
}

static bool decode(const struct orc *o, struct range *entries, uint32_t i, struct orc_entry *ret)
{
	static const enum orc_type old_types[] = {ORC_TYPE_CALL, ORC_TYPE_REGS,
						  ORC_TYPE_REGS_PARTIAL, ORC_TYPE_UNDEFINED};
	const uint8_t *raw = range_get(entries, (uint64_t)i * ENTRY_SIZE, ENTRY_SIZE);

	if (!raw)
		return false;
	memcpy(&ret->sp_offset, raw, 2);
	memcpy(&ret->bp_offset, raw + 2, 2);
	ret->sp_reg = o->registers[field(raw, &o->sp_reg) % MAX_REGS];
	ret->bp_reg = o->registers[field(raw, &o->bp_reg) % MAX_REGS];
	uint32_t type = field(raw, &o->type);
	if (!o->old_types)
		ret->type = type <= ORC_TYPE_REGS_PARTIAL ? type : ORC_TYPE_UNDEFINED;
	else if (ret->sp_reg == ORC_REG_UNDEFINED)
		ret->type = o->has_end && field(raw, &o->end) ? ORC_TYPE_END_OF_STACK
							      : ORC_TYPE_UNDEFINED;
	else
		ret->type = old_types[type & 3];
	// Before 6.3 (commit ffb1b4a41016) the type alone told.
	ret->signal = o->has_signal
			      ? field(raw, &o->signal)
			      : ret->type == ORC_TYPE_REGS || ret->type == ORC_TYPE_REGS_PARTIAL;
	return true;
}

static bool find_in_module(struct kernel *k, struct module *m, uint64_t ip, struct orc_entry *ret)
{
	uint32_t i;

	if (!m->orc_opened) {
		m->orc_opened = true;
		if (!m->orc_count || m->orc_count > MAX_ENTRIES)
			m->orc_count = 0;
		_cleanup_error_ struct ey_error *err = range_init(
			&m->orc_ip_range, &k->memory, m->orc_ips, (uint64_t)m->orc_count * 4);
		if (!err)
			err = range_init(&m->orc_range, &k->memory, m->orc_entries,
					 (uint64_t)m->orc_count * ENTRY_SIZE);
		if (err)
			m->orc_count = 0;
	}
	return m->orc_count && search(&m->orc_ip_range, 0, m->orc_count, ip, &i) &&
	       decode(k->orc, &m->orc_range, i, ret);
}

static bool find_in_kernel(struct kernel *k, uint64_t ip, struct orc_entry *ret)
{
	struct orc *o = k->orc;
	uint32_t lo = 0, hi = o->count, i;

	if (ip >= o->lookup_start) {
		uint64_t block = (ip - o->lookup_start) / LOOKUP_BLOCK;
		const void *at =
			block + 1 < o->lookup_count ? range_get(&o->lookup, block * 4, 8) : NULL;
		uint32_t bounds[2] = {1, 0};

		if (at)
			memcpy(bounds, at, sizeof(bounds));
		if (bounds[0] <= bounds[1] && bounds[1] < o->count) {
			lo = bounds[0];
			hi = bounds[1] + 1;
		}
	}
	return search(&o->ips, lo, hi, ip, &i) && decode(o, &o->entries, i, ret);
}

// A trampoline is a copy of ftrace_caller or ftrace_regs_caller (orc_ftrace_find()).
static bool trampoline_origin(struct kernel *k, uint64_t ip, uint64_t *ret)
{
	uint64_t list, ops;

	if (!kernel_symbol(k, SYM_ftrace_ops_list, &list) || !memory_u64(&k->memory, list, &ops))
		return false;
	for (int i = 0; ops && i < MAX_FTRACE_OPS; i++) {
		uint64_t start, size, flags, origin;

		if (!kernel_read(k, ops, MEM_FTRACE_OPS_TRAMPOLINE, &start) ||
		    !kernel_read(k, ops, MEM_FTRACE_OPS_TRAMPOLINE_SIZE, &size))
			return false;
		if (start && ip - start < size) {
			if (!kernel_read(k, ops, MEM_FTRACE_OPS_FLAGS, &flags) ||
			    !kernel_symbol(k,
					   flags & FTRACE_SAVE_REGS ? SYM_ftrace_regs_caller
								    : SYM_ftrace_caller,
					   &origin))
				return false;
			*ret = origin + (ip - start);
			return true;
		}
		if (!kernel_read(k, ops, MEM_FTRACE_OPS_NEXT, &ops))
			return false;
	}
	return false;
}

bool orc_is_trampoline(struct kernel *k, uint64_t ip)
{
	uint64_t origin;

	return trampoline_origin(k, ip, &origin);
}

bool orc_find(struct kernel *k, uint64_t ip, struct orc_entry *ret)
{
	struct module *m = module_of_text(k, ip);
	uint64_t origin;

	if (!k->orc)
		return false;
	if (m)
		return find_in_module(k, m, ip, ret);
	if (kernel_is_text(k, ip))
		return find_in_kernel(k, ip, ret);
	return trampoline_origin(k, ip, &origin) && kernel_is_text(k, origin) &&
	       find_in_kernel(k, origin, ret);
}
