/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lockless ring buffer of 5.10 and later: Documentation/admin-guide/kdump/vmcoreinfo.rst and
 * scripts/gdb/linux/dmesg.py show how to read it from outside.
 */
#include "vmcore/printk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/printk_log.h"
#include "vmcore/vmcoreinfo.h"

enum {
	// CONFIG_LOG_BUF_SHIFT is at most 25; log_buf_len= may ask for more.
	MAX_SIZE_BITS = 31,
	MAX_COUNT_BITS = 26,
	// DESC_FLAGS_SHIFT is 62: the two upper bits of a descriptor's state; 1 committed, 2
	// finalized.
	STATE_SHIFT = 62,
	STATE_COMMITTED = 1,
	STATE_FINALIZED = 2,
};
#define ID_MASK ((1ULL << STATE_SHIFT) - 1)

struct ring {
	/** Offsets of members, by VMCOREINFO. */
	uint64_t desc_state, desc_begin, desc_next, desc_size;
	uint64_t info_seq, info_ts, info_text_len, info_size;
	uint64_t count, text_size, head_id, tail_id;
	struct range descs, infos, text;
};

struct ring_offsets {
	uint64_t desc_ring, text_ring;
	uint64_t count_bits, descs, infos, head_id, tail_id;
	uint64_t size_bits, data;
};

/**
 * Where a member is: by VMCOREINFO, which names it as kernel/printk/printk.c does in
 * log_buf_vmcoreinfo_setup(); where the kernel died before it had written that, by its types.
 */
static bool get_offset(struct kernel *k, const char *name, enum kernel_member member, uint64_t *ret)
{
	const struct btf_member *m;

	if (vmcoreinfo_offset(k->dump.vmcoreinfo, name, ret))
		return true;
	m = k->dump.vmcoreinfo_made ? kernel_member(k, member) : NULL;
	if (m)
		*ret = m->bit_offset / 8;
	return m != NULL;
}

static bool get_size(struct kernel *k, const char *type, uint64_t *ret)
{
	uint32_t size;

	if (vmcoreinfo_size(k->dump.vmcoreinfo, type, ret))
		return true;
	if (!k->dump.vmcoreinfo_made || !k->have_btf || !btf_sizeof(&k->btf, type, &size))
		return false;
	*ret = size;
	return true;
}

static bool read_offsets(struct kernel *k, struct ring *r, struct ring_offsets *o)
{
	uint64_t state_var = 0, begin = 0, next = 0, blk = 0, counter = 0;
	const struct {
		const char *name;
		enum kernel_member member;
		uint64_t *ret;
	} offsets[] = {
		{"printk_ringbuffer.desc_ring", MEM_PRB_DESC_RING, &o->desc_ring},
		{"printk_ringbuffer.text_data_ring", MEM_PRB_TEXT_RING, &o->text_ring},
		{"prb_desc_ring.count_bits", MEM_DESC_RING_COUNT_BITS, &o->count_bits},
		{"prb_desc_ring.descs", MEM_DESC_RING_DESCS, &o->descs},
		{"prb_desc_ring.infos", MEM_DESC_RING_INFOS, &o->infos},
		{"prb_desc_ring.head_id", MEM_DESC_RING_HEAD_ID, &o->head_id},
		{"prb_desc_ring.tail_id", MEM_DESC_RING_TAIL_ID, &o->tail_id},
		{"prb_desc.state_var", MEM_PRB_DESC_STATE_VAR, &state_var},
		{"prb_desc.text_blk_lpos", MEM_PRB_DESC_LPOS, &blk},
		{"prb_data_blk_lpos.begin", MEM_LPOS_BEGIN, &begin},
		{"prb_data_blk_lpos.next", MEM_LPOS_NEXT, &next},
		{"printk_info.seq", MEM_PRINTK_INFO_SEQ, &r->info_seq},
		{"printk_info.ts_nsec", MEM_PRINTK_INFO_TS, &r->info_ts},
		{"printk_info.text_len", MEM_PRINTK_INFO_TEXT_LEN, &r->info_text_len},
		{"prb_data_ring.size_bits", MEM_DATA_RING_SIZE_BITS, &o->size_bits},
		{"prb_data_ring.data", MEM_DATA_RING_DATA, &o->data},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(offsets); i++) {
		if (!get_offset(k, offsets[i].name, offsets[i].member, offsets[i].ret))
			return false;
	}
	if (!get_size(k, "prb_desc", &r->desc_size) || !get_size(k, "printk_info", &r->info_size))
		return false;
	vmcoreinfo_offset(k->dump.vmcoreinfo, "atomic_long_t.counter", &counter);
	r->desc_state = state_var + counter;
	r->desc_begin = blk + begin;
	r->desc_next = blk + next;
	o->head_id += counter;
	o->tail_id += counter;
	return r->desc_size >= 24 && r->desc_size <= 256 && r->info_size >= 16 &&
	       r->info_size <= 1024 && r->desc_state <= r->desc_size - 8 &&
	       r->desc_begin <= r->desc_size - 8 && r->desc_next <= r->desc_size - 8 &&
	       r->info_seq <= r->info_size - 8 && r->info_ts <= r->info_size - 8 &&
	       r->info_text_len <= r->info_size - 2;
}

static struct ey_error *open_ring(struct kernel *k, struct ring *r)
{
	struct memory *m = &k->memory;
	uint64_t at, prb, descs, infos, data;
	uint32_t count_bits, size_bits;
	struct ring_offsets o;

