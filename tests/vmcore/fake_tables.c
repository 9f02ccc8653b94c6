// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_tables.h"

#include <stdlib.h>
#include <string.h>

void fake_btf_init(struct fake_btf *b)
{
	*b = (struct fake_btf){0};
	ey_buf_addc(&b->strings, '\0');
}

static uint32_t string(struct fake_btf *b, const char *s)
{
	uint32_t at = (uint32_t)b->strings.len;

	if (!s || !*s)
		return 0;
	ey_buf_add(&b->strings, s, strlen(s) + 1);
	return at;
}

void fake_btf_word(struct fake_btf *b, uint32_t word)
{
	ey_buf_add(&b->types, &word, sizeof(word));
}

uint32_t fake_btf_type(struct fake_btf *b, unsigned int kind, const char *name, uint32_t vlen,
		       uint32_t size_or_type)
{
	fake_btf_word(b, string(b, name));
	fake_btf_word(b, kind << 24 | vlen);
	fake_btf_word(b, size_or_type);
	return ++b->last;
}

uint32_t fake_btf_int(struct fake_btf *b, const char *name, uint32_t size)
{
	uint32_t id = fake_btf_type(b, BTF_INT, name, 0, size);

	fake_btf_word(b, size * 8);
	return id;
}

uint32_t fake_btf_array(struct fake_btf *b, uint32_t type, uint32_t count)
{
	uint32_t id = fake_btf_type(b, BTF_ARRAY, NULL, 0, 0);

	fake_btf_word(b, type);
	fake_btf_word(b, type); // of the index
	fake_btf_word(b, count);
	return id;
}

uint32_t fake_btf_struct(struct fake_btf *b, unsigned int kind, const char *name, uint32_t size,
			 const struct fake_member *members, size_t count)
{
	bool bit_fields = false;

	for (size_t i = 0; i < count; i++)
		bit_fields |= members[i].bit_size != 0;
	uint32_t id = fake_btf_type(b, kind | (bit_fields ? BTF_KIND_FLAG : 0), name,
				    (uint32_t)count, size);
	for (size_t i = 0; i < count; i++) {
		fake_btf_word(b, string(b, members[i].name));
		fake_btf_word(b, members[i].type);
		fake_btf_word(b, members[i].bit_size << 24 | members[i].bit_offset);
	}
	return id;
}

uint32_t fake_btf_enum(struct fake_btf *b, unsigned int kind, const char *name,
		       const struct fake_enumerator *values, size_t count)
{
	uint32_t id = fake_btf_type(b, kind, name, (uint32_t)count, kind == BTF_ENUM64 ? 8 : 4);

	for (size_t i = 0; i < count; i++) {
		fake_btf_word(b, string(b, values[i].name));
		fake_btf_word(b, (uint32_t)values[i].value);
		if (kind == BTF_ENUM64)
			fake_btf_word(b, (uint32_t)((uint64_t)values[i].value >> 32));
	}
	return id;
}

void fake_btf_finish(struct fake_btf *b, struct ey_buf *ret)
{
	struct {
		uint16_t magic;
		uint8_t version, flags;
		uint32_t hdr_len, type_off, type_len, str_off, str_len;
	} h = {0xeb9f,
	       1,
	       0,
	       24,
	       0,
	       (uint32_t)b->types.len,
	       (uint32_t)b->types.len,
	       (uint32_t)b->strings.len};

	ey_buf_add(ret, &h, sizeof(h));
	ey_buf_add(ret, b->types.data, b->types.len);
	ey_buf_add(ret, b->strings.data, b->strings.len);
	ey_buf_deinit(&b->types);
	ey_buf_deinit(&b->strings);
}

// Tokens of more than one character; each other code stands for the character of its number.
static const struct {
	uint8_t code;
	const char *text;
} tokens[] = {{1, "Tinit"}, {2, "_task"}, {3, "DT"}, {200, "schedule"}, {255, "xyz"}};

static const char *token_text(unsigned int code)
{
	static char one[2];

	for (size_t i = 0; i < EY_ARRAY_SIZE(tokens); i++) {
		if (tokens[i].code == code)
			return tokens[i].text;
	}
	one[0] = code < 0x80 ? (char)code : '\0';
	return one;
}

