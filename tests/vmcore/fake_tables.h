/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Tables of a kernel made by hand: BTF (Documentation/bpf/btf.rst), kallsyms
 * (scripts/kallsyms.c), the printk ring buffer (kernel/printk/printk_ringbuffer.h), ORC.
 */
#ifndef EYRIE_TESTS_VMCORE_FAKE_TABLES_H
#define EYRIE_TESTS_VMCORE_FAKE_TABLES_H

#include "fake_dump.h"

/** Kinds of include/uapi/linux/btf.h. */
enum {
	BTF_INT = 1,
	BTF_PTR = 2,
	BTF_ARRAY = 3,
	BTF_STRUCT = 4,
	BTF_UNION = 5,
	BTF_ENUM = 6,
	BTF_FWD = 7,
	BTF_TYPEDEF = 8,
	BTF_VOLATILE = 9,
	BTF_CONST = 10,
	BTF_FLOAT = 16,
	BTF_TYPE_TAG = 18,
	BTF_ENUM64 = 19,
	/** With this bit the offsets of a struct's members hold sizes of bit fields as well. */
	BTF_KIND_FLAG = 1 << 7,
};

struct fake_btf {
	struct ey_buf types, strings;
	/** Id of the type added last; 0 is void. */
	uint32_t last;
};

struct fake_member {
	/** NULL: anonymous. */
	const char *name;
	uint32_t type, bit_offset, bit_size;
};

struct fake_enumerator {
	const char *name;
	int64_t value;
};

void fake_btf_init(struct fake_btf *b);
/** Any type; what follows struct btf_type is added by fake_btf_word(). Returns its id. */
uint32_t fake_btf_type(struct fake_btf *b, unsigned int kind, const char *name, uint32_t vlen,
		       uint32_t size_or_type);
void fake_btf_word(struct fake_btf *b, uint32_t word);
uint32_t fake_btf_int(struct fake_btf *b, const char *name, uint32_t size);
uint32_t fake_btf_array(struct fake_btf *b, uint32_t type, uint32_t count);
/** @p kind: BTF_STRUCT or BTF_UNION. */
uint32_t fake_btf_struct(struct fake_btf *b, unsigned int kind, const char *name, uint32_t size,
			 const struct fake_member *members, size_t count);
/** @p kind: BTF_ENUM or BTF_ENUM64. */
uint32_t fake_btf_enum(struct fake_btf *b, unsigned int kind, const char *name,
		       const struct fake_enumerator *values, size_t count);
/** Header, types and strings; @p b is empty afterwards. */
void fake_btf_finish(struct fake_btf *b, struct ey_buf *ret);

struct fake_symbol {
	uint64_t address;
	/** With its type before it: "Tschedule". */
	const char *name;
};

/** The parts of kallsyms. */
struct fake_kallsyms {
	struct ey_buf names, offsets, token_table, token_index;
	uint64_t relative_base;
	uint32_t count;
	/** The kernel has no kallsyms_relative_base (7.x). */
	bool no_base;
};

/**
 * Symbols sorted by address. @p absolute_percpu: offsets are negative for all but absolute
 * addresses, as until 6.15; else plain offsets from the base.
 */
void fake_kallsyms_make(struct fake_kallsyms *k, const struct fake_symbol *symbols, size_t count,
			uint64_t relative_base, bool absolute_percpu);
/** Where fake_kallsyms_put() puts the part of this name. */
uint64_t fake_kallsyms_part(const char *name);
/** Put them into the dump's memory, and where they are into its VMCOREINFO; frees @p k. */
void fake_kallsyms_put(struct fake_kallsyms *k, struct fake_dump *f);

/** How an image has them, one part behind the other, aligned to 8 bytes where nothing else is said.
 */
enum fake_kallsyms_order {
	/** The offsets first. */
	FAKE_KALLSYMS_BEFORE_6_4,
	/** The offsets last. */
	FAKE_KALLSYMS_SINCE_6_4,
	/** The same, with offsets from their own place and no base. */
	FAKE_KALLSYMS_7,
	/** Addresses first, and markers of 8 bytes. */
	FAKE_KALLSYMS_BEFORE_4_6,
	/** seqs_of_names behind the markers. */
	FAKE_KALLSYMS_6_2,
	/** As FAKE_KALLSYMS_7, aligned to 4 bytes. */
	FAKE_KALLSYMS_7_2,
};
/**
 * Put them into the dump's memory from @p at on, and say nothing of them in its VMCOREINFO; frees
 * @p k. @p symbols are those that it was made of.
 */
void fake_kallsyms_put_image(struct fake_kallsyms *k, const struct fake_symbol *symbols,
			     struct fake_dump *f, uint64_t at, enum fake_kallsyms_order order);

/** Where fake_kallsyms_put() puts them. */
enum { FAKE_KALLSYMS_PART = 0x100000 };
#define FAKE_KALLSYMS (FAKE_IMAGE + 0x800000)

/** The printk ring buffer. */
struct fake_ring {
	unsigned int count_bits, size_bits;
	uint64_t head_id, tail_id;
	/** Position in the text buffer, which only grows; the place is the position modulo size. */
	uint64_t lpos;
	uint8_t *descs, *infos, *text;
};

enum {
	FAKE_RING_DESC_SIZE = 24,
	FAKE_RING_INFO_SIZE = 88,
};
#define FAKE_RING FAKE_VMALLOC

void fake_ring_init(struct fake_ring *r, unsigned int count_bits, unsigned int size_bits);
/** Add a record as the kernel does, wrapping where the buffer ends. @p state: 1 committed, 2
 *  finalized, 3 reusable. Returns its id. */
uint64_t fake_ring_add(struct fake_ring *r, uint64_t ts_nsec, const char *text, unsigned int state);
/** The bytes of a record's descriptor: state (8), begin (8), next (8). */
uint8_t *fake_ring_desc(struct fake_ring *r, uint64_t id);
/** The bytes of its info: seq (8), ts_nsec (8), text_len (2). */
uint8_t *fake_ring_info(struct fake_ring *r, uint64_t id);
/** Put it into the dump; the pointer `prb` to it lies at FAKE_IMAGE + 0x2000. Frees @p r. */
void fake_ring_put(struct fake_ring *r, struct fake_dump *f);
/** Only what VMCOREINFO says of it, and `prb` with this head and tail. */
void fake_ring_describe(struct fake_dump *f, unsigned int count_bits, unsigned int size_bits,
			uint64_t head_id, uint64_t tail_id);

#endif