	if (!kernel_symbol(k, SYM_prb, &at))
		return ey_error_create(EY_ERR_INPUT,
				       "neither prb nor log_buf is there: the log is not read");
	if (!read_offsets(k, r, &o))
		return ey_error_create(
			EY_ERR_INPUT, "VMCOREINFO does not describe the log buffer, or is damaged");
	if (!memory_u64(m, at, &prb) ||
	    !memory_u32(m, prb + o.desc_ring + o.count_bits, &count_bits) ||
	    !memory_u64(m, prb + o.desc_ring + o.descs, &descs) ||
	    !memory_u64(m, prb + o.desc_ring + o.infos, &infos) ||
	    !memory_u64(m, prb + o.desc_ring + o.head_id, &r->head_id) ||
	    !memory_u64(m, prb + o.desc_ring + o.tail_id, &r->tail_id) ||
	    !memory_u32(m, prb + o.text_ring + o.size_bits, &size_bits) ||
	    !memory_u64(m, prb + o.text_ring + o.data, &data))
		return ey_error_create(EY_ERR_FAULT, "the log buffer is not in the dump");
	if (count_bits > MAX_COUNT_BITS || size_bits > MAX_SIZE_BITS)
		return ey_error_create(EY_ERR_INPUT, "the log buffer's sizes are damaged");
	r->count = 1ULL << count_bits;
	r->text_size = 1ULL << size_bits;
	struct ey_error *err = range_init(&r->descs, m, descs, r->count * r->desc_size);
	if (!err)
		err = range_init(&r->infos, m, infos, r->count * r->info_size);
	if (!err)
		err = range_init(&r->text, m, data, r->text_size);
	return err;
}

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

// The text of a record (get_data() of printk_ringbuffer.c); false where it is lost.
static bool record_text(struct ring *r, const uint8_t *desc, size_t len, const char **ret)
{
	uint64_t begin = u64_at(desc + r->desc_begin), next = u64_at(desc + r->desc_next);
	uint64_t mask = r->text_size - 1;
	uint64_t at, end;

	// The lowest bit marks a block without data.
	if (begin & 1 || next & 1) {
		*ret = "";
		return !len;
	}
	if ((begin & ~mask) == (next & ~mask) && begin < next)
		at = begin & mask, end = at + (next - begin);
	else if ((begin & ~mask) + r->text_size == (next & ~mask))
		at = 0, end = next & mask; // a wrapped block lies whole at the start of the buffer
	else
		return false;
	// Each block begins with the id of its descriptor; what is longer is another record's.
	if (end - at < sizeof(uint64_t) + len)
		return false;
	*ret = range_get(&r->text, at + sizeof(uint64_t), len);
	return *ret != NULL;
}

// "[%5lu.%06lu] " before the first line; the others are indented by as much (crash's log).
void printk_add_lines(struct ey_buf *out, uint64_t ts_nsec, const char *text, size_t len)
{
	size_t before = out->len;

	ey_buf_printf(out, "[%5" PRIu64 ".%06" PRIu64 "] ", ts_nsec / 1000000000,
		      ts_nsec % 1000000000 / 1000);
	size_t indent = out->len - before;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n') {
			ey_buf_printf(out, "\n%*s", (int)indent, "");
		} else if ((c >= 0x20 && c < 0x7f) || c == '\t' || c >= 0x80) {
			ey_buf_addc(out, (char)c);
		} else {
			ey_buf_addc(out, '.');
		}
	}
	ey_buf_addc(out, '\n');
}

static void read_records(struct kernel *k, struct ring *r, struct ey_buf *out)
{
	uint64_t span = ((r->head_id - r->tail_id) & ID_MASK) + 1;
	uint64_t lost = 0;

	for (uint64_t n = 0; n < EY_MIN(span, r->count); n++) {
		uint64_t id = (r->tail_id + n) & ID_MASK;
		uint64_t place = id & (r->count - 1);
		const uint8_t *desc = range_get(&r->descs, place * r->desc_size, r->desc_size);
		const uint8_t *info = range_get(&r->infos, place * r->info_size, r->info_size);
		const char *text;
		uint16_t len;

		if (!desc || !info) {
			lost++;
			continue;
		}
		uint64_t state = u64_at(desc + r->desc_state);
		if ((state & ID_MASK) != id || (state >> STATE_SHIFT != STATE_COMMITTED &&
						state >> STATE_SHIFT != STATE_FINALIZED))
			continue;
		memcpy(&len, info + r->info_text_len, sizeof(len));
		if (!record_text(r, desc, len, &text)) {
			lost++;
			continue;
		}
		printk_add_lines(out, u64_at(info + r->info_ts), text, len);
	}
	if (lost)
		kernel_gap(k, "log", "%" PRIu64 " records of the log are not in the dump", lost);
}

struct ey_error *printk_read(struct kernel *k, struct ey_buf *ret)
{
	struct ring r = {0};
	uint64_t prb;

	if (!kernel_symbol(k, SYM_prb, &prb) && printk_log_is_there(k))
		return printk_log_read(k, ret);
	struct ey_error *err = open_ring(k, &r);

	if (!err)
		read_records(k, &r, ret);
	range_deinit(&r.descs);
	range_deinit(&r.infos);
	range_deinit(&r.text);
	return err ? err : ey_buf_error(ret);
}