static void compress_name(const char *name, struct ey_buf *ret)
{
	while (*name) {
		unsigned char code = (unsigned char)*name;
		size_t len = 1;

		for (size_t i = 0; i < EY_ARRAY_SIZE(tokens); i++) {
			size_t n = strlen(tokens[i].text);

			if (n > len && !strncmp(name, tokens[i].text, n)) {
				code = tokens[i].code;
				len = n;
			}
		}
		ey_buf_addc(ret, (char)code);
		name += len;
	}
}

void fake_kallsyms_make(struct fake_kallsyms *k, const struct fake_symbol *symbols, size_t count,
			uint64_t relative_base, bool absolute_percpu)
{
	*k = (struct fake_kallsyms){.count = (uint32_t)count, .relative_base = relative_base};
	for (unsigned int code = 0; code < 256; code++) {
		const char *text = token_text(code);
		uint16_t at = (uint16_t)k->token_table.len;

		ey_buf_add(&k->token_index, &at, sizeof(at));
		ey_buf_add(&k->token_table, text, strlen(text) + 1);
	}
	// What is read behind the last token.
	for (int i = 0; i < 256; i++)
		ey_buf_addc(&k->token_table, '\0');
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct ey_buf codes = EY_BUF_INIT;
		int32_t offset = (int32_t)(symbols[i].address - relative_base);

		if (absolute_percpu) {
			offset = symbols[i].address < relative_base
					 ? (int32_t)symbols[i].address
					 : (int32_t)(relative_base - 1 - symbols[i].address);
		}
		ey_buf_add(&k->offsets, &offset, sizeof(offset));
		compress_name(symbols[i].name, &codes);
		// A length of 128 or more takes two bytes.
		if (codes.len >= 0x80) {
			ey_buf_addc(&k->names, (char)((codes.len & 0x7f) | 0x80));
			ey_buf_addc(&k->names, (char)(codes.len >> 7));
		} else {
			ey_buf_addc(&k->names, (char)codes.len);
		}
		ey_buf_add(&k->names, codes.data, codes.len);
	}
}

static const char *const part_names[] = {"kallsyms_num_syms",	 "kallsyms_relative_base",
					 "kallsyms_token_index", "kallsyms_token_table",
					 "kallsyms_offsets",	 "kallsyms_names"};

uint64_t fake_kallsyms_part(const char *name)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(part_names); i++) {
		if (!strcmp(part_names[i], name))
			return FAKE_KALLSYMS + i * FAKE_KALLSYMS_PART;
	}
	abort();
}

void fake_kallsyms_put(struct fake_kallsyms *k, struct fake_dump *f)
{
	const struct {
		const char *name;
		const void *data;
		size_t len;
	} parts[] = {
		{"kallsyms_num_syms", &k->count, sizeof(k->count)},
		{"kallsyms_relative_base", &k->relative_base, sizeof(k->relative_base)},
		{"kallsyms_token_index", k->token_index.data, k->token_index.len},
		{"kallsyms_token_table", k->token_table.data, k->token_table.len},
		{"kallsyms_offsets", k->offsets.data, k->offsets.len},
		{"kallsyms_names", k->names.data, k->names.len},
	};

	for (size_t i = 0; i < EY_ARRAY_SIZE(parts); i++) {
		uint64_t at = fake_kallsyms_part(parts[i].name);

		if (k->no_base && parts[i].data == &k->relative_base)
			continue;
		fake_dump_put(f, at, parts[i].data, parts[i].len);
		fake_dump_symbol(f, parts[i].name, at);
	}
	ey_buf_deinit(&k->names);
	ey_buf_deinit(&k->offsets);
	ey_buf_deinit(&k->token_table);
	ey_buf_deinit(&k->token_index);
}

static void align(struct ey_buf *b, enum fake_kallsyms_order order)
{
	while (b->len % (order == FAKE_KALLSYMS_7_2 ? 4 : 8))
		ey_buf_addc(b, '\0');
}

static void add_offsets(struct ey_buf *image, struct fake_kallsyms *k,
			const struct fake_symbol *symbols, uint64_t at,
			enum fake_kallsyms_order order)
{
	for (size_t i = 0; i < k->count; i++) {
		int32_t offset = (int32_t)(symbols[i].address - (at + image->len));

		if (order == FAKE_KALLSYMS_BEFORE_4_6)
			ey_buf_add(image, &symbols[i].address, 8);
		else if (order == FAKE_KALLSYMS_7 || order == FAKE_KALLSYMS_7_2)
			ey_buf_add(image, &offset, 4);
		else
			ey_buf_add(image, k->offsets.data + 4 * i, 4);
	}
	align(image, order);
	if (order == FAKE_KALLSYMS_BEFORE_6_4 || order == FAKE_KALLSYMS_6_2 ||
	    order == FAKE_KALLSYMS_SINCE_6_4)
		ey_buf_add(image, &k->relative_base, 8);
}

void fake_kallsyms_put_image(struct fake_kallsyms *k, const struct fake_symbol *symbols,
			     struct fake_dump *f, uint64_t at, enum fake_kallsyms_order order)
{
	_cleanup_buf_ struct ey_buf image = EY_BUF_INIT;
	const bool offsets_first = order == FAKE_KALLSYMS_BEFORE_6_4 ||
				   order == FAKE_KALLSYMS_BEFORE_4_6 || order == FAKE_KALLSYMS_6_2;
	const unsigned int marker_size = order == FAKE_KALLSYMS_BEFORE_4_6 ? 8 : 4;
	uint64_t pos = 0;

	if (offsets_first)
		add_offsets(&image, k, symbols, at, order);
	ey_buf_add(&image, &k->count, 4);
	align(&image, order);
	ey_buf_add(&image, k->names.data, k->names.len);
	align(&image, order);
	for (size_t i = 0; i < k->count; i++) {
		const uint8_t *name = (const uint8_t *)k->names.data + pos;

		if (i % 256 == 0)
			ey_buf_add(&image, &pos, marker_size);
		pos += name[0] & 0x80 ? 2 + (name[0] & 0x7fu) + 128u * name[1] : 1u + name[0];
	}
	align(&image, order);
	// The order of the symbols by name; any numbers do.
	for (uint32_t i = 0; order == FAKE_KALLSYMS_6_2 && i < k->count; i++) {
		const uint32_t seq = (k->count - i) * 7 % k->count;

		ey_buf_add(
			&image,
			(const uint8_t[]){(uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq},
			3);
	}
	align(&image, order);
	// Without what fake_kallsyms_make() put behind the last token.
	ey_buf_add(&image, k->token_table.data, k->token_table.len - 256);
	align(&image, order);
	ey_buf_add(&image, k->token_index.data, k->token_index.len);
	align(&image, order);
	if (!offsets_first)
		add_offsets(&image, k, symbols, at, order);
	fake_dump_put(f, at, image.data, image.len);
	ey_buf_deinit(&k->names);
	ey_buf_deinit(&k->offsets);
	ey_buf_deinit(&k->token_table);
	ey_buf_deinit(&k->token_index);
}

void fake_ring_init(struct fake_ring *r, unsigned int count_bits, unsigned int size_bits)
{
	// The kernel begins with ids and positions that will soon wrap.
	uint64_t first = (1ULL << 62) - (2ULL << count_bits);

	*r = (struct fake_ring){.count_bits = count_bits,
				.size_bits = size_bits,
				.head_id = first,
				.tail_id = first,
				.descs = calloc((size_t)1 << count_bits, FAKE_RING_DESC_SIZE),
				.infos = calloc((size_t)1 << count_bits, FAKE_RING_INFO_SIZE),
				.text = calloc(1, (size_t)1 << size_bits)};
	if (!r->descs || !r->infos || !r->text)
		abort();
}

uint8_t *fake_ring_desc(struct fake_ring *r, uint64_t id)
{
	return r->descs + (id & ((1ULL << r->count_bits) - 1)) * FAKE_RING_DESC_SIZE;
}

uint8_t *fake_ring_info(struct fake_ring *r, uint64_t id)
{
	return r->infos + (id & ((1ULL << r->count_bits) - 1)) * FAKE_RING_INFO_SIZE;
}

uint64_t fake_ring_add(struct fake_ring *r, uint64_t ts_nsec, const char *text, unsigned int state)
{
	const uint64_t id_mask = (1ULL << 62) - 1, size = 1ULL << r->size_bits;
	uint64_t id = (r->head_id + 1) & id_mask, seq = id - r->tail_id;
	uint16_t len = (uint16_t)strlen(text);
	uint64_t need = (8 + len + 7) & ~7ULL, begin = r->lpos, next = begin + need;

	// A block that does not fit before the end lies whole at the start.
	uint64_t at = begin & (size - 1);
	if ((begin ^ (next - 1)) & ~(size - 1)) {
		at = 0;
		next = (begin & ~(size - 1)) + size + need;
	}
	memcpy(r->text + at, &id, 8);
	memcpy(r->text + at + 8, text, len);
	uint64_t words[3] = {(uint64_t)state << 62 | id, begin, next};
	memcpy(fake_ring_desc(r, id), words, sizeof(words));
	uint8_t *info = fake_ring_info(r, id);
	memcpy(info, &seq, 8);
	memcpy(info + 8, &ts_nsec, 8);
	memcpy(info + 16, &len, 2);
	r->lpos = next;
	r->head_id = id;
	// The oldest record gives its place.
	if (((id - r->tail_id) & id_mask) >= 1ULL << r->count_bits)
		r->tail_id = (r->tail_id + 1) & id_mask;
	return id;
}

enum { RING_DESCS = 0x100000, RING_INFOS = 0x200000, RING_TEXT = 0x300000 };

void fake_ring_describe(struct fake_dump *f, unsigned int count_bits, unsigned int size_bits,
			uint64_t head_id, uint64_t tail_id)
{
	ey_buf_adds(&f->info, "OFFSET(printk_ringbuffer.desc_ring)=0\n"
			      "OFFSET(printk_ringbuffer.text_data_ring)=64\n"
			      "OFFSET(prb_desc_ring.count_bits)=0\n"
			      "OFFSET(prb_desc_ring.descs)=8\n"
			      "OFFSET(prb_desc_ring.infos)=16\n"
			      "OFFSET(prb_desc_ring.head_id)=24\n"
			      "OFFSET(prb_desc_ring.tail_id)=32\n"
			      "OFFSET(prb_desc.state_var)=0\n"
			      "OFFSET(prb_desc.text_blk_lpos)=8\n"
			      "OFFSET(prb_data_blk_lpos.begin)=0\n"
			      "OFFSET(prb_data_blk_lpos.next)=8\n"
			      "OFFSET(printk_info.seq)=0\n"
			      "OFFSET(printk_info.ts_nsec)=8\n"
			      "OFFSET(printk_info.text_len)=16\n"
			      "OFFSET(prb_data_ring.size_bits)=0\n"
			      "OFFSET(prb_data_ring.data)=8\n"
			      "OFFSET(atomic_long_t.counter)=0\n"
			      "SIZE(prb_desc)=24\n"
			      "SIZE(printk_info)=88\n");
	fake_dump_symbol(f, "prb", FAKE_IMAGE + 0x2000);
	fake_dump_put_u64(f, FAKE_IMAGE + 0x2000, FAKE_RING);
	fake_dump_put_u32(f, FAKE_RING, count_bits);
	fake_dump_put_u64(f, FAKE_RING + 8, FAKE_RING + RING_DESCS);
	fake_dump_put_u64(f, FAKE_RING + 16, FAKE_RING + RING_INFOS);
	fake_dump_put_u64(f, FAKE_RING + 24, head_id);
	fake_dump_put_u64(f, FAKE_RING + 32, tail_id);
	fake_dump_put_u32(f, FAKE_RING + 64, size_bits);
	fake_dump_put_u64(f, FAKE_RING + 72, FAKE_RING + RING_TEXT);
}

void fake_ring_put(struct fake_ring *r, struct fake_dump *f)
{
	size_t count = (size_t)1 << r->count_bits;

	fake_ring_describe(f, r->count_bits, r->size_bits, r->head_id, r->tail_id);
	fake_dump_put(f, FAKE_RING + RING_DESCS, r->descs, count * FAKE_RING_DESC_SIZE);
	fake_dump_put(f, FAKE_RING + RING_INFOS, r->infos, count * FAKE_RING_INFO_SIZE);
	fake_dump_put(f, FAKE_RING + RING_TEXT, r->text, (size_t)1 << r->size_bits);
	free(r->descs);
	free(r->infos);
	free(r->text);
	*r = (struct fake_ring){0};
}
